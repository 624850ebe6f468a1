/// The bytes of one dataset, fetched and decoded under our own checks. Not for others: part of the HDF5 reader.
#pragma once
#include "record/array.hpp"

namespace lamina {

struct Storage {
  int64_t dataset = -1;    // HDF5 identifier of the open dataset
  int file = -1;           // descriptor of its file, for positioned reads
  uint64_t file_size = 0;  // bytes
  uint64_t limit = 0;      // most bytes to take into memory
  std::string what;        // `The dataset "x" of "file"`: begins every message
};

/// Refuses external storage and virtual layouts. To be called before anything else touches the dataset: asking a virtual one for its
/// shape already opens other files.
void refuse_foreign_storage(const Storage&);

/// All elements, row-major, as they are stored. element: bytes of one element.
/// FileError when claims do not fit the file or the limit, and when data are missing or damaged.
std::vector<std::byte> stored_bytes(const Storage&, const Shape& shape, size_t element);

/// The checks of stored_bytes alone, without reading: FileError tells what does not fit.
void check_storage(const Storage&, const Shape& shape, size_t element);

}  // namespace lamina
