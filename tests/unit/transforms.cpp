// The built-in transforms: what random ones may do to a sample, and the numbers of the others, worked out here a second time.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "plugin/registry.hpp"
#include "prove/evaluation.hpp"
#include "prove/plugin_cases.hpp"

using namespace lamina;
using namespace lamina::prove;

namespace {

/// The results of a transform in the reference, its columns in the types of the operands.
std::vector<Array> all_transformed(const std::string& name, const std::vector<Attribute>& settings, const std::vector<Operand>& columns,
                                   const std::vector<std::vector<double>>& values, Mode mode = Mode::training) {
  static Registry registry({LAMINA_PLUGINS});
  const PluginCase c = plugin_case(registry.find("transform", name), settings, columns, mode);
  std::vector<Array> x;
  for (size_t i = 0; i < columns.size(); ++i) x.push_back({columns[i].dtype.value_or(DType::float64), columns[i].shape, values[i]});
  return Evaluation({&registry, "reference", "float64"}, c, 0).at(x).y;
}
Array transformed(const std::string& name, const std::vector<Attribute>& settings, const Operand& x, const std::vector<double>& values,
                  Mode mode = Mode::training) {
  return all_transformed(name, settings, {x}, {values}, mode).at(0);
}
std::vector<double> counted(int64_t count, double first) {
  std::vector<double> v(static_cast<size_t>(count));
  std::iota(v.begin(), v.end(), first);
  return v;
}
std::vector<double> counted(const Shape& shape) { return counted(element_count(shape), 1); }

/// Which (row, column) shift makes `y` out of `x`, both [channels, height, width], zeros coming in; {99, 99}: none within these.
std::pair<int, int> shift_of(const double* y, const double* x, const Shape& sample, int rows, int columns) {
  const int64_t h = sample[1], w = sample[2];
  for (int down = -rows; down <= rows; ++down)
    for (int right = -columns; right <= columns; ++right) {
      bool same = true;
      for (int64_t c = 0; c < sample[0]; ++c)
        for (int64_t i = 0; i < h; ++i)
          for (int64_t j = 0; j < w; ++j) {
            const int64_t row = i + down, column = j + right;
            const bool inside = row >= 0 && row < h && column >= 0 && column < w;
            same = same && y[(c * h + i) * w + j] == (inside ? x[(c * h + row) * w + column] : 0);
          }
      if (same) return {down, right};
    }
  return {99, 99};
}

const Shape pictures = {64, 2, 5, 4};
constexpr int64_t sample_size = 2 * 5 * 4;

}  // namespace

TEST_CASE("random transforms leave evaluation alone, and keep the stored type") {
  for (const char* name : {"flip", "pad_crop", "cutout", "noise"}) {
    CAPTURE(name);
    const Operand x = whole(pictures, 0, 255, DType::uint8);
    std::vector<double> values = counted(pictures);
    for (double& v : values) v = std::fmod(v, 251);
    const std::vector<Attribute> settings =
        name == std::string("noise") ? std::vector<Attribute>{{"deviation", 9.0}} : std::vector<Attribute>{};
    CHECK(transformed(name, settings, x, values, Mode::evaluation).data == values);
    const Array y = transformed(name, settings, x, values);
    CHECK(y.dtype == DType::uint8);
    CHECK(y.data != values);
  }
}

TEST_CASE("flip mirrors whole samples, about as often as it is told") {
  for (int64_t axis : {-1, 2}) {
    const Array y = transformed("flip", {{"axis", axis}, {"probability", 0.25}}, real(pictures), counted(pictures));
    const std::vector<double> x = counted(pictures);
    int flipped = 0;
    for (int64_t n = 0; n < pictures[0]; ++n) {
      std::vector<double> mirrored(sample_size);
      for (int64_t k = 0; k < sample_size; ++k) {
        const int64_t i = k / 4 % 5, j = k % 4, from = axis == 2 ? k + (4 - 2 * i) * 4 : k + 3 - 2 * j;
        mirrored[size_t(k)] = x[size_t(n * sample_size + from)];
      }
      const auto begin = y.data.begin() + n * sample_size;
      const bool same = std::equal(begin, begin + sample_size, x.begin() + n * sample_size);
      CHECK((same || std::equal(begin, begin + sample_size, mirrored.begin())));
      flipped += !same;
    }
    CHECK(flipped > 4);  // 16 are to be expected of 64, with a deviation of 3.5
    CHECK(flipped < 32);
  }
  CHECK_THROWS_WITH_AS(transformed("flip", {{"axis", int64_t(0)}}, real(pictures), counted(pictures)),
                       "\"axis\" = 0 of the shape [64, 2, 5, 4] is that of the batch; wanted an axis of a sample", Error);
}

TEST_CASE("pad_crop shifts each sample for itself, by every shift that it may") {
  const std::vector<double> x = counted(pictures);
  const Array y = transformed("pad_crop", {{"padding", Shape{1}}}, real(pictures), x);
  std::set<std::pair<int, int>> shifts;
  for (int64_t n = 0; n < pictures[0]; ++n) {
    const auto shift = shift_of(&y.data[size_t(n * sample_size)], &x[size_t(n * sample_size)], {2, 5, 4}, 1, 1);
    CHECK(shift.first != 99);
    shifts.insert(shift);
  }
  CHECK(shifts.size() == 9);
  // One axis of two, and more zeros than there is picture.
  const Array wide = transformed("pad_crop", {{"padding", Shape{0, 9}}}, real(pictures), x);
  for (int64_t n = 0; n < pictures[0]; ++n)
    CHECK(shift_of(&wide.data[size_t(n * sample_size)], &x[size_t(n * sample_size)], {2, 5, 4}, 0, 9).first == 0);
}

TEST_CASE("cutout zeroes one rectangle of all channels, which may reach over the border") {
  const std::vector<double> x = counted(pictures);
  const Array y = transformed("cutout", {{"size", Shape{3, 2}}}, real(pictures), x);
  std::set<int64_t> areas;
  for (int64_t n = 0; n < pictures[0]; ++n) {
    int64_t top = 5, bottom = -1, left = 4, right = -1, zeros[2] = {0, 0};
    for (int64_t k = 0; k < sample_size; ++k) {
      const double v = y.data[size_t(n * sample_size + k)];
      CHECK((v == 0 || v == x[size_t(n * sample_size + k)]));
      if (v != 0) continue;
      ++zeros[k / 20];
      top = std::min(top, k / 4 % 5), bottom = std::max(bottom, k / 4 % 5);
      left = std::min(left, k % 4), right = std::max(right, k % 4);
    }
    CHECK(zeros[0] == (bottom - top + 1) * (right - left + 1));
    CHECK(zeros[0] == zeros[1]);
    CHECK(zeros[0] <= 6);
    areas.insert(zeros[0]);
  }
  CHECK(areas == std::set<int64_t>{2, 3, 4, 6});
}

TEST_CASE("noise is Gaussian: mean, variance and the part beyond one deviation") {
  const Shape shape = {40, 1000};
  const Array y = transformed("noise", {{"deviation", 2.0}}, real(shape), std::vector<double>(40000, 5.0));
  double mean = 0, variance = 0, outside = 0;
  for (double v : y.data) mean += v / 40000;
  for (double v : y.data) variance += (v - mean) * (v - mean) / 40000, outside += std::abs(v - 5) > 2 ? 1.0 / 40000 : 0;
  CHECK(std::abs(mean - 5) < 4 * 2 / 200.0);  // four deviations of the mean of 40,000
  CHECK(std::abs(variance / 4 - 1) < 4 * std::sqrt(2.0) / 200);
  CHECK(std::abs(outside - 0.3173) < 4 * std::sqrt(0.3173 * 0.6827) / 200);
}

TEST_CASE("one_hot: a 1 at the class, zeros for what is none") {
  CHECK(transformed("one_hot", {{"classes", int64_t(3)}}, whole({4}, 0, 3, DType::uint8), {2, 0, 1, 3}).data ==
        std::vector<double>{0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0});
  const Array y = transformed("one_hot", {{"classes", int64_t(2)}}, whole({1, 3}, -1, 1, DType::int32), {1, -1, 0});
  CHECK(y.shape == Shape{1, 2, 3});
  CHECK(y.data == std::vector<double>{0, 0, 1, 1, 0, 0});
}

TEST_CASE("grayscale: luma, rounded where it is stored as whole numbers") {
  const std::vector<double> rgb = {255, 10, 0, 255, 20, 255, 255, 30, 0};  // [1, 3, 3]: white, dark, green
  const Array real_y = transformed("grayscale", {}, real({1, 3, 3}), rgb);
  for (size_t i = 0; i < 3; ++i)
    CHECK(real_y.data[i] == doctest::Approx(0.299 * rgb[i] + 0.587 * rgb[3 + i] + 0.114 * rgb[6 + i]).epsilon(1e-14));
  CHECK(transformed("grayscale", {}, whole({1, 3, 3}, 0, 255, DType::uint8), rgb).data == std::vector<double>{255, 18, 150});
  CHECK_THROWS_WITH_AS(transformed("grayscale", {}, real({1, 4, 3}), counted(12, 0)),
                       "wanted [batch, channels, …] with the 3 channels of \"weights\", got the shape [1, 4, 3]", Error);
}

TEST_CASE("resize is bilinear between the centres of places") {
  // From 2 to 4 places: a, a + (b − a) / 4, a + 3 (b − a) / 4, b. From 4 to 2: means of neighbours. From 3 to 1: the middle.
  CHECK(transformed("resize", {{"size", Shape{4}}}, real({1, 1, 2}), {0, 8}).data == std::vector<double>{0, 2, 6, 8});
  CHECK(transformed("resize", {{"size", Shape{2}}}, real({1, 1, 4}), {0, 2, 5, 9}).data == std::vector<double>{1, 7});
  CHECK(transformed("resize", {{"size", Shape{1}}}, real({1, 1, 3}), {0, 2, 9}).data == std::vector<double>{2});
  CHECK(transformed("resize", {{"size", Shape{2, 3}}}, real({1, 1, 4, 3}), {0, 1, 2, 2, 3, 4, 6, 8, 9, 8, 8, 9}).data ==
        std::vector<double>{1, 2, 3, 7, 8, 9});
  CHECK(transformed("resize", {{"size", Shape{4}}}, whole({1, 1, 2}, 0, 255, DType::uint8), {0, 255}).data ==
        std::vector<double>{0, 64, 191, 255});
}

TEST_CASE("mixup: both columns mix the same pairs by the same part, which is of the distribution Beta(α, α)") {
  const int64_t batch = 4096;
  const std::vector<double> x = counted(batch, 0);
  std::vector<double> target;
  for (double v : x) target.insert(target.end(), {v, -v});
  for (double alpha : {0.01, 0.2, 1.0, 3.0}) {
    CAPTURE(alpha);
    const auto y = all_transformed("mixup", {{"alpha", alpha}}, {real({batch}), real({batch, 2})}, {x, target});
    // With x[n] = n, the partner of the first sample is the shift, as y[0] = (1 − λ[0]) m; a run over all shifts finds the one that fits.
    double mean = 0, variance = 0, low = 1, high = 0;
    int64_t fitting = 0;
    for (int64_t shift = 1; shift < batch; ++shift) {
      bool fits = true;
      double sum = 0, squares = 0, least = 1, most = 0;
      for (int64_t n = 0; fits && n < batch; ++n) {
        const double m = double((n + shift) % batch), lambda = (y[0].data[size_t(n)] - m) / (double(n) - m);
        fits = lambda > -1e-9 && lambda < 1 + 1e-9;
        sum += lambda, squares += (lambda - 0.5) * (lambda - 0.5);
        least = std::min(least, lambda), most = std::max(most, lambda);
      }
      if (fits) ++fitting, mean = sum / double(batch), variance = squares / double(batch), low = least, high = most;
    }
    CHECK(fitting == 1);
    const double wanted = 1 / (4 * (2 * alpha + 1));  // and Var (λ − ½)² is below wanted / 4
    CHECK(std::abs(mean - 0.5) < 4 * std::sqrt(wanted / double(batch)));
    CHECK(std::abs(variance - wanted) < 4 * std::sqrt(wanted / 4 / double(batch)));
    CHECK(low < 0.2);
    CHECK(high > 0.8);
    for (size_t n = 0; n < size_t(batch); ++n) {
      CHECK(y[1].data[2 * n] == doctest::Approx(y[0].data[n]));
      CHECK(y[1].data[2 * n + 1] == doctest::Approx(-y[0].data[n]));
    }
  }
  CHECK(all_transformed("mixup", {}, {real({3}), real({3})}, {{1, 2, 3}, {4, 5, 6}}, Mode::evaluation)[1].data ==
        std::vector<double>{4, 5, 6});
  CHECK_THROWS_WITH_AS(all_transformed("mixup", {}, {real({3, 2}), whole({3}, 0, 1, DType::uint8)}, {{}, {}}),
                       "the targets are whole numbers, which cannot be mixed; put a `one_hot` with \"input\": \"target\" before", Error);
}
