// Mixed precision: programs whose temporaries are stored in 16 bits, on every backend that offers it, held to `reference` in float64.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "backend_bench.hpp"
#include "config/domain.hpp"
#include "graph/autodiff.hpp"
#include "graph/recorder.hpp"
#include "prove/recording.hpp"
#include "support/plugins.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Storage {
  const char* precision;
  double error;  ///< relative, for numbers below 1 absolute: that of four roundings
  double most;   ///< beyond it is infinity
  /// Of products and what follows from them: distances, relative to the largest number.
  double result, gradient;
};
const std::vector<Storage> storages = {{"bfloat16", 1.0 / 64, infinity, 1.6e-2, 5e-2}, {"float16", 1.0 / 512, 65504, 2e-3, 1e-2}};

/// A backend with one of its narrow storages, and with each choice of how it computes then.
struct Way {
  Backend backend;
  const Storage& storage;
};
std::vector<std::string> words_of(const Descriptor& backend, const char* parameter) {
  for (auto& p : backend.parameters)
    if (p.name == parameter) return DomainText(p.domain).words();
  return {};
}
std::string text_of(const Way& way) {
  std::string text = way.backend.text();
  for (auto& a : way.backend.settings) text += " " + a.name + (a.texts.empty() ? "" : " " + a.texts[0]);
  return text;
}

const std::vector<Way>& ways() {
  static const std::vector<Way> all = [] {
    std::vector<Way> list;
    std::vector<std::string> left_out;
    for (const Backend& b : backends_under_test(left_out))
      for (const Storage& storage : storages) {
        const std::vector<std::string> offered = words_of(built.find("backend", b.name), "precision");
        if (std::find(offered.begin(), offered.end(), storage.precision) == offered.end()) continue;
        std::vector<std::string> products = words_of(built.find("backend", b.name), "products");
        std::erase(products, "auto");
        if (products.empty()) products = {""};
        for (auto& p : products) {
          Way way{b, storage};
          way.backend.precision = storage.precision;
          way.backend.settings.emplace_back("threads", 3);
          if (!p.empty()) way.backend.settings.emplace_back("products", p);
          try {
            way.backend.open();
            list.push_back(way);
          } catch (const std::exception& e) {
            const std::string text = e.what();
            if (text.find("cannot multiply bfloat16 on this processor") == text.npos) throw;
            MESSAGE(text_of(way), " is not tested: ", text);
          }
        }
      }
    return list;
  }();
  return all;
}
/// A function of parameters of these shapes, between maps: what is learned and what is shown is never narrow.
using Body = std::function<Tensor(const Tensors&)>;
OpCase case_of(const std::string& what, const std::vector<Shape>& shapes, const Body& body) {
  OpCase c{what, {}};
  for (auto& shape : shapes) c.in.push_back(real(shape));
  c.formula = [body](Scope&, Tensors x) -> Tensors {
    for (Tensor& t : x) t = -t;
    return {-body(x)};
  };
  return c;
}
/// A temporary that takes half the bytes of its type.
bool is_narrow(const program::LoweredValue& v) {
  return v.kind == LAMINA_TEMPORARY && v.type.dtype == DType::float32 && v.bytes * 2 == uint64_t(element_count(v.type.shape)) * 4;
}
int narrow_tensors(const Evaluation& e) {
  const auto& values = e.executable().lowered().values;
  return int(std::count_if(values.begin(), values.end(), is_narrow));
}

bool close(double y, double reference, const Storage& s) {
  if (std::isnan(reference)) return std::isnan(y);
  if (std::abs(reference) > s.most) return y == std::copysign(infinity, reference);
  return y == reference || std::abs(y - reference) <= s.error * std::max(1.0, std::abs(reference));
}

/// Whether every way must have something narrow in a case: `vulkan` moves only reshaped tensors as 16 bits.
enum class Narrow { everywhere, somewhere };

/// Element by element, where nothing is multiplied and added up: numbers are rounded, and no more.
void agree(const OpCase& c, const std::vector<Array>& data, Narrow narrow = Narrow::everywhere) {
  const Array expected = Evaluation(reference64, c, 0).at(data).y[0];
  int all = 0;
  for (const Way& way : ways()) {
    Evaluation e(way.backend, c, 0);
    const std::vector<double> y = e.at(data).y[0].data;
    const int found = narrow_tensors(e);
    all += found;
    CHECK_MESSAGE((found > 0 || narrow == Narrow::somewhere), c.op, ", ", text_of(way), ": nothing is narrow");
    size_t wrong = 0, first = 0;
    for (size_t i = 0; i < y.size(); ++i)
      if (!close(y[i], expected.data[i], way.storage) && !wrong++) first = i;
    CHECK_MESSAGE((y.size() == expected.data.size() && wrong == 0), c.op, ", ", text_of(way), ": ", wrong, " elements differ; the first, ",
                  first, ", is ", y[first], ", not ", expected.data[first]);
  }
  CHECK_MESSAGE(all > 0, c.op, ": nothing is narrow");
}
/// Numbers that 16 bits hold, so that the largest of a window is the same.
std::vector<Array> drawn(const OpCase& c) {
  std::vector<Array> x = draw(c, Range::general);
  for (Array& a : x)
    for (double& v : a.data) v = std::round(v * 64) / 64;
  return x;
}
void agree(const OpCase& c, Narrow narrow = Narrow::everywhere) { agree(c, drawn(c), narrow); }

/// Relative to the largest number.
double distance_of(const Array& y, const Array& reference) {
  double scale = 0, off = 0;
  for (double v : reference.data) scale = std::max(scale, std::abs(v));
  for (size_t i = 0; i < reference.data.size(); ++i) off = std::max(off, std::abs(y.data.at(i) - reference.data[i]));
  return off / scale;
}
/// Results and gradients as wholes; the same bits whenever it runs.
void near(const OpCase& c) {
  const std::vector<Array> x = drawn(c);
  const Values expected = Evaluation(reference64, c, 1).at(x);
  for (const Way& way : ways()) {
    Evaluation e(way.backend, c, 1);
    const Values got = e.at(x), again = e.at(x);
    CHECK_MESSAGE(narrow_tensors(e) > 1, c.op, ", ", text_of(way), ": ", narrow_tensors(e), " tensors are narrow");
    CHECK_MESSAGE(distance_of(got.y[0], expected.y[0]) <= way.storage.result, c.op, ", ", text_of(way), ": ",
                  distance_of(got.y[0], expected.y[0]));
    CHECK(got.y[0].data == again.y[0].data);
    for (size_t i = 0; i < got.g.size(); ++i) {
      CHECK_MESSAGE(distance_of(got.g[i], expected.g[i]) <= way.storage.gradient, c.op, ", ", text_of(way), ", gradient ", i, ": ",
                    distance_of(got.g[i], expected.g[i]));
      CHECK(got.g[i].data == again.g[i].data);
    }
  }
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
  const Window one{{1, 1}, {1, 1}, {1, 1}}, two{{2, 2}, {0, 0}, {0, 0}};
  agree(case_of("pools of pools", {{3, 8, 12, 13}}, [&](const Tensors& p) {
    const Tensor a = average_pool(p[0], {3, 3}, one), b = max_pool(a, {3, 3}, one).first;
    return max_pool(average_pool(b, {3, 3}, one, true), {2, 2}, two).first;
  }));
  agree(case_of("gradients of pools that overlap", {{2, 12, 9, 11}, {2, 12, 9, 11}}, [&](const Tensors& p) {
    const Shape shape = p[0].shape();
    const Tensor a = average_backward(p[1], shape, {3, 3}, one);
    return average_backward(unpool(a, max_pool(p[0], {3, 3}, one).second, shape), shape, {3, 3}, one, true);
  }));
  agree(case_of("gradients of pools that lie apart", {{2, 16, 18, 22}, {2, 16, 4, 5}}, [&](const Tensors& p) {
    const Tensor a = average_backward(p[1], {2, 16, 9, 11}, {2, 2}, two), b = unpool(a, max_pool(p[0], {2, 2}, two).second, p[0].shape());
    return average_backward(b, {2, 16, 36, 44}, {2, 2}, two);
  }));
  agree(case_of("positions of no pool", {{2, 8, 9, 9}, {2, 8, 81}}, [&](const Tensors& p) {
    const Tensor a = abs(average_pool(p[0], {3, 3}, one)), at = cast(p[1] * 100, DType::int32);
    return average_pool(unpool(average_pool(reshape(a, {2, 8, 81}), {1}, {{1}, {0}, {0}}), at, {2, 8, 100}), {1}, {{1}, {0}, {0}});
  }));
  agree(case_of("a window of 600 taps", {{1, 4, 20, 31}}, [&](const Tensors& p) {
    return max_pool(max_pool(p[0], {1, 1}, {{1, 1}, {0, 0}, {0, 0}}).first, {20, 30}, {{1, 1}, {0, 0}, {0, 0}}).first;
  }));
}

TEST_CASE("narrow storage: tensors move as 16 bits") {
  const Window as_is{{1, 1}, {0, 0}, {0, 0}};
  for (const Shape& to : {Shape{4, 16, 3, 10}, {4, 12, 8, 5}, {8, 4, 6, 10}, {4, 32, 3, 5}, {2, 60, 4, 4}, {1, 20, 32, 3}})
    agree(case_of("reshape", {{4, 8, 6, 10}}, [&](const Tensors& p) {
      return max_pool(reshape(average_pool(p[0], {1, 1}, as_is), to), {1, 1}, as_is).first;
    }));
  const auto padded = [](const Tensor& x, const char* mode, double value) {
    return record(
        "pad", {x},
        {{"low", Shape{0, 1, 2, 0}}, {"high", Shape{0, 3, 0, 1}}, {"interior", Shape{0, 0, 0, 0}}, {"mode", mode}, {"value", value}});
  };
  agree(case_of("parts", {{4, 8, 6, 10}, {4, 6, 6, 10}},
                [&](const Tensors& p) {
                  const Tensor x = concat({p[0], p[1], abs(p[1])}, 1);
                  return abs(transpose(reverse(slice(x, 1, 2, 18), {0, 3}), {0, 2, 3, 1}));
                }),
        Narrow::somewhere);
  for (const char* mode : {"constant", "reflect", "edge"})
    agree(case_of(describe("pad ", mode), {{4, 8, 6, 10}}, [&](const Tensors& p) { return abs(padded(p[0], mode, 0.75)); }),
          Narrow::somewhere);
}

TEST_CASE("narrow storage: infinities, NaN, numbers too large and too small") {
  const Window as_is{{1}, {0}, {0}};
  Array x{DType::float64, {2, 16, 64}, {}};
  for (double v :
       {0.0, -0.0, 1.0, -1.0, infinity, -infinity, double(NAN), 65504.0, 65520.0, -65536.0, 1e30, -1e30, 1e-5, 1e-7, -1e-30, 255.75})
    x.data.insert(x.data.end(), 128, double(float(v)));
  agree(case_of("special numbers", {x.shape}, [&](const Tensors& p) { return max_pool(average_pool(p[0], {1}, as_is), {1}, as_is).first; }),
        {x});
}

TEST_CASE("narrow storage: convolutions") {
  struct Conv {
    Shape x, w;
    Window window;
    int64_t groups = 1;
  };
  const std::vector<Conv> convs = {
      {{4, 8, 9, 11}, {12, 8, 3, 3}, {{1, 1}, {1, 1}, {1, 1}}},
      {{4, 8, 10, 13}, {16, 4, 3, 3}, {{2, 2}, {1, 0}, {1, 2}}, 2},
      {{3, 32, 9, 9}, {32, 1, 3, 3}, {{1, 1}, {2, 2}, {2, 2}, {2, 2}}, 32},
      {{8, 12, 40}, {20, 12, 5}, {{1}, {2}, {2}}},
      {{2, 4, 7, 8, 9}, {8, 4, 3, 2, 3}, {{1, 1, 2}, {1, 0, 1}, {1, 1, 1}}},
      {{32, 8, 5, 6}, {36, 8, 5, 6}, {{1, 1}, {0, 0}, {0, 0}}},  // the kernel covers the input
      {{6, 64, 6, 6}, {128, 64, 1, 1}, {{2, 2}, {0, 0}, {0, 0}}},
  };
  for (const Conv& c : convs)
    near(case_of(describe("conv of ", c.x, " by ", c.w), {c.x, c.w},
                 [&](const Tensors& p) { return tanh(conv(p[0], p[1], c.window, c.groups)); }));
  near(case_of("pools between products and maps", {{2, 8, 12, 13}, {16, 8, 3, 3}}, [&](const Tensors& p) {
    const Window one{{1, 1}, {1, 1}, {1, 1}};
    const Tensor y = conv(max_pool(p[0], {2, 2}, {{2, 2}, {0, 0}, {0, 0}}).first, p[1], one);
    return average_pool(tanh(y), {3, 3}, one);
  }));
}

TEST_CASE("narrow storage: matrix products") {
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      const auto product = [=](const Tensors& p) { return tanh(matmul(p[0], p[1], ta, tb)); };
      near(case_of(describe("matmul ", ta, tb), {ta ? Shape{72, 48} : Shape{48, 72}, tb ? Shape{60, 72} : Shape{72, 60}}, product));
      near(case_of(describe("batched matmul ", ta, tb),
                   {ta ? Shape{6, 24, 20} : Shape{6, 20, 24}, tb ? Shape{6, 28, 24} : Shape{6, 24, 28}}, product));
    }
  near(case_of("a dense layer behind pictures", {{8, 12, 6, 5}, {360, 132}}, [](const Tensors& p) {
    return tanh(matmul(reshape(max_pool(p[0], {1, 1}, {{1, 1}, {0, 0}, {0, 0}}).first, {8, -1}), p[1]));
  }));
}

TEST_CASE("narrow storage: normalisation") {
  for (const Shape& shape : {Shape{6, 12, 7, 5}, Shape{64, 36}, Shape{2, 4, 6, 7, 5}, Shape{5, 132, 9}}) {
    Shape axes = {0};
    for (size_t a = 2; a < shape.size(); ++a) axes.push_back(int64_t(a));
    near(case_of(describe("normalize ", shape), {shape, {shape[1]}, {shape[1]}},
                 [&](const Tensors& p) { return tanh(normalize(p[0], per_channel(p[1], p[0]), per_channel(p[2], p[0]), axes, 1e-3).y); }));
  }
}

TEST_CASE("narrow storage: a block of layers and a shortcut") {
  const Window one{{1, 1}, {1, 1}, {1, 1}}, half{{2, 2}, {0, 0}, {0, 0}};
  near(case_of("residual block", {{4, 8, 10, 10}, {16, 8, 3, 3}, {16}, {16}, {16, 8, 1, 1}, {64, 20}}, [&](const Tensors& p) {
    const Tensor y = conv(p[0], p[1], {{2, 2}, {1, 1}, {1, 1}}), shortcut = conv(p[0], p[4], half);
    const Tensor z = tanh(normalize(y, per_channel(p[2], y), per_channel(p[3], y), {0, 2, 3}, 1e-5).y + shortcut);
    return matmul(reshape(average_pool(z, {2, 2}, half), {-1, 64}), p[5]);
  }));
}

TEST_CASE("narrow storage: tensors that many threads share") {
  const Window one{{1, 1}, {1, 1}, {1, 1}}, half{{2, 2}, {0, 0}, {0, 0}};
  near(case_of("large", {{8, 16, 25, 25}, {16, 16, 3, 3}, {16}, {16}}, [&](const Tensors& p) {
    const Tensor y = conv(max_pool(p[0], {2, 2}, {{1, 1}, {0, 0}, {0, 0}}).first, p[1], one);
    return average_pool(tanh(normalize(y, per_channel(p[2], y), per_channel(p[3], y), {0, 2, 3}, 1e-5).y), {2, 2}, half);
  }));
}

TEST_CASE("narrow storage: whole numbers stay whole") {
  const Window as_is{{1, 1}, {0, 0}, {0, 0}};
  const Shape shape = {4, 8, 9, 11};
  OpCase c{"numbers of rows", {whole(shape, 0, 100000), real(shape)}};
  c.formula = [&](Scope& s, const Tensors& x) -> Tensors {
    const auto moved = [&](const Tensor& t) { return max_pool(t, {1, 1}, as_is).first; };
    const auto integers = [](const Tensor& t) { return cast(t, DType::int32); };
    const Tensor ids = to_real(x[0]), scaled = x[1] * 64000;  // of which 64ths are whole
    const Tensor places = s.emit("iota", {}, {{"shape", shape}, {"axis", 3}, {"dtype", x[1].dtype()}})[0];
    return {integers(moved(ids)),
            ids + 0 * moved(-x[1]),
            moved(to_real(integers(scaled))),
            integers(minimum(moved(scaled), 70000) + 5),
            integers(slice(concat({reverse(moved(scaled), {3}), ids}, 1), 1, 2, 10)),
            moved(places + 300) - moved(places),
            moved(select(x[1] > 0, ids + 1, -ids)),
            moved(concat({ids, s.emit("broadcast", {3.0}, {{"shape", shape}})[0]}, 1))};
  };
  const std::vector<Array> x = drawn(c);
  const Values expected = Evaluation(reference64, c, 0).at(x);
  for (const Way& way : ways()) {
    Evaluation e(way.backend, c, 0);
    const Values got = e.at(x);
    CHECK(narrow_tensors(e) > 0);
    for (size_t i = 0; i < got.y.size(); ++i) CHECK_MESSAGE(got.y[i].data == expected.y[i].data, text_of(way), ", result ", i);
  }
}

TEST_CASE("narrow storage: gradients of parameters stay wide on their way to the update") {
  for (const Way& way : ways()) {
    const auto session = way.backend.open();
    Recording r(DType::float32);
    const Shape shape = {68, 72};
    const Tensor w = r.parameter("w", shape), x = r.input("x", {96, 68}, DType::float32);
    const Tensor h = tanh(matmul(tanh(x), w)), y = matmul(h, w, false, true);  // two uses, so that gradients are added up
    const Tensor loss = total(square(y)) + 0.1 * total(square(w));
    const auto gradients = graph::differentiate(r.handle, r.id(loss), {r.id(w)});
    const Tensor g = graph::tensor(r.optimizer, gradients[0]), norm = sqrt(total(square(g)));
    r.fetch("norm", norm);
    r.graph->state("w")->current = graph::from_border((w - 0.01 * g / (1 + norm)).id_in(r.optimizer));
    Steps steps(*session, r);
    int narrow = 0;
    for (auto& v : steps.lowered().values) {
      narrow += is_narrow(v);
      CHECK_MESSAGE(!(is_narrow(v) && v.type.shape == shape), text_of(way));
    }
    CHECK(narrow > 0);
  }
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
