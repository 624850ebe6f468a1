/// The one product behind matrix products and convolutions: C[m, n] = Σ_k A(m, k) · B(k, n), as shaders/gemm.glsl defines it.
#pragma once
#include "items.hpp"

namespace lamina::vulkan {

using Axes = std::array<int64_t, 3>;  ///< d, h, w
inline int64_t volume(const Axes& a) { return a[0] * a[1] * a[2]; }

/// Where numbers stand, and as what: float32, or the 16 bits of Limits::storage.
struct Stored {
  Place place;
  DType type = DType::float32;
  bool narrow() const { return type != DType::float32; }
  Range range(int64_t count) const { return Lowering::range(place, uint64_t(count) * size_of(type)); }
};
/// An operand whose contiguous rows are whole vec4s.
struct Packed {
  Stored at;
  int64_t vectors;  ///< of a row
  int64_t count;    ///< of elements
};
/// What a kernel sees of the last axis [width, channels] of an image from each of `positions`.
struct Windows {
  int64_t positions, channels, width, stride, low, dilation;
};
/// `rows` of `length` elements, copied to scratch with zeros behind each where `length` is no multiple of 4. With windows a row is one
/// window, and its elements are (tap, channel).
Packed pack(Lowering& l, const Op& op, Stored from, int64_t rows, int64_t length, const Windows* windows = nullptr);

struct Gemm {
  struct Tap {
    Axes at;         ///< added to a position
    int64_t number;  ///< of its rows of B (a_along_k), or of C
  };
  /// Positions that see the same taps.
  struct Part {
    Axes grid;            ///< positions of an image
    Axes first{0, 0, 0};  ///< where the result of position 0 stands
    std::vector<Tap> taps;
  };
  bool a_along_k = true, b_along_k = false;
  int64_t batches = 1;  ///< products, or groups of a convolution
  int64_t images = 1;
  std::vector<Part> parts;
  Axes image{1, 1, 1};                          ///< extents of A's images
  Axes step{1, 1, 1};                           ///< of positions in A's images
  int64_t channels = 0;                         ///< of A in one batch
  int64_t a_pixel = 0, a_batch = 0;             ///< from one to the next, in vec4s
  int64_t b_outer = 0, b_row = 0, b_batch = 0;  ///< in vec4s
  int64_t n = 0, c_row = 0, c_batch = 0;        ///< columns; in elements
  Axes result{1, 1, 1}, result_step{1, 1, 1};   ///< a_along_k: extents of C's images, and of positions in them
};
/// `c` has `count` elements, all of which are written (where some are in no part, clear it first).
void add_gemm(Lowering& l, const Op& op, const Gemm& g, const Packed& a, const Packed& b, Stored c, int64_t count);

/// #define of `name`, and of the NARROW of shaders/narrow.glsl, where it is stored in 16 bits.
std::string define_narrow(const char* name, const Stored& s);
/// to[i] = Σ from[split, i], `count` elements, in the order of the splits.
void add_combine(Lowering& l, const Op& op, Place from, int64_t splits, Stored to, int64_t count);

}  // namespace lamina::vulkan
