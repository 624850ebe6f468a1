#include "move.hpp"
#include "threads.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace lamina::cpu {

namespace {

template <class T>
void copy_row(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t n) {
  if (from_stride == 1 && to_stride == 1)
    std::memcpy(to, from, size_t(n) * sizeof(T));
  else
    for (int64_t i = 0; i < n; ++i) to[i * to_stride] = from[i * from_stride];
}

/// Two loops where one side is contiguous in the first and the other in the second: blocks that stay in cache.
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

Mover::Mover(const Move& nest, size_t bytes) : bytes_(bytes) { take(nest); }

Mover::Mover(uint64_t from_token, uint64_t to_token, int64_t count, size_t bytes) : bytes_(bytes) {
  if (const auto nest = move_between(from_token, to_token, count))
    take(*nest);
  else
    scattered_ = count, scattered_from_ = digits_of(from_token, count), scattered_to_ = digits_of(to_token, count);
}

void Mover::take(const Move& nest) {
  rank_ = nest.sizes.size();
  if (rank_ > most_loops) throw std::runtime_error("a copy has more than 32 loops");
  std::copy(nest.sizes.begin(), nest.sizes.end(), sizes_.begin());
  std::copy(nest.from.begin(), nest.from.end(), from_.begin());
  std::copy(nest.to.begin(), nest.to.end(), to_.begin());
  if (rank_ == 0) return;
  size_t contiguous = rank_ - 1;
  for (size_t i = 0; i < rank_; ++i)
    if (from_[i] == 1) contiguous = i;
  paired_ = contiguous != rank_ - 1;
  if (paired_)  // the loop that is contiguous in the source goes next to the innermost one
    for (Loops* list : {&sizes_, &from_, &to_})
      std::rotate(list->begin() + contiguous, list->begin() + contiguous + 1, list->begin() + rank_ - 1);
  outer_ = rank_ - (paired_ ? 2 : 1);
  for (size_t i = 0; i < outer_; ++i) outer_count_ *= sizes_[i];
  for (size_t i = outer_; i < rank_; ++i) inner_count_ *= sizes_[i];
}

/// Rounds [begin, end) of the outer loops.
template <class T>
void Mover::part(const T* from, T* to, int64_t begin, int64_t end) const {
  Loops at{};
  int64_t rest = begin;
  for (size_t i = outer_; i-- > 0;) at[i] = rest % sizes_[i], rest /= sizes_[i], from += at[i] * from_[i], to += at[i] * to_[i];
  for (int64_t k = begin; k < end; ++k) {
    if (paired_)
      transpose(from, to, &sizes_[outer_], &from_[outer_], &to_[outer_]);
    else
      copy_row(from, from_[outer_], to, to_[outer_], sizes_[outer_]);
    for (size_t i = outer_; i-- > 0;) {
      from += from_[i], to += to_[i];
      if (++at[i] < sizes_[i]) break;
      from -= at[i] * from_[i], to -= at[i] * to_[i], at[i] = 0;
    }
  }
}

template <class T>
void Mover::run_typed(const T* from, T* to, int threads) const {
  if (scattered_) return scatter(from, to);
  if (rank_ == 0) {
    *to = *from;
  } else if (threads > 1 && inner_count_ * outer_count_ >= 32768 && outer_count_ >= threads) {
    in_parts(outer_count_, threads, [&](int, int64_t begin, int64_t end) { part(from, to, begin, end); });
  } else if (threads > 1 && inner_count_ >= 65536 && !paired_ && outer_ == 0) {
    in_parts(sizes_[0], threads, [&](int, int64_t begin, int64_t end) {
      copy_row(from + begin * from_[0], from_[0], to + begin * to_[0], to_[0], end - begin);
    });
  } else {
    part(from, to, 0, outer_count_);
  }
}

template <class T>
void Mover::scatter(const T* from, T* to) const {
  for (int64_t i = 0; i < scattered_; ++i) {
    int64_t rest = i, number = 0, at = 0;
    for (size_t k = scattered_from_.size(); k-- > 0;)
      number += rest % scattered_from_[k].size * scattered_from_[k].weight, rest /= scattered_from_[k].size;
    for (const auto& d : scattered_to_) at = at * d.size + number / d.weight % d.size;
    to[at] = from[i];
  }
}

void Mover::run(const void* from, void* to, int threads) const {
  switch (bytes_) {
    case 1:
      return run_typed(static_cast<const uint8_t*>(from), static_cast<uint8_t*>(to), threads);
    case 2:
      return run_typed(static_cast<const uint16_t*>(from), static_cast<uint16_t*>(to), threads);
    case 4:
      return run_typed(static_cast<const uint32_t*>(from), static_cast<uint32_t*>(to), threads);
    default:
      return run_typed(static_cast<const uint64_t*>(from), static_cast<uint64_t*>(to), threads);
  }
}

}  // namespace lamina::cpu
