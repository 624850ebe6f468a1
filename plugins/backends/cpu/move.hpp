/// Copies between strided places: reorders, slices, concatenation, batches, outputs.
#pragma once
#include "layout.hpp"

namespace lamina::cpu {

/// Copies a loop nest of elements of `bytes` (1, 2, 4 or 8); strides in elements, negative ones too. Uses up to `threads` threads.
void move_elements(const Move& nest, const void* from, void* to, size_t bytes, int threads);
/// The nest without loops of one count, neighbours merged where both sides allow.
Move simplified(const Move& nest);
/// From one layout to another, also where their digits do not divide (element by element then).
void change_layout(uint64_t from_token, uint64_t to_token, int64_t count, const void* from, void* to, size_t bytes, int threads);

}  // namespace lamina::cpu
