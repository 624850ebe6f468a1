/// Element types as they stand in a file, and their bytes turned into ours. Not for others: part of the HDF5 reader.
#pragma once
#include "record/array.hpp"

#include <span>

namespace lamina {

struct StoredType {
  enum class Kind { real, integer, boolean, text } kind = Kind::integer;
  size_t size = 0;            // bytes of one element
  bool is_signed = false;     // integers
  bool big_endian = false;    // numbers
  bool space_padded = false;  // texts

  std::string name() const;  // "float32", "int64", "boolean", "text"
};

/// Recognises exactly the standard types; FileError "`what` …" with a sentence for all others. type: an HDF5 type identifier.
StoredType stored_type(int64_t type, const std::string& what);

/// What H5Reader::read gives for it; FileError for texts.
DType read_as(const StoredType&, const std::string& what);

/// `bytes` holds whole elements. FileError names the first value out of range.
std::vector<std::byte> decode(std::span<const std::byte> bytes, const StoredType&, const std::string& what);
std::vector<int64_t> decode_int64(std::span<const std::byte> bytes, const StoredType&, const std::string& what);
std::vector<double> decode_float64(std::span<const std::byte> bytes, const StoredType&, const std::string& what);
std::vector<std::string> decode_texts(std::span<const std::byte> bytes, const StoredType&, const std::string& what);

}  // namespace lamina
