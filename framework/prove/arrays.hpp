/// Numbers for tests: arrays that hold every dtype as doubles, and repeatable random values.
#pragma once
#include <lamina/tensor.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace lamina::prove {

/// A dense row-major tensor. All dtypes that tests use fit into doubles exactly.
struct Array {
  DType dtype = DType::float64;
  Shape shape;
  std::vector<double> data;
};

std::vector<std::byte> to_bytes(const Array& array);
Array from_bytes(DType dtype, const Shape& shape, const std::byte* bytes);

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), started from a text: a case's numbers do not depend on which other cases run.
class Random {
 public:
  explicit Random(const std::string& name);
  uint64_t bits();
  double uniform(double least, double most);
  int64_t whole(int64_t least, int64_t most);  ///< both ends included

 private:
  uint64_t state_;
};

/// max|y − reference| / max(1, max|reference|) over finite elements. Infinite, with `why` set, where shapes differ or NaN or ±inf disagree
/// in place.
double distance(const Array& y, const Array& reference, std::string& why);

}  // namespace lamina::prove
