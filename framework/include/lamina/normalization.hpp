/// What normalising layers share.
#pragma once
#include "tensor.hpp"

namespace lamina {

/// A weight (neutral: 1) or a bias (neutral: 0) that starts at its neutral number; where it is off, that number.
inline Tensor learned_or_neutral(Scope& s, const char* name, bool learned, const Shape& shape, double neutral) {
  return learned ? s.parameter(name, shape, neutral) : s.emit("broadcast", {neutral}, {{"shape", shape}})[0];
}

}  // namespace lamina
