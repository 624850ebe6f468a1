/// How far the numbers of one backend are from another's.
#pragma once
#include <vector>

#include "graph/graph.hpp"

namespace lamina::compare {

/// The elements of a dense tensor at `data` as float64. Error for 16-bit types, which no program hands to the host.
std::vector<double> numbers(const graph::TensorType& type, const void* data);

/// Largest |value − truth| / max(least, |truth|) over the elements. What is not finite is at distance 0 from the same and else infinitely
/// far; tensors of different sizes are infinitely far apart.
double largest_distance(const std::vector<double>& values, const std::vector<double>& truth, double least = 1);

}  // namespace lamina::compare
