/// Derivatives of a case against directional central differences.
#pragma once
#include "prove/evaluation.hpp"
#include "prove/findings.hpp"

namespace lamina::prove {

/// What was compared: the largest errors of first and second derivatives, and how many points.
struct Differences {
  double first = 0, second = 0;
  int points = 0, kinks = 0;
};

/// Faults where the gradient at x along a random direction, or the second derivative where `evaluation` has one, is not the central
/// difference of step 1e-6 within 1e-6 of itself. `where` names the point in faults and chooses the direction. False when x lies at a kink:
/// nothing was compared. For float64 alone.
bool compare_with_differences(const OpCase& c, Evaluation& evaluation, const std::vector<Array>& x, const std::string& where,
                              Differences& tally, Findings& found);

}  // namespace lamina::prove
