// Custom kernels of plugins: what may be recorded, where planning lets them run, what their gradients must be, how CPUs share their items.
#include <doctest/doctest.h>
#include <lamina/kernel.hpp>

#include <algorithm>
#include <mutex>

#include "base/failure.hpp"
#include "graph/autodiff.hpp"
#include "support/plugins.hpp"
#include "prove/plugin_cases.hpp"
#include "prove/recording.hpp"
#include "support/train_bench.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

/// y = x, with every body and a gradient; those below lack one thing each.
struct Copy {
  static constexpr const char* name = "copy_of";
  static constexpr int inputs = 1, results = 1;
  static constexpr const char* glsl = "void item(uint i) { out0(i, in0(i)); }";
  template <class T>
  static void cpu(const Work<T>& k) {
    for (int64_t i = k.begin; i < k.end; ++i) k.out(0)[i] = k.in(0)[i];
  }
  static Tensors gradient(Scope&, const Tensors&, const Tensors&, const Tensors& dy, const double*) { return dy; }
};
struct OnCpus {
  static constexpr const char* name = "on_cpus";
  static constexpr int inputs = 1, results = 1;
  template <class T>
  static void cpu(const Work<T>& k) {
    Copy::cpu(k);
  }
};
struct OnGpus {
  static constexpr const char* name = "on_gpus";
  static constexpr int inputs = 1, results = 1;
  static constexpr const char* glsl = Copy::glsl;
};
struct Renamed : OnCpus {
  static constexpr const char* name = "on_gpus";
};
struct TooFew : Copy {
  static Tensors gradient(Scope&, const Tensors&, const Tensors&, const Tensors&, const double*) { return {}; }
};
struct TooShort : Copy {
  static Tensors gradient(Scope&, const Tensors&, const Tensors&, const Tensors& dy, const double*) { return {sum(dy[0], {0})}; }
};
struct Whole : Copy {
  static Tensors gradient(Scope&, const Tensors&, const Tensors&, const Tensors& dy, const double*) { return {cast(dy[0], DType::int32)}; }
};
struct First : Copy {
  static Tensors gradient(Scope&, const Tensors&, const Tensors&, const Tensors&, const double*) { return {2.0}; }
};
struct Grumpy : Copy {
  static Tensors gradient(Scope& s, const Tensors&, const Tensors&, const Tensors&, const double*) { s.fail("not on Mondays"); }
};

/// What planning says of kernel K between two parameters and a loss, whose gradient is asked for or not; "" where it says nothing.
template <class K>
std::string said(program::Session& session, bool gradient = false) {
  Recording r(session.real());
  return r.refusal([&] {
    r.handle.path = "first";
    const Tensor x = r.parameter("x", {3, 2}) * 2;
    r.handle.path = "second";
    const Tensor y = run<K>(r.scope, {x}, {{3, 2}}, 6)[0];
    r.handle.path = "loss";
    const Tensor loss = total(y * y);
    r.fetch("loss", loss);
    if (gradient) {
      const auto g = graph::differentiate(r.handle, r.id(loss), {r.id(r.parameter("x", {3, 2}))});
      r.outputs.push_back({"g", g[0]});
    }
    Steps(session, r).run();
  });
}
template <class K>
std::string said(const Backend& backend, bool gradient = false) {
  return said<K>(*backend.open(), gradient);
}

const Backend float64 = backend("reference", "float64"), float32 = backend("reference"), cpu = backend("cpu"), vulkan = backend("vulkan");

/// Calls the host as a plugin would that was written in C.
std::string recorded(const lamina_kernel* k, int64_t items = 1, uint32_t results = 1) {
  Recording r;
  const lamina_value in = r.input("x", {2}, DType::float64).id_in(r.scope);
  const lamina_shape shape{0, 1, {2}};
  lamina_value out = 0;
  return r.refusal([&] {
    if (r.scope.host->kernel(r.scope.handle, k, &in, 1, nullptr, 0, &shape, &out, results, items)) throw Error();
  });
}

}  // namespace

TEST_CASE("planning names layer, kernel and the body that a backend misses") {
  for (const Backend& b : {float64, float32, cpu}) {
    CHECK(said<Copy>(b) == "");
    CHECK(said<OnCpus>(b) == "");
    CHECK(said<OnGpus>(b) == "'second': the backend '" + b.name +
                                 "' does not run its kernel 'on_gpus', which has a body for GLSL and none for CPU float32, CPU float64");
  }
  program::Session two_ops(all_plugins().find("backend", "two_ops"), {});
  CHECK(said<Copy>(two_ops) ==
        "'second': the backend 'two_ops' does not run its kernel 'copy_of', which has a body for CPU float32, CPU float64, GLSL");
  if (!has_vulkan()) return;
  CHECK(said<Copy>(vulkan) == "");
  CHECK(said<OnGpus>(vulkan) == "");
  CHECK(
      said<OnCpus>(vulkan) ==
      "'second': the backend 'vulkan' does not run its kernel 'on_cpus', which has a body for CPU float32, CPU float64 and none for GLSL");
}

TEST_CASE("a kernel's gradient is there where it is needed, one for each input, of its shape and type") {
  const std::string who = "'second': its kernel 'copy_of' has a gradient ";
  CHECK(said<Copy>(float64, true) == "");
  CHECK(said<OnCpus>(float64, true) ==
        "'second': its kernel 'on_cpus' has no gradient, but something before it is trained or its gradient is asked for");
  CHECK(said<TooFew>(float64, true) == who + "that fails: the gradient of kernel \"copy_of\" returned 0 tensors for 1 inputs");
  CHECK(said<TooShort>(float64, true) == who + "of the wrong type for in0: float64 [1, 2]; wanted float64 [3, 2] as in0 is");
  CHECK(said<Whole>(float64, true) == who + "of the wrong type for in0: int32 [3, 2]; wanted float64 [3, 2] as in0 is");
  CHECK(said<Grumpy>(float64, true) == who + "that fails: not on Mondays");
  CHECK(said<Grumpy>(float64) == "");  // nobody asks
}

TEST_CASE("a gradient that is a number is one for every element of the input") {
  const auto session = float64.open();
  Recording r;
  const Tensor x = r.parameter("x", {3, 2});
  const Tensor y = total(run<First>(r.scope, {x}, {{1}}, 1)[0]);
  r.outputs.push_back({"g", graph::differentiate(r.handle, r.id(y), {r.id(x)})[0]});
  CHECK(Steps(*session, r).run().at("g").data == std::vector<double>(6, 2));
}

TEST_CASE("a kernel that cannot be meant is not recorded") {
  const auto body = [](const lamina_kernel_call*) {};
  lamina_kernel k{sizeof k, "k", body, body, nullptr, nullptr}, nameless = k, empty = k, bodiless = k;
  nameless.name = nullptr, empty.name = "", bodiless.cpu_float = bodiless.cpu_double = nullptr;
  CHECK(recorded(&k) == "");
  CHECK(recorded(nullptr) == "a kernel was to be recorded, but its table is missing");
  CHECK(recorded(&nameless) == "a kernel has no name");
  CHECK(recorded(&empty) == "a kernel has no name");
  CHECK(recorded(&bodiless) == "kernel k: it has no body, neither for CPUs nor in GLSL");
  CHECK(recorded(&k, 0) == "kernel k: 0 work items were asked for; wanted 1 to 281474976710656");
  CHECK(recorded(&k, -3) == "kernel k: -3 work items were asked for; wanted 1 to 281474976710656");
  CHECK(recorded(&k, INT64_MAX) == "kernel k: 9223372036854775807 work items were asked for; wanted 1 to 281474976710656");
  CHECK(recorded(&k, 1, 0) == "kernel k: it has no results");
}

TEST_CASE("a name stands for one kernel of a plugin") {
  Recording r;
  const Tensor x = r.input("x", {2}, DType::float64);
  const auto record = [&](const char* path, auto kernel) {
    r.handle.path = path;
    return r.refusal([&] { run<decltype(kernel)>(r.scope, {x}, {{2}}, 2); });
  };
  CHECK(record("a", OnGpus()) == "");
  CHECK(record("a", OnGpus()) == "");
  CHECK(record("b", Renamed()) == "");  // another plugin's
  CHECK(record("a", Renamed()) == "kernel on_gpus: the plugin has two kernels of this name; a name stands for one");
}

TEST_CASE("more work items than a device counts are refused before anything runs") {
  if (!has_vulkan()) return;
  const auto session = vulkan.open();
  Recording r(DType::float32);
  r.fetch("y", run<Copy>(r.scope, {r.parameter("x", {3})}, {{3}}, int64_t(1) << 31)[0]);
  CHECK(r.refusal([&] {
    try {
      Steps(*session, r);
    } catch (const Failure& e) {
      throw Error(e.what());
    }
  }) == "backend 'vulkan': op 'kernel' of 'layer': it has 2147483648 work items; 2³¹ − 1 are the most");
}

namespace {

/// Writes down the calls it gets; an item is a row of x.
struct Rows {
  static constexpr const char* name = "rows";
  static constexpr int inputs = 1, results = 1;
  static inline std::mutex mutex;
  static inline std::vector<std::pair<int64_t, int64_t>> calls;
  template <class T>
  static void cpu(const Work<T>& k) {
    {
      std::lock_guard lock(mutex);
      calls.emplace_back(k.begin, k.end);
    }
    const int64_t width = k.in_shape(0)[1];
    for (int64_t row = k.begin; row < k.end; ++row) {
      T sum = 0;
      for (int64_t i = 0; i < width; ++i) sum += k.in(0)[row * width + i];
      k.out(0)[row] = k.constant(0) * sum;
    }
  }
};

/// The calls of one run over x [rows, width] of ones, in the order of their items.
std::vector<std::pair<int64_t, int64_t>> calls(const char* backend, const char* precision, int64_t threads, int64_t rows, int64_t width) {
  program::Session session(plugins().find("backend", backend), {{"precision", precision}, {"threads", threads}});
  Recording r(session.real());
  r.fetch("y", run<Rows>(r.scope, {r.parameter("x", {rows, width})}, {{rows}}, rows, {0.5})[0]);
  Steps steps(session, r);
  write(session, "x", std::vector<double>(size_t(rows * width), 1));
  Rows::calls.clear();
  CHECK(steps.run().at("y").data == std::vector<double>(size_t(rows), 0.5 * double(width)));
  std::sort(Rows::calls.begin(), Rows::calls.end());
  return Rows::calls;
}

}  // namespace

TEST_CASE("CPUs share the items of a kernel where there is work for several threads") {
  using Calls = std::vector<std::pair<int64_t, int64_t>>;
  CHECK(calls("cpu", "float32", 3, 7, 1000) == Calls{{0, 2}, {2, 4}, {4, 7}});  // few items of much work
  CHECK(calls("cpu", "float32", 3, 8192, 1) == Calls{{0, 2730}, {2730, 5461}, {5461, 8192}});
  CHECK(calls("cpu", "float32", 3, 2, 4096) == Calls{{0, 1}, {1, 2}});  // no more calls than items
  CHECK(calls("cpu", "float32", 3, 7, 3) == Calls{{0, 7}});
  CHECK(calls("cpu", "float32", 1, 7, 1000) == Calls{{0, 7}});
  CHECK(calls("reference", "float64", 0, 7, 1000) == Calls{{0, 7}});
  CHECK(calls("reference", "float32", 0, 7, 1000) == Calls{{0, 7}});
}

TEST_CASE("median_pool: the lower median, the first of equals, NaN before all, padding never") {
  std::vector<std::string> left_out;
  std::vector<Backend> backends = backends_under_test(left_out);
  backends.push_back(reference64);
  const std::vector<Attribute> settings = {{"size", Shape{3}}, {"stride", Shape{1}}, {"padding", Shape{1}}};
  const PluginCase c = plugin_case(plugins().find("layer", "median_pool"), settings, {real({1, 1, 5})}, Mode::training);
  for (const Backend& b : backends) {
    CAPTURE(b.text());
    Evaluation evaluation(b, c, 1);
    const std::vector<double> w = evaluation.weights().at(0).data;
    const Values at = evaluation.at({{DType::float64, {1, 1, 5}, {5, 1, 4, 2, 2}}});
    CHECK(at.y[0].data == std::vector<double>{1, 4, 2, 2, 2});
    const std::vector<double> expected = {0, w[0], w[1], w[2] + w[3] + w[4], 0};
    for (size_t i = 0; i < 5; ++i) CHECK(at.g[0].data[i] == doctest::Approx(expected[i]));
    const std::vector<double> y = evaluation.at({{DType::float64, {1, 1, 5}, {5, NAN, 4, -INFINITY, INFINITY}}}).y[0].data;
    for (size_t i = 0; i < 3; ++i) CHECK(std::isnan(y[i]));
    CHECK(y[3] == 4);
    CHECK(y[4] == -INFINITY);
  }
}
