/// Writing HDF5 files whole: what stands under the target's name is always complete, old or new.
#pragma once
#include "record/array.hpp"

#include <filesystem>
#include <memory>
#include <span>

namespace lamina {

struct WriteOptions {
  bool compress = false;  // chunks with shuffle and deflate 4; worth it for pictures, rarely for weights
};

/// Writes a temporary file in the target's folder; commit() puts it in the target's place. Without commit the temporary is removed.
/// Paths are "group/dataset", missing groups are made, order of creation is kept. Format: HDF5's default (earliest), little endian,
/// UTF-8 texts of fixed length (variable ones cannot be read safely from a hostile file). Every function throws FileError.
/// Any thread, one at a time per writer.
class H5Writer {
 public:
  explicit H5Writer(std::filesystem::path target);
  H5Writer(H5Writer&&) noexcept;
  ~H5Writer();

  /// Makes the group where it is missing and writes its attributes; "" or "/" is the root.
  void group(const std::string& path, const FileAttributes& attributes = {});

  /// row_major: checked_count(shape) elements. float16 and bfloat16 are refused. boolean is stored as h5py stores it (an enum of int8).
  void write(const std::string& path, DType dtype, const Shape& shape, const void* row_major, WriteOptions options = {});
  void write(const std::string& path, const Array& array, WriteOptions options = {});
  void write_int64(const std::string& path, const Shape& shape, std::span<const int64_t> row_major);
  void write_text(const std::string& path, const std::string& text);
  void write_texts(const std::string& path, const std::vector<std::string>& texts);  // 1-D

  /// On a group or a dataset; an attribute holds at most 64,000 bytes.
  void attribute(const std::string& path, const std::string& name, const FileAttribute& value);

  /// Makes a dataset a dimension scale, or gives it to an axis of another (several per axis are allowed); labels name an axis without one.
  void scale(const std::string& dataset_path, const std::string& axis_name);
  void attach(const std::string& dataset_path, int axis, const std::string& scale_path);
  void label(const std::string& dataset_path, int axis, const std::string& name);

  /// Flush, fsync, rename over the target, fsync the folder. The writer is used up, also when this throws.
  void commit();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lamina
