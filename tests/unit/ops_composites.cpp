// Composites by formula, as the reference backend computes them, against their decompositions: results, gradients and second derivatives.
#include <doctest/doctest.h>

#include <algorithm>

#include "graph/op.hpp"
#include "support/plugins.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

bool has_op(const program::Executable& e, const std::string& name) {
  const auto& ops = e.lowered().ops;
  return std::any_of(ops.begin(), ops.end(), [&](auto& op) { return op.name == name; });
}

}  // namespace

TEST_CASE("composites equal their decompositions") {
  double worst = 0;
  for (auto& c : op_cases()) {
    if (graph::op_named(c.op.c_str()).kind != graph::OpKind::composite) continue;
    Evaluation whole(reference64, c, 2), parts(reference64, c, 2, {.composites = false});
    CHECK(has_op(whole.executable(), c.op));
    CHECK(parts.executable().report().claimed.empty());
    for (auto& op : parts.executable().lowered().ops)
      CHECK_MESSAGE((op.name == "map" || op.name == "copy" || graph::op_named(op.name.c_str()).kind == graph::OpKind::primitive), c.name(),
                    ": ", op.name);
    for (Range range : c.ranges) {
      const std::vector<Array> x = draw(c, range);
      const Values a = whole.at(x), b = parts.at(x);
      const auto compare = [&](const std::vector<Array>& left, const std::vector<Array>& right, const std::string& what) {
        for (size_t i = 0; i < left.size(); ++i) {
          std::string why;
          const double off = distance(left[i], right[i], why);
          worst = std::max(worst, off);
          CHECK_MESSAGE(off <= 1e-12, c.name(), ", ", name_of(range), ": ", what, " ", i, " is off by ", off, "; ", why);
        }
      };
      compare(a.y, b.y, "result");
      compare(a.g, b.g, "gradient");
      if (range != Range::special) compare(a.h, b.h, "second derivative");
    }
  }
  MESSAGE("worst distance of a composite from its decomposition: ", worst);
}
