/// Structs that grow at the end: how either side reads and writes those of the other, which may be older or newer.
#pragma once
#include <algorithm>
#include <cstring>

#include "tensor.hpp"

namespace lamina::border {

/// The reading rule: the smaller of both sizes into a zeroed struct. Errors: a writer that forgot its size.
template <class T>
T read_sized(const T* from) {
  T to{};
  if (!from || from->size < sizeof(uint32_t)) throw Error("a struct came without its size");
  std::memcpy(&to, from, std::min<size_t>(sizeof(T), from->size));
  return to;
}
/// Item `i` of an array of size-first structs, whose stride is the writer's size.
template <class T>
T item_sized(const T* array, size_t i) {
  if (!array) throw Error("a count came without its array");
  return read_sized(reinterpret_cast<const T*>(reinterpret_cast<const char*>(array) + i * array->size));
}
template <class T>
std::vector<T> list_sized(const T* array, size_t count) {
  std::vector<T> items;
  items.reserve(count);
  for (size_t i = 0; i < count; ++i) items.push_back(item_sized(array, i));
  return items;
}
/// Writes into the reader's array, whose stride is the size it set there (or ours where it set none).
template <class T>
void write_sized(T* array, size_t i, const T& value) {
  const size_t stride = array->size ? array->size : sizeof(T);
  char* to = reinterpret_cast<char*>(array) + (i ? i * stride : 0);
  std::memcpy(to, &value, std::min(stride, sizeof(T)));
  const uint32_t written = uint32_t(stride);
  std::memcpy(to, &written, sizeof written);
}

}  // namespace lamina::border
