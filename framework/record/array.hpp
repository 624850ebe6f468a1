/// Values that go into and come out of HDF5 files.
#pragma once
#include <lamina/dtype.hpp>
#include "base/shape.hpp"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace lamina {

/// Dense, row-major, in the machine's byte order; bytes.size() = checked_count(shape) · size_of(dtype).
struct Array {
  DType dtype = DType::float32;
  Shape shape;
  std::vector<std::byte> bytes;

  bool operator==(const Array&) const = default;
};

struct NamedArray {
  std::string name;  // full path in the file, such as model/c1/weight
  Array array;

  bool operator==(const NamedArray&) const = default;
};

using FileAttribute = std::variant<std::string, int64_t, double, std::vector<std::string>, std::vector<int64_t>>;
using FileAttributes = std::vector<std::pair<std::string, FileAttribute>>;  // in the order they are written

/// A file that cannot be written, or whose content is damaged, hostile or of a kind Lamina does not read.
struct FileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace lamina
