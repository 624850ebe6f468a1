/// Reading HDF5 files nobody vouches for: weights, data sets, other people's runs.
#pragma once
#include "record/array.hpp"

#include <filesystem>
#include <memory>
#include <optional>

namespace lamina {

struct ReadLimits {
  uint64_t bytes = uint64_t(8) << 30;  // of one dataset, as stored and as returned
};

struct DatasetInfo {
  std::string name;            // full path without a leading slash
  std::string stored;          // "float32", "int64", "text", … as in the file; "" when a problem hides it
  Shape shape;                 // [] for a scalar
  std::optional<DType> dtype;  // what read() would give; none for texts and what cannot be read
  std::string problem;         // why it cannot be read, a sentence; "" when it can
};

/// Opens regular files only and follows hard links only. Refused, each with a sentence: external and soft links, external storage,
/// virtual layouts, filters other than deflate, shuffle and fletcher32, classes other than numbers, booleans and fixed-length texts.
/// Claimed sizes are checked against the memory limit and the file's size before memory is taken; chunks are decoded here, not by the
/// library, so a chunk cannot grow beyond its shape. Every function throws FileError. Any thread, one at a time per reader.
/// What stays: the library itself parses the headers, and HDF5 1.10 has known faults there on crafted files.
class H5Reader {
 public:
  explicit H5Reader(std::filesystem::path path, ReadLimits limits = {});
  H5Reader(H5Reader&&) noexcept;
  ~H5Reader();

  std::vector<DatasetInfo> list() const;
  const std::vector<std::string>& names() const;  // of all datasets, sorted
  bool contains(const std::string& dataset) const;
  DatasetInfo info(const std::string& dataset) const;

  /// 8-, 16- and 64-bit integers come as int32 (uint8, uint32 as they are), out of range is an error; an h5py bool comes as boolean.
  Array read(const std::string& dataset) const;
  std::vector<int64_t> read_int64(const std::string& dataset) const;   // any integers, row-major
  std::vector<double> read_float64(const std::string& dataset) const;  // any numbers, row-major; integers beyond 2^53 are rounded
  std::string read_text(const std::string& dataset) const;             // one fixed-length text
  std::vector<std::string> read_texts(const std::string& dataset) const;

  /// Of a group ("" is the root) or a dataset. attributes() leaves out the kinds it cannot read; the others throw for them.
  FileAttributes attributes(const std::string& path) const;
  bool has_attribute(const std::string& path, const std::string& name) const;
  std::string attribute_text(const std::string& path, const std::string& name) const;
  double attribute_number(const std::string& path, const std::string& name) const;
  int64_t attribute_integer(const std::string& path, const std::string& name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lamina
