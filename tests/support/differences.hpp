/// Derivatives of a case against directional central differences.
#pragma once
#include "support/evaluation.hpp"

namespace lamina::test {

/// What was compared: the largest errors of first and second derivatives, and how many points.
struct Differences {
  double first = 0, second = 0;
  int points = 0, kinks = 0;
};

/// CHECKs that the gradient at x along a random direction, and the second derivative where `evaluation` has one, are central differences of
/// step 1e-6 within 1e-6 of themselves. `where` names the point in failures and chooses the direction. False when x lies at a kink: nothing
/// was compared. For float64 alone.
bool compare_with_differences(const OpCase& c, Evaluation& evaluation, const std::vector<Array>& x, const std::string& where,
                              Differences& tally);

}  // namespace lamina::test
