// The table of op cases covers the op list: a new op fails here until it has cases.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "graph/op.hpp"
#include "prove/op_cases.hpp"

using namespace lamina;
using namespace lamina::prove;

TEST_CASE("every op has at least three cases of different shapes") {
  std::map<std::string, std::set<std::string>> shapes;
  std::set<std::string> names;
  for (auto& c : op_cases()) {
    std::string text;
    for (auto& o : c.in) text += piece(o.shape);
    if (c.in.empty())
      for (auto& a : c.attributes)
        if (a.name == "shape") text = piece(a.integers);
    shapes[c.op].insert(text);
    CHECK_MESSAGE(graph::find_op(c.op), "the table has cases of '", c.op, "', which is no op");
    if (!c.formula) CHECK_MESSAGE(names.insert(c.name()).second, "two cases are called '", c.name(), "' and would draw the same numbers");
  }
  for (auto& op : graph::ops()) {
    if (op.kind == graph::OpKind::source) continue;
    CHECK_MESSAGE(shapes[op.name].size() >= 3, "op '", op.name, "' has cases of ", shapes[op.name].size(),
                  " shapes in framework/prove/op_cases_*.cpp; it wants three");
    CHECK_MESSAGE(!op.doc.empty(), "op '", op.name, "' has no doc");
  }
}
