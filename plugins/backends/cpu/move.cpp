#include "move.hpp"

#include <omp.h>

#include <algorithm>
#include <cstring>

namespace lamina::cpu {

namespace {

template <class T>
void row(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t n) {
  if (from_stride == 1 && to_stride == 1)
    std::memcpy(to, from, size_t(n) * sizeof(T));
  else
    for (int64_t i = 0; i < n; ++i) to[i * to_stride] = from[i * from_stride];
}

/// Two inner loops where one side is contiguous in the first and the other in the second: blocks that stay in cache.
template <class T>
void transpose(const T* from, T* to, const int64_t* size, const int64_t* from_stride, const int64_t* to_stride) {
  constexpr int64_t block = 16;
  for (int64_t i = 0; i < size[0]; i += block)
    for (int64_t j = 0; j < size[1]; j += block) {
      const int64_t ie = std::min(size[0], i + block), je = std::min(size[1], j + block);
      for (int64_t a = i; a < ie; ++a)
        for (int64_t b = j; b < je; ++b) to[a * to_stride[0] + b * to_stride[1]] = from[a * from_stride[0] + b * from_stride[1]];
    }
}

template <class T>
void move_typed(const Move& nest, const T* from, T* to, int threads) {
  const size_t rank = nest.sizes.size();
  if (rank == 0) {
    *to = *from;
    return;
  }
  // The inner pair: the loop that is contiguous in the source goes next to the innermost one.
  Move n = nest;
  size_t contiguous = rank - 1;
  for (size_t i = 0; i < rank; ++i)
    if (n.from[i] == 1) contiguous = i;
  const bool paired = contiguous != rank - 1;
  if (paired)
    for (auto* list : {&n.sizes, &n.from, &n.to}) std::rotate(list->begin() + contiguous, list->begin() + contiguous + 1, list->end() - 1);
  const size_t inner = paired ? 2 : 1, outer = rank - inner;
  int64_t inner_count = 1, outer_count = 1;
  for (size_t i = 0; i < outer; ++i) outer_count *= n.sizes[i];
  for (size_t i = outer; i < rank; ++i) inner_count *= n.sizes[i];
  // A single big loop is cut so that threads have something to share.
  const auto work = [&](int64_t begin, int64_t end) {
    std::vector<int64_t> at(outer, 0);
    const T* f = from;
    T* t = to;
    int64_t rest = begin;
    for (size_t i = outer; i-- > 0;) at[i] = rest % n.sizes[i], rest /= n.sizes[i], f += at[i] * n.from[i], t += at[i] * n.to[i];
    for (int64_t k = begin; k < end; ++k) {
      if (paired)
        transpose(f, t, &n.sizes[outer], &n.from[outer], &n.to[outer]);
      else
        row(f, n.from[outer], t, n.to[outer], n.sizes[outer]);
      for (size_t i = outer; i-- > 0;) {
        f += n.from[i], t += n.to[i];
        if (++at[i] < n.sizes[i]) break;
        f -= at[i] * n.from[i], t -= at[i] * n.to[i], at[i] = 0;
      }
    }
  };
  if (threads > 1 && inner_count * outer_count >= 32768 && outer_count >= threads) {
#pragma omp parallel num_threads(threads)
    {
      const int64_t t = omp_get_thread_num(), all = omp_get_num_threads();
      work(outer_count * t / all, outer_count * (t + 1) / all);
    }
  } else if (threads > 1 && inner_count >= 65536 && !paired) {
#pragma omp parallel num_threads(threads)
    {
      const int64_t t = omp_get_thread_num(), all = omp_get_num_threads(), size = n.sizes[outer];
      const int64_t b = size * t / all, e = size * (t + 1) / all;
      std::vector<int64_t> at(outer, 0);
      for (int64_t k = 0; k < outer_count; ++k) {
        const T* f = from;
        T* to_row = to;
        for (size_t i = 0; i < outer; ++i) f += at[i] * n.from[i], to_row += at[i] * n.to[i];
        row(f + b * n.from[outer], n.from[outer], to_row + b * n.to[outer], n.to[outer], e - b);
        for (size_t i = outer; i-- > 0;) {
          if (++at[i] < n.sizes[i]) break;
          at[i] = 0;
        }
      }
    }
  } else {
    work(0, outer_count);
  }
}

template <class T>
void scatter(uint64_t from_token, uint64_t to_token, int64_t count, const T* from, T* to) {
  const Digits a = digits_of(from_token, count), b = digits_of(to_token, count);
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, number = 0, at = 0;
    for (size_t k = a.size(); k-- > 0;) number += rest % a[k].size * a[k].weight, rest /= a[k].size;
    for (const auto& d : b) at = at * d.size + number / d.weight % d.size;
    to[at] = from[i];
  }
}

}  // namespace

Move simplified(const Move& nest) {
  Move s;
  for (size_t i = 0; i < nest.sizes.size(); ++i) {
    if (nest.sizes[i] == 1) continue;
    if (!s.sizes.empty() && s.from.back() == nest.from[i] * nest.sizes[i] && s.to.back() == nest.to[i] * nest.sizes[i]) {
      s.sizes.back() *= nest.sizes[i], s.from.back() = nest.from[i], s.to.back() = nest.to[i];
    } else {
      s.sizes.push_back(nest.sizes[i]), s.from.push_back(nest.from[i]), s.to.push_back(nest.to[i]);
    }
  }
  return s;
}

void move_elements(const Move& nest, const void* from, void* to, size_t bytes, int threads) {
  switch (bytes) {
    case 1:
      return move_typed(nest, static_cast<const uint8_t*>(from), static_cast<uint8_t*>(to), threads);
    case 2:
      return move_typed(nest, static_cast<const uint16_t*>(from), static_cast<uint16_t*>(to), threads);
    case 4:
      return move_typed(nest, static_cast<const uint32_t*>(from), static_cast<uint32_t*>(to), threads);
    default:
      return move_typed(nest, static_cast<const uint64_t*>(from), static_cast<uint64_t*>(to), threads);
  }
}

void change_layout(uint64_t from_token, uint64_t to_token, int64_t count, const void* from, void* to, size_t bytes, int threads) {
  if (const auto nest = move_between(from_token, to_token, count)) return move_elements(*nest, from, to, bytes, threads);
  switch (bytes) {
    case 1:
      return scatter(from_token, to_token, count, static_cast<const uint8_t*>(from), static_cast<uint8_t*>(to));
    case 2:
      return scatter(from_token, to_token, count, static_cast<const uint16_t*>(from), static_cast<uint16_t*>(to));
    case 4:
      return scatter(from_token, to_token, count, static_cast<const uint32_t*>(from), static_cast<uint32_t*>(to));
    default:
      return scatter(from_token, to_token, count, static_cast<const uint64_t*>(from), static_cast<uint64_t*>(to));
  }
}

}  // namespace lamina::cpu
