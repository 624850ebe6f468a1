#include "record/hdf5_layout.hpp"

#include "base/inflate.hpp"
#include "record/hdf5_handle.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include <hdf5.h>
#include <unistd.h>

namespace lamina {
namespace {

constexpr uint64_t deflate_ratio = 1032;  // no deflate stream grows more than this (RFC 1951: 258 bytes from two bits)

struct Filter {
  H5Z_filter_t id;
};

struct Layout {
  H5D_layout_t kind = H5D_LAYOUT_ERROR;
  uint64_t bytes = 0;  // of all elements
  Shape chunk;
  uint64_t chunk_bytes = 0;
  std::vector<Filter> filters;  // in the order of writing
};

[[noreturn]] void refuse(const Storage& storage, const std::string& why) { throw FileError(storage.what + " " + why + "."); }

uint64_t product(const Storage& storage, uint64_t a, uint64_t b) {
  uint64_t result;
  if (__builtin_mul_overflow(a, b, &result)) refuse(storage, "claims more bytes than 64 bits can count");
  return result;
}

uint64_t bytes_of(const Storage& storage, const Shape& shape, size_t element) {
  try {
    return product(storage, uint64_t(checked_count(shape)), element);
  } catch (const FileError&) {
    throw;
  } catch (const std::runtime_error& error) {
    refuse(storage, std::string("has a wrong shape: ") + error.what());
  }
}

void check_fits(const Storage& storage, uint64_t bytes, bool compressed, const char* claimer) {
  if (bytes > storage.limit)
    refuse(storage, std::string(claimer) + std::to_string(bytes) + " bytes, more than the limit of " + std::to_string(storage.limit));
  const uint64_t most = compressed ? storage.file_size * deflate_ratio : storage.file_size;  // sizes of files stay below 2^53
  if (bytes > most)
    refuse(storage, std::string(claimer) + std::to_string(bytes) + " bytes, but the whole file has only " +
                        std::to_string(storage.file_size) + (compressed ? " (compressed)" : ""));
}

std::vector<Filter> filters_of(const Storage& storage, int64_t properties, size_t element) {
  std::vector<Filter> filters;
  const int count = H5Pget_nfilters(properties);
  if (count < 0 || count > 8) refuse(storage, "has a damaged list of filters");
  bool deflated = false;
  for (int i = 0; i < count; ++i) {
    unsigned flags = 0, values[8] = {};
    size_t value_count = 8;
    const H5Z_filter_t id = H5Pget_filter2(properties, unsigned(i), &flags, &value_count, values, 0, nullptr, nullptr);
    if (id != H5Z_FILTER_DEFLATE && id != H5Z_FILTER_SHUFFLE && id != H5Z_FILTER_FLETCHER32)
      refuse(storage, "is stored with filter " + std::to_string(id) + "; Lamina reads deflate, shuffle and fletcher32");
    if (id == H5Z_FILTER_DEFLATE && std::exchange(deflated, true)) refuse(storage, "is deflated twice");
    if (id == H5Z_FILTER_SHUFFLE && (value_count < 1 || values[0] != element)) refuse(storage, "has a damaged shuffle filter");
    filters.push_back({id});
  }
  return filters;
}

Layout checked_layout(const Storage& storage, const Shape& shape, size_t element) {
  Handle properties = opened(H5Dget_create_plist(storage.dataset), H5Pclose, storage.what + " has damaged properties");
  Layout layout;
  layout.kind = H5Pget_layout(properties);
  layout.bytes = bytes_of(storage, shape, element);
  if (layout.kind != H5D_CHUNKED) {
    check_fits(storage, layout.bytes, false, "claims ");
    return layout;
  }
  hsize_t dims[H5S_MAX_RANK];
  const int rank = H5Pget_chunk(properties, H5S_MAX_RANK, dims);
  if (rank != int(shape.size())) refuse(storage, "has chunks of another rank than its shape");
  layout.filters = filters_of(storage, properties, element);
  bool compressed = false;
  for (const Filter& filter : layout.filters) compressed |= filter.id == H5Z_FILTER_DEFLATE;
  check_fits(storage, layout.bytes, compressed, "claims ");
  // Whole chunks are decoded, so what they add up to counts, not only what of them lies inside the shape.
  uint64_t chunks = 1;
  for (int axis = 0; axis < rank; ++axis) {
    if (dims[axis] == 0 || dims[axis] > uint64_t(INT64_MAX)) refuse(storage, "has a chunk without elements");
    layout.chunk.push_back(int64_t(dims[axis]));
    const uint64_t extent = uint64_t(shape[size_t(axis)]);
    chunks = product(storage, chunks, extent / dims[axis] + (extent % dims[axis] != 0));
  }
  layout.chunk_bytes = bytes_of(storage, layout.chunk, element);
  if (layout.bytes == 0) return layout;
  if (chunks > storage.file_size) refuse(storage, "claims " + std::to_string(chunks) + " chunks, more than the file can hold");
  check_fits(storage, layout.chunk_bytes, compressed, "has chunks of ");
  const uint64_t all = product(storage, chunks, layout.chunk_bytes);
  if (all / deflate_ratio > storage.file_size)
    refuse(storage, "has chunks of " + std::to_string(all) + " bytes, more than the file can hold");
  return layout;
}

/// Missing data read as zero, unless the file defines another fill value: that would need the library's conversion.
void check_fill(const Storage& storage) {
  Handle properties = opened(H5Dget_create_plist(storage.dataset), H5Pclose, storage.what + " has damaged properties");
  H5D_fill_value_t fill = H5D_FILL_VALUE_ERROR;
  if (H5Pfill_value_defined(properties, &fill) < 0 || fill == H5D_FILL_VALUE_USER_DEFINED)
    refuse(storage, "was never wholly written and names a fill value of its own");
}

void read_at(const Storage& storage, uint64_t offset, std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = pread(storage.file, out.data(), std::min<size_t>(out.size(), 1 << 30), off_t(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(storage, std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) refuse(storage, "ends beyond the end of the file");
    offset += uint64_t(got), out = out.subspan(size_t(got));
  }
}

/// HDF5's own variant of Fletcher's checksum: sums of big-endian 16-bit words modulo 65535.
uint32_t fletcher32(std::span<const std::byte> bytes) {
  uint32_t sum1 = 0, sum2 = 0;
  const auto fold = [&] { sum1 = (sum1 & 0xffff) + (sum1 >> 16), sum2 = (sum2 & 0xffff) + (sum2 >> 16); };
  size_t since_fold = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    sum1 += uint32_t(bytes[i]) << 8 | (i + 1 < bytes.size() ? uint32_t(bytes[i + 1]) : 0), sum2 += sum1;
    if (++since_fold == 360) fold(), since_fold = 0;  // 360 words: the sums cannot overflow before
  }
  fold(), fold();
  return sum2 << 16 | sum1;
}

void check_fletcher(const Storage& storage, std::vector<std::byte>& data) {
  if (data.size() < 4) refuse(storage, "has a chunk shorter than its checksum");
  uint32_t stored;
  std::memcpy(&stored, data.data() + data.size() - 4, 4);
  data.resize(data.size() - 4);
  const uint32_t sum = fletcher32(data);
  const uint32_t swapped = (sum >> 8 & 0x00ff00ff) | (sum & 0x00ff00ff) << 8;  // HDF5 before 1.6.3 on little-endian machines
  if (stored != sum && stored != swapped) refuse(storage, "is damaged: the checksum of a chunk does not hold");
}

void unshuffle(std::vector<std::byte>& data, size_t element, std::vector<std::byte>& scratch) {
  const size_t count = data.size() / element;
  scratch.resize(data.size());
  for (size_t byte = 0; byte < element; ++byte)
    for (size_t i = 0; i < count; ++i) scratch[i * element + byte] = data[byte * count + i];
  std::copy(data.begin() + ptrdiff_t(count * element), data.end(), scratch.begin() + ptrdiff_t(count * element));
  data.swap(scratch);
}

/// Undoes the filters of one chunk, last first. mask: bit i is set when filter i was left out.
void decode_chunk(const Storage& storage, const Layout& layout, size_t element, uint32_t mask, std::vector<std::byte>& data,
                  std::vector<std::byte>& scratch) {
  const size_t count = layout.filters.size();
  for (size_t i = count; i-- > 0;) {
    if (mask >> i & 1) continue;
    if (layout.filters[i].id == H5Z_FILTER_FLETCHER32) check_fletcher(storage, data);
    if (layout.filters[i].id == H5Z_FILTER_SHUFFLE) unshuffle(data, element, scratch);
    if (layout.filters[i].id == H5Z_FILTER_DEFLATE) {
      uint64_t size = layout.chunk_bytes;  // what went into deflate: filters before it may have added their checksums
      for (size_t j = 0; j < i; ++j) size += layout.filters[j].id == H5Z_FILTER_FLETCHER32 && !(mask >> j & 1) ? 4 : 0;
      scratch.resize(size);
      if (!inflate_exactly(data, scratch)) refuse(storage, "is damaged: a compressed chunk does not decode to the chunk's size");
      data.swap(scratch);
    }
  }
  if (data.size() != layout.chunk_bytes)
    refuse(storage, "is damaged: a chunk has " + std::to_string(data.size()) + " bytes instead of " + std::to_string(layout.chunk_bytes));
}

/// Copies the part of the chunk at `origin` that lies inside the shape.
void place_chunk(const std::byte* chunk, const Layout& layout, const Shape& origin, const Shape& shape, size_t element, std::byte* out) {
  const size_t rank = shape.size(), last = rank - 1;
  Shape index(rank, 0);
  const size_t run = size_t(std::min(layout.chunk[last], shape[last] - origin[last])) * element;
  for (;;) {
    uint64_t from = 0, to = 0;
    for (size_t axis = 0; axis < rank; ++axis) {
      from = from * uint64_t(layout.chunk[axis]) + uint64_t(index[axis]);
      to = to * uint64_t(shape[axis]) + uint64_t(origin[axis] + index[axis]);
    }
    std::memcpy(out + to * element, chunk + from * element, run);
    size_t axis = last;
    for (;;) {
      if (axis == 0) return;
      --axis;
      if (++index[axis] < std::min(layout.chunk[axis], shape[axis] - origin[axis])) break;
      index[axis] = 0;
    }
  }
}

struct Free {
  void operator()(std::byte* memory) const { std::free(memory); }
};

std::vector<std::byte> chunked_bytes(const Storage& storage, const Layout& layout, const Shape& shape, size_t element) {
  // In a crafted file the index may hold another length than the library tells us, and H5Dread_chunk believes the index. But it
  // reads inside the file only, so a buffer of the file's size holds any chunk; calloc's pages cost nothing until they are read into.
  const std::unique_ptr<std::byte, Free> raw(static_cast<std::byte*>(std::calloc(storage.file_size, 1)));
  if (!raw) refuse(storage, "cannot be read: there is not enough memory");
  std::vector<std::byte> out(layout.bytes), data, scratch;
  Shape origin(shape.size(), 0);
  std::vector<hsize_t> offset(shape.size(), 0);
  for (;;) {
    std::copy(origin.begin(), origin.end(), offset.begin());
    hsize_t size = 0;
    require(H5Dget_chunk_storage_size(storage.dataset, offset.data(), &size), storage.what + " has a damaged chunk index");
    if (size == 0) {
      check_fill(storage);
    } else {
      if (size > storage.file_size || size > layout.chunk_bytes + (layout.chunk_bytes >> 8) + 4096)
        refuse(storage, "has a chunk that claims " + std::to_string(size) + " bytes for " + std::to_string(layout.chunk_bytes));
      uint32_t mask = 0;
      require(H5Dread_chunk(storage.dataset, H5P_DEFAULT, offset.data(), &mask, raw.get()), storage.what + " cannot be read");
      data.assign(raw.get(), raw.get() + size);
      decode_chunk(storage, layout, element, mask, data, scratch);
      place_chunk(data.data(), layout, origin, shape, element, out.data());
    }
    size_t axis = shape.size();
    for (;;) {
      if (axis == 0) return out;
      --axis;
      origin[axis] += std::min(layout.chunk[axis], shape[axis] - origin[axis]);
      if (origin[axis] < shape[axis]) break;
      origin[axis] = 0;
    }
  }
}

}  // namespace

void refuse_foreign_storage(const Storage& storage) {
  Handle properties = opened(H5Dget_create_plist(storage.dataset), H5Pclose, storage.what + " has damaged properties");
  const H5D_layout_t kind = H5Pget_layout(properties);
  if (kind == H5D_VIRTUAL) refuse(storage, "is virtual: its data are in other files, which Lamina does not open");
  if (kind != H5D_COMPACT && kind != H5D_CONTIGUOUS && kind != H5D_CHUNKED) refuse(storage, "has an unknown layout");
  if (H5Pget_external_count(properties) != 0) refuse(storage, "keeps its data in other files, which Lamina does not open");
}

void check_storage(const Storage& storage, const Shape& shape, size_t element) { checked_layout(storage, shape, element); }

std::vector<std::byte> stored_bytes(const Storage& storage, const Shape& shape, size_t element) {
  const Layout layout = checked_layout(storage, shape, element);
  if (layout.bytes == 0) return {};
  if (layout.kind == H5D_CHUNKED) return chunked_bytes(storage, layout, shape, element);
  if (layout.kind == H5D_COMPACT) {
    // These bytes lie in the header, which is in memory already; the library copies them without conversion.
    if (H5Dget_storage_size(storage.dataset) != layout.bytes) refuse(storage, "is damaged: its compact data do not have its size");
    std::vector<std::byte> bytes(layout.bytes);
    Handle type = opened(H5Dget_type(storage.dataset), H5Tclose, storage.what + " has a damaged type");
    require(H5Dread(storage.dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), storage.what + " cannot be read");
    return bytes;
  }
  const haddr_t offset = H5Dget_offset(storage.dataset);
  if (offset == HADDR_UNDEF) {
    check_fill(storage);
    return std::vector<std::byte>(layout.bytes);
  }
  if (offset > storage.file_size || layout.bytes > storage.file_size - offset)
    refuse(storage, "claims " + std::to_string(layout.bytes) + " bytes at byte " + std::to_string(offset) +
                        ", beyond the end of the file (" + std::to_string(storage.file_size) + " bytes)");
  std::vector<std::byte> bytes(layout.bytes);
  read_at(storage, offset, bytes);
  return bytes;
}

}  // namespace lamina
