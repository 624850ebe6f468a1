/// Copies between strided places: reorders, slices, concatenation, batches, outputs.
#pragma once
#include <array>

#include "common/layout.hpp"

namespace lamina::cpu {

using namespace backends;

/// A copy that is prepared once: running it allocates nothing.
class Mover {
 public:
  /// A loop nest over elements of `bytes` (1, 2, 4 or 8); strides in elements, negative ones too.
  Mover(const Move& nest, size_t bytes);
  /// From one layout to another, also where their digits do not divide (element by element then).
  Mover(uint64_t from_token, uint64_t to_token, int64_t count, size_t bytes);
  void run(const void* from, void* to, int threads) const;

 private:
  static constexpr size_t most_loops = 32;
  using Loops = std::array<int64_t, most_loops>;
  void take(const Move& nest);
  template <class T>
  void run_typed(const T* from, T* to, int threads) const;
  template <class T>
  void part(const T* from, T* to, int64_t begin, int64_t end) const;
  template <class T>
  void scatter(const T* from, T* to) const;

  size_t bytes_, rank_ = 0, outer_ = 0;
  Loops sizes_{}, from_{}, to_{};
  bool paired_ = false;  ///< two inner loops: one contiguous in the source, one in the result
  int64_t outer_count_ = 1, inner_count_ = 1;
  Digits scattered_from_, scattered_to_;  ///< digits that do not divide
  int64_t scattered_ = 0;
};

/// The nest without loops of one count, neighbours merged where both sides allow.
Move simplified(const Move& nest);

}  // namespace lamina::cpu
