// Plugins of the other kinds with one fault each; FAULT is the struct, NAME its name, EXPORT the macro of its kind.
#include <lamina/dataset.hpp>
#include <lamina/initializer.hpp>
#include <lamina/loss.hpp>
#include <lamina/metric.hpp>
#include <lamina/optimizer.hpp>
#include <lamina/schedule.hpp>
using namespace lamina;

namespace {

struct Climbs {
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const { return w + s.learning_rate() * g; }
};
/// One number per sample.
struct PerSample {
  void declare(Declaration& d) {
    d.input("prediction", "[batch, values]"), d.input("target", "as prediction"), d.result("loss", "a number");
    d.example("{}", "[[3, 4], [3, 4]]");
  }
  Tensor forward(Scope&, Tensor prediction, Tensor target) const { return sum(square(prediction - target), Shape{1}); }
};
/// Means, which do not add up over batches.
struct Means {
  void declare(Declaration& d) {
    d.input("prediction", "[batch, values]"), d.input("target", "as prediction"), d.result("sums", "the mean");
    d.example("{}", "[[3, 4], [3, 4]]");
  }
  Tensors sums(Scope&, Tensor prediction, Tensor target) const { return {mean(square(prediction - target))}; }
  double finish(std::span<const double> sums) const { return sums[0]; }
};
/// Numbers of its own making.
struct OwnDice {
  void fill(Randomness&, const Shape&, int64_t, int64_t, std::span<double> values) const {
    static uint32_t seed = 1;
    for (double& v : values) v = double(seed = seed * 1664525u + 1013904223u) * 0x1p-32;
  }
};
struct Infinite {
  void fill(Randomness& random, const Shape&, int64_t, int64_t, std::span<double> values) const {
    random.uniform(values, 0, 1);
    for (double& v : values) v = 1 / std::floor(2 * v);
  }
};
/// Halves the rate whenever it is asked.
struct Remembering {
  double rate(const Moment& m) const {
    static double factor = 1;
    return m.learning_rate * (factor *= 0.999);
  }
};
struct Negative {
  double rate(const Moment& m) const { return m.learning_rate * (0.5 - double(m.step) / double(m.steps)); }
};

std::vector<uint8_t> bytes(int64_t samples, uint8_t salt) {
  std::vector<uint8_t> data;
  for (int64_t i = 0; i < samples * 4; ++i) data.push_back(uint8_t(i * 7 + salt));
  return data;
}
Split train(std::vector<uint8_t> input, std::vector<uint8_t> target) {
  const int64_t samples = int64_t(target.size());
  return {"train", samples, {{"input", DType::uint8, {4}, std::move(input)}, {"target", DType::uint8, {}, std::move(target), 2}}};
}
struct OpensOthers {
  std::vector<Split> open(Source&) {
    static uint8_t opened = 0;
    return {train(bytes(5, ++opened), {0, 1, 0, 1, 0})};
  }
};
struct LabelsBeyond {
  std::vector<Split> open(Source&) { return {train(bytes(5, 0), {0, 1, 2, 1, 0})}; }
};
struct ReadsTooMuch {
  std::vector<Split> open(Source&) { return {train({}, {0, 1, 0, 1, 0})}; }
  void read(size_t, size_t, std::span<const int64_t> rows, void* out) const {
    for (size_t i = 0; i < rows.size(); ++i) std::memset(static_cast<uint8_t*>(out) + 4 * i, int(rows[i]), i + 1 < rows.size() ? 4 : 5);
  }
};
/// What a sample is depends on which was read before it.
struct ReadsInOrder {
  std::vector<Split> open(Source&) { return {train({}, {0, 1, 0, 1, 0})}; }
  void read(size_t, size_t, std::span<const int64_t> rows, void* out) const {
    std::memset(out, 0, 4 * rows.size());
    for (size_t i = 1; i < rows.size(); ++i) static_cast<uint8_t*>(out)[4 * i] = uint8_t(rows[i - 1]);
  }
};

}  // namespace

EXPORT(FAULT, NAME, "a plugin with one fault, for the checks to find")
