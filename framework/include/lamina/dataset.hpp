/// A dataset is a struct with `std::vector<Split> open(Source&)`, which checks its files and returns what is in them. Columns hold their
/// samples in memory, or leave `data` empty and are decoded on demand by
///   void read(size_t split, size_t column, std::span<const int64_t> rows, void* out) const      any thread, several at once; out is dense
/// Files are hostile: what a header claims is checked against the size of the file before memory is taken.
#pragma once
#include <memory>
#include <span>

#include "plugin.hpp"

namespace lamina {

/// One array of an HDF5 file: dense, row-major; 64-bit integers come as int32.
struct Array {
  DType dtype;
  Shape shape;
  std::vector<uint8_t> bytes;
};

/// One column of a split, for example all pictures of the training set.
struct Column {
  std::string name;  ///< "input", "target", or any name that the network's inputs use
  DType dtype;
  Shape sample;  ///< shape of one sample, without the batch axis
  std::vector<uint8_t> data = {};
  uint32_t class_count = 0;               ///< of a target that is a class number: how many classes there are
  std::vector<std::string> classes = {};  ///< their names, or none
};
struct Split {
  std::string name;  ///< "train", "validation", "test"
  int64_t samples = 0;
  std::vector<Column> columns;
};

/// Bytes of one sample; Error when a dimension is below 1 or the product overflows.
inline uint64_t sample_bytes(DType dtype, const Shape& sample) {
  uint64_t bytes = size_of(dtype);
  for (auto d : sample)
    if (d < 1 || __builtin_mul_overflow(bytes, uint64_t(d), &bytes)) throw Error(describe("a sample cannot have the shape ", sample));
  return bytes;
}

/// Where a dataset is opened: errors, and the host's hardened HDF5 reader.
class Source {
 public:
  Source(const lamina_host* host, lamina_scope* handle) : host_(host), handle_(handle) {}
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw Error(describe(parts...));
  }
  /// The array `name` of an HDF5 file, whole.
  Array read_hdf5(const std::string& path, const std::string& name) const {
    lamina_shape s{};
    if (!host_->read_hdf5) fail("this host cannot read HDF5 files");
    if (host_->read_hdf5(handle_, path.c_str(), name.c_str(), &s, nullptr, 0)) throw Error();
    Array a{DType(s.dtype), Shape(s.dims, s.dims + s.rank), {}};
    a.bytes.resize(sample_bytes(a.dtype, a.shape));
    if (host_->read_hdf5(handle_, path.c_str(), name.c_str(), &s, a.bytes.data(), a.bytes.size())) throw Error();
    return a;
  }

 private:
  const lamina_host* host_;
  lamina_scope* handle_;
};

/// Largest class number of a target + 1; 0 where it holds none: other types than uint8 and int32, several values for each sample, or a
/// number below 0 or above 65535.
inline int64_t count_classes(const Column& c, int64_t samples) {
  if (!c.sample.empty() || (c.dtype != DType::uint8 && c.dtype != DType::int32)) return 0;
  int64_t most = -1;
  for (int64_t i = 0; i < samples; ++i) {
    int32_t label = 0;
    if (c.dtype == DType::uint8)
      label = c.data[size_t(i)];
    else
      std::memcpy(&label, &c.data[size_t(4 * i)], 4);
    if (label < 0 || label > 65535) return 0;
    most = std::max<int64_t>(most, label);
  }
  return most + 1;
}
/// Tells the targets, column 1 of every split, how many classes they have and what those are called: as many as the largest class number of
/// all splits says, or as `names` has. None where the targets are no class numbers.
inline void name_classes(const Source& s, std::vector<Split>& splits, const std::vector<std::string>& names) {
  int64_t count = 0;
  for (const Split& each : splits) {
    const int64_t own = each.columns.size() < 2 ? 0 : count_classes(each.columns[1], each.samples);
    if (!own) return;
    count = std::max(count, own);
  }
  if (!names.empty() && int64_t(names.size()) < count) s.fail("\"classes\" names ", names.size(), " classes, the targets have ", count);
  for (Split& each : splits)
    each.columns[1].class_count = uint32_t(names.empty() ? count : int64_t(names.size())), each.columns[1].classes = names;
}

namespace border {

/// An open dataset: the author's struct, what it holds, and the tables that the host reads.
template <class T>
struct OpenDataset {
  T plugin;
  std::vector<Split> splits;
  std::vector<std::vector<lamina_column>> columns;
  std::vector<std::vector<const char*>> classes;
  std::vector<lamina_split> table;

  void publish() {
    for (Split& s : splits) {
      auto& row = columns.emplace_back();
      if (&s != &splits[0]) same_columns(splits[0], s);
      for (Column& c : s.columns) {
        if (c.sample.size() >= LAMINA_MAX_RANK)
          throw Error(describe("column \"", c.name, "\": a sample has at most 7 axes, not ", c.sample.size()));
        uint64_t bytes = 0;
        const bool overflow = s.samples < 1 || __builtin_mul_overflow(sample_bytes(c.dtype, c.sample), uint64_t(s.samples), &bytes);
        if (overflow || (c.data.empty() ? !reads : c.data.size() != bytes))
          throw Error(describe("split \"", s.name, "\", column \"", c.name, "\": ", s.samples, " samples of ", c.sample, " do not fit ",
                               c.data.size(), " bytes"));
        auto& names = classes.emplace_back();
        for (auto& text : c.classes) names.push_back(text.c_str());
        lamina_column& column = row.emplace_back();
        column = {sizeof(lamina_column),
                  c.class_count,
                  c.name.c_str(),
                  {},
                  c.data.empty() ? nullptr : c.data.data(),
                  names.empty() ? nullptr : names.data()};
        column.sample.dtype = uint32_t(c.dtype), column.sample.rank = uint32_t(c.sample.size());
        std::copy(c.sample.begin(), c.sample.end(), column.sample.dims);
      }
      table.push_back({sizeof(lamina_split), uint32_t(row.size()), s.name.c_str(), s.samples, row.data()});
    }
  }
  static void same_columns(const Split& a, const Split& b) {
    auto sentence = [&](const auto&... what) { return Error(describe("the splits \"", a.name, "\" and \"", b.name, "\" ", what...)); };
    if (a.columns.size() != b.columns.size()) throw sentence("have ", a.columns.size(), " and ", b.columns.size(), " columns");
    for (size_t i = 0; i < a.columns.size(); ++i) {
      const Column &x = a.columns[i], &y = b.columns[i];
      if (x.name != y.name) throw sentence("have different columns: \"", x.name, "\" and \"", y.name, "\"");
      if (x.dtype != y.dtype) throw sentence("store \"", x.name, "\" in different types");
      if (x.sample != y.sample) throw sentence("have samples of ", x.sample, " and ", y.sample, " in \"", x.name, "\"");
    }
  }
  static constexpr bool reads = requires(const T& t, std::span<const int64_t> rows) { t.read(size_t(), size_t(), rows, nullptr); };
};

template <class T>
struct Dataset {
  using Plugin = T;
  using Open = OpenDataset<T>;
  static lamina_status open(const lamina_host* host, lamina_scope* handle, const lamina_attribute* settings, uint32_t setting_count,
                            void** object) {
    return guard(host, handle, [&] {
      auto opened = std::make_unique<Open>();
      opened->plugin = configured<T>(settings, setting_count);
      Source source(host, handle);
      opened->splits = opened->plugin.open(source);
      opened->publish();
      *object = opened.release();
    });
  }
  static lamina_status splits(void* object, const lamina_split** splits, uint32_t* count) {
    const auto& table = static_cast<Open*>(object)->table;
    *splits = table.data(), *count = uint32_t(table.size());
    return 0;
  }
  static lamina_status read(const lamina_host* host, lamina_scope* handle, void* object, uint32_t split, uint32_t column,
                            const int64_t* rows, uint32_t row_count, void* out) {
    return guard(host, handle, [&] {
      if constexpr (Open::reads)
        static_cast<const Open*>(object)->plugin.read(split, column, std::span<const int64_t>(rows, row_count), out);
      else
        throw Error("every column of this dataset is in memory");
    });
  }
  static void close(void* object) { delete static_cast<Open*>(object); }
  static void complete(Declaration&) {}
  static constexpr lamina_dataset table{sizeof(lamina_dataset), open, splits, Open::reads ? read : nullptr, close};
};

}  // namespace border
}  // namespace lamina

#define LAMINA_DATASET(Type, name, doc) LAMINA_PLUGIN("dataset", name, doc, lamina::border::Dataset<Type>)
