// Gradients and second derivatives of every op against directional central differences, in float64 on the reference backend.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "graph/op.hpp"
#include "prove/differences.hpp"
#include "support/plugins.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

bool differentiable_there(const OpCase& c, Range range) {
  if (range == Range::ties || range == Range::special) return false;
  if (range != Range::near_zero) return true;
  for (auto& o : c.in)  // the step is no small part of the way to the singularity
    if (o.domain == Domain::positive || o.domain == Domain::nonzero) return false;
  return true;
}

/// No gradient: constant almost everywhere, or not numbers at all.
const std::set<std::string> without_gradient = {"argmax",      "equal",       "floor",       "greater",      "greater_equal", "iota",
                                                "less",        "less_equal",  "logical_and", "logical_not",  "logical_or",    "not_equal",
                                                "random_bits", "shift_right", "sign",        "stop_gradient"};

}  // namespace

TEST_CASE("ops without gradient are the expected ones") {
  std::string names;
  for (auto& op : graph::ops()) {
    if (op.kind == graph::OpKind::source || op.name == "kernel") continue;
    const bool lacks = !op.gradient && !op.decompose;
    if (lacks) names += (names.empty() ? "" : ", ") + op.name;
    CHECK_MESSAGE(lacks == (without_gradient.count(op.name) == 1), "'", op.name, "' ", lacks ? "lacks" : "has", " a gradient");
  }
  MESSAGE("ops without gradient: ", names);
}

TEST_CASE("gradients and second derivatives agree with finite differences") {
  std::map<std::string, Differences> tallies;
  Findings found;
  for (auto& c : op_cases()) {
    if (!c.has_real()) continue;
    INFO(c.name());
    Evaluation evaluation(reference64, c, 2);
    Differences& tally = tallies[c.op];
    for (Range range : c.ranges) {
      if (!differentiable_there(c, range)) continue;
      bool compared = false;
      for (int attempt = 0; attempt < 20 && !compared; ++attempt)
        compared = compare_with_differences(c, evaluation, draw(c, range, attempt),
                                            c.name() + ", " + name_of(range) + ", " + std::to_string(attempt), tally, found);
      CHECK_MESSAGE(compared, c.name(), ", ", name_of(range), ": twenty points in a row lie at kinks");
    }
  }
  expect_none(found, "finite differences");
  std::string kinks, worst;
  int points = 0;
  for (auto& [op, tally] : tallies) {
    points += tally.points;
    if (tally.kinks) kinks += " " + op + " " + std::to_string(tally.kinks);
    if (std::max(tally.first, tally.second) > 1e-7) worst += describe("\n  ", op, ": ", tally.first, ", second ", tally.second);
  }
  MESSAGE(points, " points compared; drawn again because of a kink:", kinks.empty() ? " none" : kinks,
          "; errors above 1e-7:", worst.empty() ? " none" : worst);
}
