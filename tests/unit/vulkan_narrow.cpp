// Mixed precision of the Vulkan backend: small programs whose temporaries are stored in 16 bits, held to `reference` in float64.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "backend_bench.hpp"
#include "support/plugins.hpp"
#include "prove/recording.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Storage {
  const char* precision;
  double error;  ///< relative, for numbers below 1 absolute: twice that of one rounding
  double most;   ///< beyond it is infinity
};
const std::vector<Storage> storages = {{"float32", 1e-6, infinity}, {"bfloat16", 1.0 / 256, infinity}, {"float16", 1.0 / 1024, 65504}};

/// What a program shows, with random parameters of these shapes.
using Body = std::function<Tensor(const Tensors&)>;
struct Case {
  const char* what;
  std::vector<Shape> parameters;
  Body body;
};
std::vector<double> outcome_of(const Backend& backend, const Case& c, const std::vector<std::vector<double>>& data) {
  const auto session = backend.open();
  Recording r(backend.precision == "float64" ? DType::float64 : DType::float32);
  Tensors parameters;
  for (size_t i = 0; i < data.size(); ++i) parameters.push_back(r.parameter(describe("p", i).c_str(), c.parameters[i]));
  r.fetch("y", c.body(parameters));
  Steps steps(*session, r);
  for (size_t i = 0; i < data.size(); ++i) write(*session, describe("p", i), data[i]);
  return steps.run()["y"].data;
}

bool close(double y, double reference, const Storage& s) {
  if (std::isnan(reference)) return std::isnan(y);
  if (std::abs(reference) > s.most) return y == std::copysign(infinity, reference);
  return y == reference || std::abs(y - reference) <= s.error * std::max(1.0, std::abs(reference));
}

void agree(const Case& c, const std::vector<std::vector<double>>& data) {
  const std::vector<double> expected = outcome_of(reference64, c, data);
  std::vector<double> exact;
  for (const Storage& storage : storages)
    for (const char* kernels : {"lanes", "tiled"}) {
      const std::vector<double> y = outcome_of({&built, "vulkan", storage.precision, kernels}, c, data);
      if (exact.empty()) exact = y;
      CHECK_MESSAGE((&storage == &storages[0] || y != exact), c.what, ", ", storage.precision, ": is anything narrow?");
      size_t wrong = 0, first = 0;
      for (size_t i = 0; i < y.size(); ++i)
        if (!close(y[i], expected[i], storage) && !wrong++) first = i;
      CHECK_MESSAGE((y.size() == expected.size() && wrong == 0), c.what, ", ", storage.precision, ", ", kernels, ": ", wrong,
                    " elements differ; the first, ", first, ", is ", y[first], ", not ", expected[first]);
    }
}
void agree(const Case& c) {
  Random random(c.what);
  std::vector<std::vector<double>> data;
  for (auto& shape : c.parameters) {
    data.emplace_back();
    for (int64_t i = 0; i < element_count(shape); ++i) data.back().push_back(double(float(random.uniform(-1, 1))));
  }
  agree(c, data);
}

Tensor average_backward(const Tensor& dy, const Shape& shape, const Shape& size, const Window& w, bool count_padding = false) {
  return record("average_pool_backward", {dy},
                {{"size", size},
                 {"stride", w.stride},
                 {"padding_low", w.padding_low},
                 {"padding_high", w.padding_high},
                 {"count_padding", count_padding},
                 {"shape", shape}});
}
Tensor unpool(const Tensor& v, const Tensor& positions, const Shape& shape) {
  return record("max_unpool", {v, positions}, {{"shape", shape}});
}

}  // namespace

TEST_CASE("narrow storage: pools and their gradients") {
  if (!has_vulkan()) return;
  const Window one{{1, 1}, {1, 1}, {1, 1}}, two{{2, 2}, {0, 0}, {0, 0}};
  agree({"pools of pools", {{3, 8, 12, 13}}, [&](const Tensors& p) {
           const Tensor a = average_pool(p[0], {3, 3}, one), b = max_pool(a, {3, 3}, one).first;
           return max_pool(average_pool(b, {3, 3}, one, true), {2, 2}, two).first;
         }});
  agree({"gradients of pools that overlap", {{2, 12, 9, 11}, {2, 12, 9, 11}}, [&](const Tensors& p) {
           const Shape shape = p[0].shape();
           const Tensor a = average_backward(p[1], shape, {3, 3}, one);
           return average_backward(unpool(a, max_pool(p[0], {3, 3}, one).second, shape), shape, {3, 3}, one, true);
         }});
  agree({"gradients of pools that lie apart", {{2, 16, 18, 22}, {2, 16, 4, 5}}, [&](const Tensors& p) {
           const Tensor a = average_backward(p[1], {2, 16, 9, 11}, {2, 2}, two),
                        b = unpool(a, max_pool(p[0], {2, 2}, two).second, p[0].shape());
           return average_backward(b, {2, 16, 36, 44}, {2, 2}, two);
         }});
  agree({"pools between products and maps", {{2, 8, 12, 13}, {16, 8, 3, 3}}, [&](const Tensors& p) {
           const Tensor y = max_pool(relu(conv(average_pool(p[0], {3, 3}, one), p[1], one)), {2, 2}, two).first;
           return average_pool(tanh(y), {3, 3}, one);
         }});
  agree({"positions of no pool", {{2, 8, 9, 9}, {2, 8, 81}}, [&](const Tensors& p) {
           const Tensor a = average_pool(p[0], {3, 3}, one), at = cast(p[1] * 100, DType::int32);
           return average_pool(unpool(average_pool(reshape(a, {2, 8, 81}), {1}, {{1}, {0}, {0}}), at, {2, 8, 100}), {1}, {{1}, {0}, {0}});
         }});
}

TEST_CASE("narrow storage: reshaped tensors move as 16 bits") {
  if (!has_vulkan()) return;
  const Window as_is{{1, 1}, {0, 0}, {0, 0}};
  for (const Shape& to : {Shape{4, 16, 3, 10}, {4, 12, 8, 5}, {8, 4, 6, 10}, {4, 32, 3, 5}, {2, 60, 4, 4}, {1, 20, 32, 3}})
    agree({"reshape", {{4, 8, 6, 10}}, [&](const Tensors& p) {
             return max_pool(reshape(average_pool(p[0], {1, 1}, as_is), to), {1, 1}, as_is).first;
           }});
}

TEST_CASE("narrow storage: infinities, NaN, numbers too large and too small") {
  if (!has_vulkan()) return;
  const Window as_is{{1}, {0}, {0}};
  std::vector<double> x;
  for (double v :
       {0.0, -0.0, 1.0, -1.0, infinity, -infinity, double(NAN), 65504.0, 65520.0, -65536.0, 1e30, -1e30, 1e-5, 1e-7, -1e-30, 255.75})
    x.insert(x.end(), 128, double(float(v)));
  agree({"special numbers", {{2, 16, 64}}, [&](const Tensors& p) { return max_pool(average_pool(p[0], {1}, as_is), {1}, as_is).first; }},
        {x});
}

TEST_CASE("narrow storage: what cannot read it says so") {
  if (!has_vulkan()) return;
  constexpr uint64_t bfloat16_bits = 2;  // of a layout
  bench::Session session(std::string(LAMINA_PLUGINS) + "/backends/vulkan.so", {{"precision", "bfloat16"}});
  bench::Program p;
  const uint32_t x = p.temporary({4, 8}, DType::float32), y = p.temporary({4, 8}, DType::float32);
  p.values[x].layout = bfloat16_bits;
  p.op("softmax", {x}, {y}, {{"axis", 1}});
  p.show(y);
  std::string text;
  try {
    p.run(session);
  } catch (const std::exception& e) {
    text = e.what();
  }
  CHECK_MESSAGE(text.find("operand 0 is stored as bfloat16, but it knows only float32") != text.npos, text);
}
