#include <zlib.h>
#include <lamina/file.hpp>
using namespace lamina;

namespace {

/// An IDX file, plain or compressed by gzip: magic {0, 0, type, rank}, sizes as big-endian 32-bit numbers, then the elements, big-endian.
/// Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits".
class IdxFile {
 public:
  IdxFile(Source& s, const std::string& path) : source_(s), path_(path) {
    InputFile file(path);
    bytes_ = file.size();
    const int descriptor = file.release();
    stream_ = ::gzdopen(descriptor, "rb");  // reads plain files as they are
    if (!stream_) {
      ::close(descriptor);
      s.fail("there is no memory to read ", path_);
    }
  }
  ~IdxFile() { ::gzclose_r(stream_); }
  IdxFile(const IdxFile&) = delete;
  IdxFile& operator=(const IdxFile&) = delete;

  Array read() {
    uint8_t magic[4], size[4];
    take(magic, 4);
    if (magic[0] || magic[1]) source_.fail(path_, " is no IDX file: it does not begin with two zero bytes");
    Array a{type(magic[2]), {}, {}};
    if (magic[3] < 1 || magic[3] > LAMINA_MAX_RANK) source_.fail(path_, " claims ", int(magic[3]), " axes; wanted 1 to ", LAMINA_MAX_RANK);
    for (int axis = 0; axis < magic[3]; ++axis) {
      take(size, 4);
      a.shape.push_back(int64_t(size[0]) << 24 | size[1] << 16 | size[2] << 8 | size[3]);
    }
    const uint64_t claimed = claim(a), header = 4 + 4 * a.shape.size();
    // Deflate packs at most 1032 bytes into one, so a header that claims more is wrong, whatever follows.
    const uint64_t possible = ::gzdirect(stream_) ? bytes_ - header : std::min(most_, bytes_ * 1032);
    if (claimed > possible) source_.fail(path_, " claims the shape ", a.shape, ", ", claimed, " bytes; it can hold ", possible);
    while (a.bytes.size() < claimed) {  // memory is taken as data comes, not as the header says
      const size_t from = a.bytes.size();
      a.bytes.resize(std::min<uint64_t>(claimed, from + std::max<uint64_t>(from, 1 << 20)));
      take(a.bytes.data() + from, a.bytes.size() - from);
    }
    if (::gzread(stream_, magic, 1) != 0)
      source_.fail(path_, " is damaged, or goes on after the ", claimed, " bytes of its shape ", a.shape);
    const size_t width = size_of(a.dtype);
    for (size_t i = 0; width > 1 && i < a.bytes.size(); i += width) std::reverse(&a.bytes[i], &a.bytes[i] + width);
    return a;
  }

 private:
  DType type(uint8_t code) const {
    if (code == 0x08) return DType::uint8;
    if (code == 0x0C) return DType::int32;
    if (code == 0x0D) return DType::float32;
    if (code == 0x0E) return DType::float64;
    source_.fail(path_, " has the element type ", int(code), "; wanted 8 (uint8), 12 (int32), 13 (float32) or 14 (float64)");
  }
  uint64_t claim(const Array& a) const {
    try {
      return sample_bytes(a.dtype, a.shape);
    } catch (const Error&) {
      source_.fail(path_, " claims the shape ", a.shape, ", which no array can have");
    }
  }
  void take(uint8_t* out, size_t count) {
    for (size_t done = 0; done < count;) {
      const int got = ::gzread(stream_, out + done, unsigned(std::min<size_t>(count - done, 1 << 28)));
      if (got <= 0) {
        int code = 0;
        const char* why = ::gzerror(stream_, &code);
        source_.fail(path_, " ends too early", code < 0 ? describe(": ", why) : "");
      }
      done += size_t(got);
    }
  }
  static constexpr uint64_t most_ = uint64_t(1) << 33;  ///< bytes that one compressed file may become
  Source& source_;
  std::string path_;
  uint64_t bytes_ = 0;
  gzFile stream_ = nullptr;
};

}  // namespace

struct Idx {
  Path path;
  std::string train_images = "train-images-idx3-ubyte", train_labels = "train-labels-idx1-ubyte";
  std::string test_images = "t10k-images-idx3-ubyte", test_labels = "t10k-labels-idx1-ubyte";
  std::vector<std::string> classes;

  void declare(Declaration& d) {
    d.details(
        "MNIST and its family (Fashion-MNIST, KMNIST, EMNIST); files may be plain or end in .gz. Refused: a file that is "
        "missing, irregular, damaged, longer or shorter than its header says; sample counts that differ.");
    d.source("LeCun, Cortes & Burges, \"The MNIST database of handwritten digits\"");
    d.required("path", path, "folder of the four files");
    d.optional("train_images", train_images, "file of the training pictures, without .gz");
    d.optional("train_labels", train_labels, "file of the training classes, without .gz");
    d.optional("test_images", test_images, "file of the test pictures, without .gz; \"\": there is no test split");
    d.optional("test_labels", test_labels, "file of the test classes, without .gz");
    d.optional("classes", classes, "names of the classes, in the order of their numbers; none: they are called by number");
    d.result("input", "[channels, height, width] as stored (uint8); files of [samples, height, width] get one channel");
    d.result("target", "class number of each sample");
    d.example(R"({"path": "/usr/share/datasets/fashion-mnist"})");
  }
  std::vector<Split> open(Source& s) {
    std::vector<Split> splits = {split(s, "train", train_images, train_labels)};
    if (!test_images.empty()) splits.push_back(split(s, "test", test_images, test_labels));
    name_classes(s, splits, classes);
    if (!splits[0].columns[1].class_count) s.fail("the labels hold a number below 0 or above 65535, which is no class");
    return splits;
  }

 private:
  Split split(Source& s, const char* name, const std::string& images, const std::string& labels) const {
    Array x = IdxFile(s, file(images)).read(), y = IdxFile(s, file(labels)).read();
    if (x.shape.size() < 2) s.fail(images, " has the shape ", x.shape, "; wanted [samples, …]");
    if (y.shape.size() != 1 || y.dtype > DType::uint8 || y.dtype < DType::int32)
      s.fail(labels, " has the shape ", y.shape, "; wanted one integer per sample");
    if (x.shape[0] != y.shape[0]) s.fail(images, " has ", x.shape[0], " samples, ", labels, " has ", y.shape[0]);
    Shape sample(x.shape.begin() + 1, x.shape.end());
    if (sample.size() == 2) sample.insert(sample.begin(), 1);
    return {name, x.shape[0], {{"input", x.dtype, sample, std::move(x.bytes)}, {"target", y.dtype, {}, std::move(y.bytes)}}};
  }
  std::string file(const std::string& name) const {
    const std::string plain = path.text + "/" + name;
    return is_there(plain) ? plain : plain + ".gz";
  }
};
LAMINA_DATASET(Idx, "idx", "pictures of the MNIST family")
