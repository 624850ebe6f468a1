// Edge semantics by hand: ties, NaN, whole numbers, derivatives at corners. The reference is held to the design, all others to the
// reference.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "graph/autodiff.hpp"
#include "support/plugins.hpp"
#include "prove/recording.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

using Numbers = std::vector<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();

bool same(const Numbers& a, const Numbers& b) {
  bool equal = a.size() == b.size();
  for (size_t i = 0; equal && i < a.size(); ++i) equal = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
  return equal;
}
/// f at x, and the gradient of Σ f.
struct Result {
  Numbers y, g;
};
Result evaluate(const Array& x, const std::function<Tensor(const Tensor&)>& f) {
  auto session = reference64.open();
  Recording r;
  const Tensor in = r.parameter("x", x.shape), y = f(in);
  r.fetch("y", y);
  if (y.is_real()) {
    const auto g = graph::differentiate(r.handle, r.id(y), {r.id(in)});
    if (g[0] != graph::absent) r.fetch("g", r.tensor(g[0]));
  }
  Steps steps(*session, r);
  write(*session, "x", x.data);
  auto out = steps.run();
  return {out["y"].data, out["g"].data};
}
Array row(const Numbers& v) { return {DType::float64, {int64_t(v.size())}, v}; }

}  // namespace

TEST_CASE("relu: NaN stays, the derivative at 0 is 0") {
  const Result r = evaluate(row({-1, 0, 2, NAN, infinity, -infinity}), [](const Tensor& x) { return relu(x); });
  CHECK(same(r.y, {0, 0, 2, NAN, infinity, 0}));
  CHECK(r.g[0] == 0);
  CHECK(r.g[1] == 0);
  CHECK(r.g[2] == 1);
}
TEST_CASE("max, min and argmax: the first of equals; NaN wins") {
  const Array x{DType::float64, {3, 4}, {1, 5, 5, 2, 7, 7, 7, 7, 0, NAN, 9, NAN}};
  const Result largest = evaluate(x, [](const Tensor& t) { return max(t, {1}); });
  CHECK(same(largest.y, {5, 7, NAN}));
  CHECK(same(largest.g, {0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0}));
  const Result smallest = evaluate(x, [](const Tensor& t) { return min(t, {1}); });
  CHECK(same(smallest.y, {1, 7, NAN}));
  CHECK(same(smallest.g, {1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0}));
  CHECK(same(evaluate(x, [](const Tensor& t) { return argmax(t, 1); }).y, {1, 0, 1}));
  const Result all = evaluate({DType::float64, {2, 2}, {3, 4, 4, 4}}, [](const Tensor& t) { return max(t, {0, 1}); });
  CHECK(same(all.g, {0, 1, 0, 0}));
}
TEST_CASE("maximum and minimum: a tie is the first operand's, NaN of either wins") {
  const Array x = row({1, NAN, 3, 4});
  CHECK(same(evaluate(x, [](const Tensor& t) { return maximum(t, reverse(t, {0})); }).y, {4, NAN, NAN, 4}));
  CHECK(same(evaluate(x, [](const Tensor& t) { return minimum(t, reverse(t, {0})); }).y, {1, NAN, NAN, 1}));
  CHECK(same(evaluate(row({2, 3}), [](const Tensor& t) { return maximum(t, stop_gradient(t)); }).g, {1, 1}));
  CHECK(same(evaluate(row({2, 3}), [](const Tensor& t) { return maximum(stop_gradient(t), t); }).g, {0, 0}));
}
TEST_CASE("pool: the first of equals, the first NaN; padding never wins") {
  const Array x{DType::float64, {1, 1, 6}, {-5, -5, -3, NAN, -1, NAN}};
  const Result r = evaluate(x, [](const Tensor& t) { return max_pool(t, {2}, {{2}, {1}, {1}}).first; });
  CHECK(same(r.y, {-5, -3, NAN, NAN}));
  CHECK(same(r.g, {1, 0, 1, 1, 0, 1}));
  CHECK(same(evaluate(x, [](const Tensor& t) { return max_pool(t, {2}, {{2}, {1}, {1}}).second; }).y, {0, 2, 3, 5}));
  CHECK(same(evaluate({DType::float64, {1, 1, 3}, {3, 5, 7}},
                      [](const Tensor& t) {
                        return average_pool(t, {2}, {{2}, {1}, {0}});
                      })
                 .y,
             {3, 6}));
  CHECK(same(evaluate({DType::float64, {1, 1, 3}, {3, 5, 7}},
                      [](const Tensor& t) {
                        return average_pool(t, {2}, {{2}, {1}, {0}}, true);
                      })
                 .y,
             {1.5, 6}));
}
TEST_CASE("sign, abs and powers at corners") {
  CHECK(same(evaluate(row({-2, 0, 3, NAN}), [](const Tensor& t) { return sign(t); }).y, {-1, 0, 1, NAN}));
  CHECK(same(evaluate(row({-2, 0, 3}), [](const Tensor& t) { return abs(t); }).g, {-1, 0, 1}));
  CHECK(same(evaluate(row({0, 2}), [](const Tensor& t) { return pow(t, 0.0); }).g, {0, 0}));
  CHECK(same(evaluate(row({0, 2}), [](const Tensor& t) { return pow(t, 2.0); }).g, {0, 4}));
  CHECK(same(evaluate(row({0, 1}), [](const Tensor& t) { return pow(2.0, t); }).g, {std::log(2.0), 2 * std::log(2.0)}));
}
TEST_CASE("sigmoid and softplus do not overflow") {
  const Array x = row({-1000, 1000, -40, 40});
  const Result s = evaluate(x, [](const Tensor&t) { return sigmoid(t); }), p = evaluate(x, [](const Tensor&t) { return softplus(t); });
  CHECK(s.y[0] == 0);
  CHECK(s.y[1] == 1);
  CHECK(s.g[0] == 0);
  CHECK(p.y[0] == 0);
  CHECK(p.y[1] == 1000);
  CHECK(p.y[2] == doctest::Approx(std::exp(-40.0)));
  CHECK(p.g[1] == 1);
}
TEST_CASE("comparisons with NaN are false, but not_equal") {
  const Array x = row({NAN, 1});
  CHECK(evaluate(x, [](const Tensor& t) { return equal(t, t); }).y == Numbers{0, 1});
  CHECK(evaluate(x, [](const Tensor& t) { return not_equal(t, t); }).y == Numbers{1, 0});
  CHECK(evaluate(x, [](const Tensor& t) { return t >= t; }).y == Numbers{0, 1});
}
TEST_CASE("casts saturate, truncate towards zero, and NaN gives 0") {
  const Array x = row({2.9, -2.9, 1e20, -1e20, NAN, 300, 0.5});
  CHECK(evaluate(x, [](const Tensor& t) { return cast(t, DType::int32); }).y == Numbers{2, -2, 2147483647, -2147483648.0, 0, 300, 0});
  CHECK(evaluate(x, [](const Tensor& t) { return cast(t, DType::uint32); }).y == Numbers{2, 0, 4294967295, 0, 0, 300, 0});
  CHECK(evaluate(x, [](const Tensor& t) { return cast(t, DType::uint8); }).y == Numbers{2, 0, 255, 0, 0, 255, 0});
  CHECK(evaluate(x, [](const Tensor& t) { return cast(t, DType::boolean); }).y == Numbers{1, 1, 1, 1, 1, 1, 1});
  CHECK(evaluate(row({0, -0.0, 1e-30}), [](const Tensor& t) { return cast(t, DType::boolean); }).y == Numbers{0, 0, 1});
}
TEST_CASE("whole numbers wrap, and division by zero gives 0") {
  const auto whole = [](const Tensor& t) { return cast(t, DType::int32); };
  CHECK(evaluate(row({7, -7, 5}), [&](const Tensor& t) { return whole(t) / whole(t * 0.0 + 2.0); }).y == Numbers{3, -3, 2});
  CHECK(evaluate(row({7, -7}), [&](const Tensor& t) { return whole(t) / whole(t * 0.0); }).y == Numbers{0, 0});
  CHECK(evaluate(row({2147483647}), [&](const Tensor& t) { return whole(t) + whole(t); }).y == Numbers{-2});
}
TEST_CASE("indices outside are skipped") {
  const Result r = evaluate(row({1, 2, 3}), [](const Tensor& t) { return gather(t, cast(t * 2.0 - 3.0, DType::int32), 0); });  // −1, 1, 3
  CHECK(r.y == Numbers{0, 2, 0});
  CHECK(r.g == Numbers{0, 1, 0});
}
TEST_CASE("variance has no cancellation") {
  const Result r = evaluate(row({1e8, 1e8 + 1, 1e8 + 2}), [](const Tensor& t) {
    const Tensor one = t.scope()->parameter("one", {1}, 1.0);
    return normalize(t, one, one, {0}, 0).variance;
  });
  CHECK(r.y[0] == doctest::Approx(2.0 / 3));
}
