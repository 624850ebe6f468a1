#include "prove/differences.hpp"

#include <array>
#include <cmath>

namespace lamina::prove {
namespace {

constexpr double step = 1e-6, wanted = 1e-6;

/// Σ w ∘ y, and Σ |w ∘ y|, which bounds what rounding can do to a difference of such sums.
struct Sum {
  long double value = 0, magnitude = 0;
};
Sum weighted(const std::vector<Array>& w, const std::vector<Array>& y) {
  Sum s;
  for (size_t i = 0; i < y.size(); ++i)
    for (size_t k = 0; k < y[i].data.size() && !w[i].data.empty(); ++k) {
      const long double term = (long double)w[i].data[k] * y[i].data[k];
      s.value += term, s.magnitude += std::abs(term);
    }
  return s;
}

/// A function along a line, at −step, −step / 2, 0, step / 2 and step.
using Line = std::array<Sum, 5>;

/// Smooth functions' one-sided differences disagree in proportion to the step; at a kink they do not.
bool has_kink(const Line& f, double rounding) {
  const auto disagreement = [&](int wide) { return double((f[2 + wide].value - 2 * f[2].value + f[2 - wide].value) / (step * wide / 2)); };
  const double far = disagreement(2), near = disagreement(1), slope = double((f[4].value - f[0].value) / (2 * step));
  if (std::abs(far) <= std::max(1e-5 * std::abs(slope), 100 * rounding)) return false;
  return std::abs(near - far / 2) > 0.1 * std::abs(far);
}
/// What rounding can make of a difference of the function's values: each is good to a few units in its last place.
double rounding_of(const Line& f) { return 8 * 0x1p-53 * double(f[0].magnitude + f[4].magnitude) / (2 * step); }
/// How far the derivative `analytic` is from the difference, as a part of both. Where both are so small that rounding could make a
/// millionth of them, it is a part of that size instead.
double error_of(const Line& f, double analytic) {
  const double numeric = double((f[4].value - f[0].value) / (2 * step));
  return std::abs(numeric - analytic) / std::max({std::abs(numeric), std::abs(analytic), rounding_of(f) / wanted, 1e-30});
}

}  // namespace

bool compare_with_differences(const OpCase& c, Evaluation& evaluation, const std::vector<Array>& x, const std::string& where,
                              Differences& tally, Findings& found) {
  Random random(where);
  std::vector<Array> e(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    for (size_t k = 0; k < x[i].data.size() && !c.in[i].dtype; ++k) e[i].data.push_back(random.uniform(-1, 1));
  const auto &w = evaluation.weights(), &d = evaluation.directions();
  Line value, slope;  // Σ w ∘ y, and its derivative along d
  Values at;
  for (int place : {0, 1, 3, 4, 2}) {
    std::vector<Array> moved = x;
    for (size_t i = 0; i < x.size(); ++i)
      for (size_t k = 0; k < e[i].data.size(); ++k) moved[i].data[k] += (place - 2) * step / 2 * e[i].data[k];
    at = evaluation.at(moved, &x);
    value[place] = weighted(w, at.y), slope[place] = weighted(d, at.g);
    for (auto& direction : d)  // a gradient is put together from terms of the size of w, even where they cancel
      for (double v : direction.data) slope[place].magnitude += std::abs(v);
  }
  if (has_kink(value, rounding_of(value)) || has_kink(slope, rounding_of(slope))) {
    ++tally.kinks;
    return false;
  }
  const double first = error_of(value, double(weighted(e, at.g).value)), second = error_of(slope, double(weighted(e, at.h).value));
  found.expect(first <= wanted, where, ": the gradient is off by ", first, " of itself; wanted at most ", wanted);
  found.expect(second <= wanted, where, ": the second derivative is off by ", second, " of itself; wanted at most ", wanted);
  tally.first = std::max(tally.first, first), tally.second = std::max(tally.second, second);
  ++tally.points;
  return true;
}

}  // namespace lamina::prove
