/// Whether a device computes what it should: a small network, trained for a few steps and held to another backend in float64.
#pragma once
#include <optional>
#include <string>

#include "config/descriptor.hpp"

namespace lamina::compare {

/// The backend whose float64 numbers are taken for the truth unless something else is asked for.
inline constexpr const char* truth_name = "reference";

struct SelfTest {
  static constexpr double tolerance = 1e-4;  ///< of float32, relative to the largest element of each tensor
  bool passed() const { return failure.empty() && distance <= tolerance; }
  double distance = 0;  ///< the largest
  std::string where;    ///< it was found: "gradient/conv/weight in step 2"
  std::string failure;  ///< the sentence that ended the test early
  double seconds = 0;   ///< on the device, compiling included
};

/// Runs convolution, normalisation, pooling, matrix product, softmax cross-entropy, dropout's random bits, all gradients and a momentum
/// update, on samples gathered from memory that the backend may keep. `device`: its number in the backend's list, given as the text of the
/// setting `device`; nothing: the backend's own choice. A test that cannot be run on the truth throws what was wrong.
SelfTest self_test(const Descriptor& backend, std::optional<size_t> device, const Descriptor& truth);

}  // namespace lamina::compare
