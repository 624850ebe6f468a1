/// Numbers of any type that a column of data or an array of weights may be stored in, as float64.
#pragma once
#include <cstddef>

#include <lamina/dtype.hpp>

namespace lamina {

/// Reals, whole numbers and truth values alike, each without rounding. std::logic_error for a number that is no dtype.
void widen(DType dtype, const void* from, size_t count, double* to);

}  // namespace lamina
