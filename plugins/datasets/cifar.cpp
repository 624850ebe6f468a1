#include <lamina/file.hpp>
using namespace lamina;

struct Cifar {
  Path path;
  std::string labels = "ten";
  std::vector<std::string> train, test;

  void declare(Declaration& d) {
    d.details(
        "The binary version: records of one label byte (CIFAR-100: two, coarse and fine) and 3072 bytes of red, green and blue. The "
        "names of the classes are read from batches.meta.txt, fine_label_names.txt or coarse_label_names.txt beside the files, if it "
        "is there. Refused: a file that is missing, irregular or no whole number of records; a label that is no class.");
    d.source("Krizhevsky, \"Learning multiple layers of features from tiny images\", 2009");
    d.required("path", path, "folder of the files, for example cifar-10-batches-bin");
    d.optional("labels", labels, "ten | fine | coarse", "the 10 classes of CIFAR-10, or the 100 or the 20 of CIFAR-100");
    d.optional("train", train, "files of the training split; none: data_batch_1.bin to data_batch_5.bin, of CIFAR-100 train.bin");
    d.optional("test", test, "files of the test split; none: test_batch.bin, of CIFAR-100 test.bin");
    d.result("input", "[3, 32, 32], uint8");
    d.result("target", "class number of each sample");
    d.example(R"({"path": "cifar-10-batches-bin"})");
  }
  std::vector<Split> open(Source& s) {
    const bool ten = labels == "ten";
    const std::vector<std::string> first = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                                            "data_batch_5.bin"};
    const auto files = [&](const std::vector<std::string>& named, const std::vector<std::string>& usual) {
      return named.empty() ? usual : named;
    };
    std::vector<Split> splits = {split(s, "train", files(train, ten ? first : std::vector<std::string>{"train.bin"})),
                                 split(s, "test", files(test, {ten ? "test_batch.bin" : "test.bin"}))};
    const std::vector<std::string> names = class_names(path.text + (ten ? "/batches.meta.txt" : "/" + labels + "_label_names.txt"));
    for (auto& each : splits) each.columns[1].class_count = uint32_t(classes()), each.columns[1].classes = names;
    return splits;
  }

 private:
  static constexpr size_t picture = 3 * 32 * 32;

  size_t classes() const { return labels == "ten" ? 10 : labels == "fine" ? 100 : 20; }
  Split split(Source& s, const char* name, const std::vector<std::string>& files) const {
    const size_t label_bytes = labels == "ten" ? 1 : 2, label = labels == "fine" ? 1 : 0, record = label_bytes + picture;
    Split split{name, 0, {{"input", DType::uint8, {3, 32, 32}}, {"target", DType::uint8, {}}}};
    std::vector<uint8_t>&x = split.columns[0].data, &y = split.columns[1].data;
    for (auto& each : files) {
      const std::string bytes = contents_of(path.text + "/" + each, uint64_t(1) << 32);
      if (bytes.empty() || bytes.size() % record)
        s.fail(each, " has ", bytes.size(), " bytes; wanted records of ", record, ". \"labels\" = \"", labels, "\": is it the right one?");
      for (size_t at = 0; at < bytes.size(); at += record) {
        const auto number = uint8_t(bytes[at + label]);
        if (number >= classes())
          s.fail("sample ", at / record, " of ", each, " has the class number ", int(number), "; wanted less than ", classes());
        y.push_back(number);
        x.insert(x.end(), bytes.begin() + ptrdiff_t(at + label_bytes), bytes.begin() + ptrdiff_t(at + record));
      }
    }
    split.samples = int64_t(y.size());
    return split;
  }
  /// A name per line; none where there is no such file or it has another number of names.
  std::vector<std::string> class_names(const std::string& file) const {
    std::vector<std::string> names;
    if (!is_there(file)) return names;
    const std::string text = contents_of(file, 1 << 16);
    for (size_t at = 0, end; at < text.size(); at = end + 1) {
      end = std::min(text.find('\n', at), text.size());
      std::string name = text.substr(at, end - at);
      while (!name.empty() && (name.back() == '\r' || name.back() == ' ')) name.pop_back();
      if (!name.empty()) names.push_back(name);
    }
    return names.size() == classes() ? names : std::vector<std::string>();
  }
};
LAMINA_DATASET(Cifar, "cifar", "CIFAR-10 and CIFAR-100 in their binary version")
