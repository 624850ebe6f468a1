#include <lamina/file.hpp>
using namespace lamina;

namespace {

/// The header's Python dictionary, {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}, is looked at, never evaluated.
class NpyFile {
 public:
  explicit NpyFile(const std::string& path) : file_(path) {
    unsigned char start[12] = {};
    file_.read(0, start, 10);
    if (std::memcmp(start, "\x93NUMPY", 6)) throw Error(path + " is no .npy file: it does not begin with \\x93NUMPY");
    if (start[6] < 1 || start[6] > 3) fail("has the format version ", int(start[6]), "; wanted 1 to 3");
    const bool wide = start[6] > 1;
    if (wide) file_.read(10, start + 10, 2);
    const uint64_t length = wide ? start[8] | start[9] << 8 | start[10] << 16 | uint64_t(start[11]) << 24 : start[8] | start[9] << 8;
    data_at_ = (wide ? 12 : 10) + length;
    if (length > 1 << 16 || data_at_ > file_.size()) fail("claims a header of ", length, " bytes");
    header_.resize(length);
    file_.read(data_at_ - length, header_.data(), length);
  }
  Array read() {
    const std::string type = quoted_after("'descr'");
    Array a{DType::float32, shape(), {}};
    if (a.shape.size() > 1 && word_after("'fortran_order'") != "False")
      fail("is stored column by column; write it with numpy.ascontiguousarray");
    const char order = type.empty() ? '?' : type[0];
    if (type.size() != 3 || (order != '<' && order != '|')) unknown(type);
    const uint64_t count = count_of(a.shape), width = uint64_t(type[2] - '0');
    if (width < 1 || width > 8 || (order == '|' && width > 1)) unknown(type);
    if (count > (file_.size() - data_at_) / width || count * width != file_.size() - data_at_)
      fail("claims the shape ", a.shape, " of ", width, "-byte elements; behind the header it has ", file_.size() - data_at_, " bytes");
    std::vector<uint8_t> bytes(count * width);
    file_.read(data_at_, bytes.data(), bytes.size());
    const std::string kind = type.substr(1);
    constexpr std::pair<const char*, DType> stored[] = {
        {"u1", DType::uint8}, {"b1", DType::boolean}, {"i4", DType::int32}, {"f4", DType::float32}, {"f8", DType::float64}};
    for (auto& [name, dtype] : stored)
      if (kind == name) {
        for (uint8_t b : bytes)
          if (dtype == DType::boolean && b > 1) fail("holds a bool of the value ", int(b));
        a.dtype = dtype, a.bytes = std::move(bytes);
        return a;
      }
    a.dtype = DType::int32, a.bytes.resize(count * 4);
    if (kind == "i1")
      convert<int8_t>(bytes, a);
    else if (kind == "i2")
      convert<int16_t>(bytes, a);
    else if (kind == "u2")
      convert<uint16_t>(bytes, a);
    else if (kind == "u4")
      convert<uint32_t>(bytes, a);
    else if (kind == "i8")
      convert<int64_t>(bytes, a);
    else if (kind == "u8")
      convert<uint64_t>(bytes, a);
    else
      unknown(type);
    return a;
  }

 private:
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw Error(describe(file_.path(), " ", parts...));
  }
  [[noreturn]] void unknown(const std::string& type) const {
    fail("has elements of the type '", type, "'; wanted little-endian integers, float32, float64, uint8 or bool");
  }
  /// Where the value of a key begins.
  size_t value_of(const char* key) const {
    const size_t at = header_.find(key), colon = at == header_.npos ? at : header_.find_first_not_of(' ', at + std::strlen(key));
    if (colon == header_.npos || header_[colon] != ':') fail("has no ", key, " in its header");
    return std::min(header_.find_first_not_of(' ', colon + 1), header_.size());
  }
  std::string word_after(const char* key) const {
    const size_t at = value_of(key);
    return header_.substr(at, header_.find_first_of(",} ", at) - at);
  }
  std::string quoted_after(const char* key) const {
    const size_t at = value_of(key);
    if (at >= header_.size() || header_[at] != '\'') fail("holds records or objects; wanted one number per element");
    return header_.substr(at + 1, header_.find('\'', at + 1) - at - 1);
  }
  Shape shape() const {
    size_t at = value_of("'shape'");
    Shape shape;
    if (at >= header_.size() || header_[at] != '(') fail("has no shape in its header");
    for (++at; at < header_.size() && header_[at] != ')'; ++at) {
      if (header_[at] == ' ' || header_[at] == ',') continue;
      int64_t size = 0;
      const size_t digits = at;
      for (; at < header_.size() && header_[at] >= '0' && header_[at] <= '9' && at - digits < 18; ++at)
        size = size * 10 + header_[at] - '0';
      if (at == digits || shape.size() == LAMINA_MAX_RANK) fail("has a shape in its header that cannot be read");
      if (at == header_.size() || !std::strchr(" ,)", header_[at])) fail("has a shape in its header that cannot be read");
      shape.push_back(size), --at;
    }
    return shape;
  }
  uint64_t count_of(const Shape& shape) const {
    try {
      return sample_bytes(DType::uint8, shape);
    } catch (const Error&) {
      fail("claims the shape ", shape, ", which has no elements or more than can be counted");
    }
  }
  template <class From>
  void convert(const std::vector<uint8_t>& bytes, Array& to) const {
    for (size_t i = 0; i * sizeof(From) < bytes.size(); ++i) {
      From v;
      std::memcpy(&v, &bytes[i * sizeof(From)], sizeof v);
      if (!std::in_range<int32_t>(v)) fail("holds the number ", v, ", which does not fit into int32");
      const auto narrow = int32_t(v);
      std::memcpy(&to.bytes[4 * i], &narrow, 4);
    }
  }
  InputFile file_;
  std::string header_;
  uint64_t data_at_ = 0;
};

}  // namespace

struct Npy {
  Path input;
  std::optional<Path> target, validation_input, validation_target, test_input, test_target;
  std::vector<std::string> classes;

  void declare(Declaration& d) {
    d.details(
        "NumPy's format, versions 1 to 3. float32, float64, int32, uint8 and bool keep their type; other integers become int32. There "
        "are as many classes as the largest class number of all splits says. Refused: big-endian numbers, objects and records, arrays "
        "that are stored column by column (`numpy.ascontiguousarray` turns them), a file that is longer or shorter than its header "
        "says, inputs and targets whose sample counts differ.");
    d.source("NumPy enhancement proposal 1, \"A simple file format for NumPy arrays\"");
    d.required("input", input, "file of the training inputs");
    d.optional("target", target, "file of the training targets; absent: there are none");
    d.optional("validation_input", validation_input, "file of the validation inputs; absent: there is no such split");
    d.optional("validation_target", validation_target, "file of the validation targets");
    d.optional("test_input", test_input, "file of the test inputs; absent: there is no such split");
    d.optional("test_target", test_target, "file of the test targets");
    d.optional("classes", classes, "names of the classes, in the order of their numbers; none: they are called by number");
    d.result("input", "array [samples, …]: […] of each sample");
    d.result("target",
             "array [samples]: of integers from 0, class numbers; else, and [samples, …], values. None where there is no `target`");
    d.example(R"({"input": "x.npy", "target": "y.npy", "test_input": "x_test.npy", "test_target": "y_test.npy"})");
  }
  std::vector<Split> open(Source& s) {
    std::vector<Split> splits = {split(s, "train", input, target)};
    if (validation_target && !validation_input) s.fail("\"validation_target\" is given without \"validation_input\"; wanted both");
    if (test_target && !test_input) s.fail("\"test_target\" is given without \"test_input\"; wanted both");
    if (validation_input) splits.push_back(split(s, "validation", *validation_input, validation_target));
    if (test_input) splits.push_back(split(s, "test", *test_input, test_target));
    name_classes(s, splits, classes);
    return splits;
  }

 private:
  static Split split(Source& s, const char* name, const Path& input, const std::optional<Path>& target) {
    Split made{name, 0, {}};
    add(s, made, "input", input.text);
    if (target) add(s, made, "target", target->text);
    return made;
  }
  static void add(Source& s, Split& split, const char* column, const std::string& path) {
    Array a = NpyFile(path).read();
    if (a.shape.empty()) s.fail(path, " is a single number; wanted [samples, …]");
    if (!split.columns.empty() && split.samples != a.shape[0])
      s.fail("the ", split.name, " split has ", split.samples, " inputs, but ", path, " has ", a.shape[0], " targets");
    split.samples = a.shape[0];
    split.columns.push_back({column, a.dtype, Shape(a.shape.begin() + 1, a.shape.end()), std::move(a.bytes)});
  }
};
LAMINA_DATASET(Npy, "npy", "arrays in NumPy's files")
