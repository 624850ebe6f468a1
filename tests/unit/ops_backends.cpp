// Laws of backends beside those of `lamina plugins check`: addresses, and results that nobody reads.
#include <doctest/doctest.h>

#include <map>

#include "support/plugins.hpp"

using namespace lamina;
using namespace lamina::test;

/// For validation layers that look at every address: slow, and run by a test of its own with --no-skip.
TEST_CASE("kernels touch nothing but their tensors" * doctest::skip()) {
  std::vector<std::string> left_out;
  std::map<std::string, int> seen;
  for (auto& c : op_cases()) {
    const bool product = c.op == "matmul" || c.op.starts_with("conv");
    if (++seen[c.op] > (product ? 4 : c.formula ? 1 : 2)) continue;
    const std::vector<Array> x = draw(c, Range::general);
    Evaluation truth(reference64, c, 1);
    const Values expected = truth.at(x);
    for (auto& b : backends_under_test(left_out)) {
      if (b.kernels.empty() || (b.kernels == "tiled" && !product)) continue;
      try {
        std::string why;
        const Values got = Evaluation(b, c, 1).at(x);
        for (size_t i = 0; i < got.y.size(); ++i)
          CHECK_MESSAGE(distance(got.y[i], expected.y[i], why) <= 1e-5, b.text(), ": ", c.name(), why);
      } catch (const std::exception& e) {
        FAIL_CHECK(b.text(), ": ", c.name(), ": ", std::string(e.what()));
      }
    }
  }
}

TEST_CASE("results that nobody reads may be missing") {
  std::vector<std::string> left_out;
  std::vector<Backend> backends = backends_under_test(left_out);
  backends.push_back(reference64);
  for (const char* op : {"max_pool", "normalize", "normalize_backward", "kernel"})
    for (auto& c : op_cases()) {
      if (c.op != op || (c.formula && c.op != "kernel")) continue;
      const std::vector<Array> x = draw(c, Range::general);
      const Values expected = Evaluation(reference64, c, 0).at(x);
      for (size_t only = 0; only < expected.y.size(); ++only) {
        OpCase one = c;
        one.formula = [&](Scope& s, const Tensors& in) -> Tensors { return {c.record(s, in)[only]}; };
        for (auto& b : backends) {
          std::string why;
          try {
            const double off = distance(Evaluation(b, one, 0).at(x).y[0], expected.y[only], why);
            CHECK_MESSAGE(off <= 1e-5, b.text(), ": ", c.name(), ": result ", only, " is off by ", off, "; ", why);
          } catch (const std::exception& e) {
            FAIL_CHECK(b.text(), ": ", c.name(), ": result ", only, ": ", std::string(e.what()));
          }
        }
      }
    }
}
