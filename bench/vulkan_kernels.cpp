// How fast convolutions and matrix products are: bench_vulkan_kernels [backend = vulkan [setting=text …]].
// Each pass of each shape is a program of one op. Printed: its size, the device's time (of the backend's profile, the fastest of some
// runs), GFLOP per second of that, and GFLOP per CPU-second of the whole process, which is what counts where the device is a processor.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "plugin/registry.hpp"
#include "program/session.hpp"

using namespace lamina;

namespace {

struct Case {
  std::string name, op;
  std::vector<Shape> in;
  std::vector<Attribute> attributes;
  double flop;
};

/// The passes of a convolution [batch, channels, size…] with a cubic kernel and padding that keeps, or with stride 2 halves, the size.
void add_conv(std::vector<Case>& list, const std::string& name, Shape x, int64_t filters, int64_t kernel, int64_t stride = 1) {
  const size_t axes = x.size() - 2;
  Shape w = {filters, x[1]}, y = {x[0], filters};
  for (size_t a = 0; a < axes; ++a) w.push_back(kernel), y.push_back((x[a + 2] + kernel / 2 * 2 - kernel) / stride + 1);
  std::vector<Attribute> window = {
      {"stride", Shape(axes, stride)}, {"padding_low", Shape(axes, kernel / 2)}, {"padding_high", Shape(axes, kernel / 2)}};
  const double flop = 2 * double(element_count(y)) * double(element_count(w)) / double(filters);
  list.push_back({name, "conv", {x, w}, window, flop});
  window.emplace_back("shape", x);
  list.push_back({name, "conv_backward_data", {y, w}, window, flop});
  window.back() = {"shape", w};
  list.push_back({name, "conv_backward_weights", {x, y}, window, flop});
}
void add_matmul(std::vector<Case>& list, int64_t m, int64_t n, int64_t k) {
  const std::string name = describe(m, " x ", n, " x ", k);
  for (bool ta : {false, true})
    for (bool tb : {false, true})
      list.push_back({name + (ta ? " aT" : "") + (tb ? " bT" : ""),
                      "matmul",
                      {ta ? Shape{k, m} : Shape{m, k}, tb ? Shape{n, k} : Shape{k, n}},
                      {{"transpose_a", ta}, {"transpose_b", tb}},
                      2 * double(m) * double(n) * double(k)});
}

void measure(const Descriptor& backend, const std::vector<Attribute>& settings, const Case& c) {
  program::Session session(backend, settings);
  auto graph = std::make_unique<graph::Graph>(session.real());
  lamina_scope handle;
  handle.graph = graph.get(), handle.path = c.op, handle.state_path = "bench";
  Scope scope(&graph::host_table(), &handle);
  Tensors x;
  for (size_t i = 0; i < c.in.size(); ++i) x.push_back(scope.parameter(describe("x", i).c_str(), c.in[i], 0.0));
  const Tensor y = scope.emit(c.op.c_str(), x, c.attributes)[0];
  const std::vector<program::NamedValue> outputs = {{"y", graph::from_border(y.id_in(scope))}};
  const auto program = session.compile(std::move(graph), outputs, c.name);
  for (size_t i = 0; i < session.state().size(); ++i) {
    std::vector<float> numbers(session.bytes(i) / sizeof(float));
    for (size_t k = 0; k < numbers.size(); ++k) numbers[k] = float(k * 2654435761u % 1000) * 0.001f - 0.5f;
    session.write(i, numbers.data());
  }
  std::vector<std::byte> out(program->output_bytes());
  const auto run = [&] { program->run({}, nullptr, out.data()), program->wait(); };
  for (int i = 0; i < 3; ++i) run();
  double fastest = 1e30, busy = 1e30;
  program->profile(true);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 200 && (i < 5 || std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(500)); ++i) {
    const clock_t start = std::clock();
    run();
    busy = std::min(busy, double(std::clock() - start) / CLOCKS_PER_SEC);
    double seconds = 0;
    for (auto& op : program->profile(true)) seconds += op.seconds;
    fastest = std::min(fastest, seconds);
  }
  std::printf("%-28s %-22s %8.3f %10.3f %10.1f %10.1f\n", c.name.c_str(), c.op.c_str(), c.flop * 1e-9, fastest * 1e3,
              c.flop / fastest * 1e-9, c.flop / busy * 1e-9);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) try {
  Registry registry({LAMINA_PLUGINS});
  std::vector<Attribute> settings;
  for (int i = 2; i < count; ++i) {
    const std::string text = arguments[i];
    const size_t at = std::min(text.find('='), text.size() - 1);
    settings.emplace_back(text.substr(0, at), text.substr(at + 1));
  }
  std::vector<Case> cases;
  add_conv(cases, "lenet c1, b64", {64, 1, 28, 28}, 6, 5);
  add_conv(cases, "lenet c3, b64", {64, 6, 14, 14}, 16, 5);
  add_conv(cases, "resnet20 16, b128", {128, 16, 32, 32}, 16, 3);
  add_conv(cases, "resnet20 32, b128", {128, 32, 16, 16}, 32, 3);
  add_conv(cases, "resnet20 64, b128", {128, 64, 8, 8}, 64, 3);
  add_conv(cases, "resnet20 16-32 /2, b128", {128, 16, 32, 32}, 32, 3, 2);
  add_conv(cases, "resnet20 16-32 1x1 /2, b128", {128, 16, 32, 32}, 32, 1, 2);
  add_conv(cases, "resnet18 64, b8", {8, 64, 56, 56}, 64, 3);
  add_conv(cases, "resnet18 512, b8", {8, 512, 7, 7}, 512, 3);
  add_conv(cases, "resnet18 3-64 7x7 /2, b8", {8, 3, 224, 224}, 64, 7, 2);
  add_conv(cases, "voxnet 1-32 5^3 /2, b8", {8, 1, 32, 32, 32}, 32, 5, 2);
  add_conv(cases, "voxnet 32 3^3, b8", {8, 32, 14, 14, 14}, 32, 3);
  add_conv(cases, "series 64, b32", {32, 64, 512}, 64, 9);
  add_matmul(cases, 512, 512, 512);
  add_matmul(cases, 64, 120, 400);
  std::printf("%-28s %-22s %8s %10s %10s %10s\n", "shape", "op", "GFLOP", "device ms", "GFLOP/s", "per CPU-s");
  const std::string backend = count > 1 ? arguments[1] : "vulkan";
  for (const Case& c : cases) measure(registry.find("backend", backend), settings, c);
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "error: %s\n", e.what());
  return 1;
}
