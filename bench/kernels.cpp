// Rates of single ops on a backend: bench_kernels BACKEND[:DEVICE] [--batch N] [--megabytes N] [--seconds S] [--large] [--only TEXT]
// [setting=value]… Each op reads state and writes state, so nothing moves between host and device while it is timed. Prints a markdown
// table:
//   ms          one run of a program that holds this op alone, runs waited for together as in training
//   op ms       of these the op itself by the backend's clock, where it has one; rates are by this time, else by the other
//   per CPU-s   rate by the processor time of the whole process: on a device that is the processor, what other programs take does not count
// --batch: of all but matmul and copy. --megabytes: of each side of the copy. --large: a matmul of 4096³ too. --only: ops whose name has
// the text.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>

#include "cli/program.hpp"
#include "plugin/registry.hpp"
#include "program/session.hpp"
#include "train/pace.hpp"

using namespace lamina;

namespace {

struct Options {
  std::string backend, only;
  std::vector<Attribute> settings;
  int64_t batch = 32, megabytes = 64;
  double seconds = 0.3;
  bool large = false;
};

/// One measurement: what is recorded, and the work of it.
struct Case {
  std::string name, op;  ///< op: as profiles call it; "" is all of them
  std::function<Tensor(Scope&)> record;
  double flop = 0, bytes = 0;
  int64_t ops = 0;  ///< of a chain that measures the cost of a dispatch; 0: no chain
};

Options options_of(int count, char** arguments) {
  Options o;
  for (int i = 1; i < count; ++i) {
    const std::string a = arguments[i];
    const size_t equals = a.find('=');
    const auto next = [&] { return i + 1 < count ? arguments[++i] : throw Error(a + " wants a value"); };
    if (a == "--large")
      o.large = true;
    else if (a == "--batch")
      o.batch = std::max(1, std::atoi(next()));
    else if (a == "--megabytes")
      o.megabytes = std::max(1, std::atoi(next()));
    else if (a == "--seconds")
      o.seconds = std::atof(next());
    else if (a == "--only")
      o.only = next();
    else if (a.starts_with("--"))
      throw Error("no option is named " + a);
    else if (equals != a.npos)
      o.settings.emplace_back(a.substr(0, equals), a.substr(equals + 1));
    else if (o.backend.empty())
      o.backend = a;
    else
      throw Error("one backend at a time; \"" + a + "\" is the second");
  }
  if (o.backend.empty())
    throw Error(
        "usage: bench_kernels BACKEND[:DEVICE] [--batch N] [--megabytes N] [--seconds S] [--large] [--only TEXT] [setting=value]...");
  if (const size_t colon = o.backend.find(':'); colon != std::string::npos) {
    o.settings.emplace_back("device", o.backend.substr(colon + 1));
    o.backend.resize(colon);
  }
  return o;
}

/// A convolution as networks have it: [channels, size…] to filters by a kernel of the same size along each axis.
struct Layer {
  Shape x;
  int64_t filters, kernel, stride, padding;
};
const Layer layers[] = {
    {{1, 28, 28}, 6, 5, 1, 2},      {{6, 14, 14}, 16, 5, 1, 0},                                      // LeNet-5
    {{16, 32, 32}, 16, 3, 1, 1},    {{32, 16, 16}, 32, 3, 1, 1},     {{64, 8, 8}, 64, 3, 1, 1},      // ResNet-20
    {{16, 32, 32}, 32, 3, 2, 1},    {{16, 32, 32}, 32, 1, 2, 0},                                     // where it halves
    {{3, 224, 224}, 64, 7, 2, 3},   {{64, 56, 56}, 64, 3, 1, 1},     {{128, 28, 28}, 128, 3, 1, 1},  // ResNet-18
    {{256, 14, 14}, 256, 3, 1, 1},  {{512, 7, 7}, 512, 3, 1, 1},                                     //
    {{1, 32, 32, 32}, 32, 5, 2, 0}, {{32, 14, 14, 14}, 32, 3, 1, 0},                                 // VoxNet
    {{16, 128}, 32, 5, 1, 2},                                                                        // over series
};

/// The three passes of a layer.
void add_convolution(std::vector<Case>& cases, const Layer& l, int64_t batch) {
  const size_t axes = l.x.size() - 1;
  Shape x = l.x, w = {l.filters, l.x[0]}, y = {batch, l.filters};
  x.insert(x.begin(), batch), w.resize(axes + 2, l.kernel);
  for (size_t a = 1; a <= axes; ++a) y.push_back((l.x[a] + 2 * l.padding - l.kernel) / l.stride + 1);
  const char* power = axes == 3 ? "³" : axes == 2 ? "²" : "";
  const std::string shape = describe(" ", l.kernel, power, l.stride > 1 ? " /" + std::to_string(l.stride) : "", ", ", l.x[0], " → ",
                                     l.filters, " on ", l.x[1], power, ", batch ", batch);
  const double flop = 2 * double(element_count(y)) * double(element_count(w)) / double(l.filters);
  const auto add = [&](const char* op, const Shape& a, const Shape& b, const Shape* result) {
    std::vector<Attribute> attributes = {
        {"stride", Shape(axes, l.stride)}, {"padding_low", Shape(axes, l.padding)}, {"padding_high", Shape(axes, l.padding)}};
    if (result) attributes.emplace_back("shape", *result);
    cases.push_back({op + shape, op, [=](Scope& s) { return record(op, {s.state("x", a), s.state("w", b)}, attributes); }, flop});
  };
  add("conv", x, w, nullptr), add("conv_backward_data", y, w, &x), add("conv_backward_weights", x, y, &w);
}

std::vector<Case> cases_of(const Options& o) {
  std::vector<Case> cases;
  constexpr int64_t chain = 500;
  cases.push_back({"dispatch", "",
                   [](Scope& s) {
                     Tensor x = s.state("x", {256});
                     for (int64_t i = 0; i < chain; ++i) x = tanh(x);
                     return x;
                   },
                   0, 0, chain});
  const int64_t elements = o.megabytes << 18;
  cases.push_back(
      {describe("copy, ", o.megabytes, " MiB"), "", [=](Scope& s) { return s.state("x", {elements}) * 1.5; }, 0, 8.0 * double(elements)});
  const auto add_matmul = [&](int64_t n, bool ta, bool tb) {
    cases.push_back({describe("matmul ", n, "³", ta ? ", aᵀ" : "", tb ? ", bᵀ" : ""), "matmul",
                     [=](Scope& s) {
                       return matmul(s.state("x", {n, n}), s.state("w", {n, n}), ta, tb);
                     },
                     2.0 * double(n * n * n)});
  };
  for (bool ta : {false, true})
    for (bool tb : {false, true}) add_matmul(512, ta, tb);
  if (o.large) add_matmul(4096, false, false);
  for (const Layer& l : layers) add_convolution(cases, l, o.batch);
  const Shape images = {o.batch, 64, 56, 56}, logits = {o.batch * 32, 1000};
  const double bytes = 4.0 * double(element_count(images));
  cases.push_back({describe("sum per channel, 64@56², batch ", o.batch), "",
                   [=](Scope& s) {
                     return sum(s.state("x", images), {0, 2, 3});
                   },
                   0, bytes});
  cases.push_back({describe("max_pool 2, 64@56², batch ", o.batch), "max_pool",
                   [=](Scope& s) {
                     return max_pool(s.state("x", images), {2, 2}, {{2, 2}, {0, 0}, {0, 0}}).first;
                   },
                   0, 1.25 * bytes});
  cases.push_back({describe("softmax_cross_entropy, 1000 classes, batch ", logits[0]), "softmax_cross_entropy",
                   [=](Scope& s) { return softmax_cross_entropy(s.state("x", logits), cast(s.state("w", {logits[0]}), DType::int32)); }, 0,
                   4.0 * double(element_count(logits))});
  std::erase_if(cases, [&](const Case& c) { return c.name.find(o.only) == c.name.npos; });
  return cases;
}

/// The case as a program of its own session, its result written to the state "y".
class Bench {
 public:
  Bench(const Case& c, const Descriptor& backend, const Options& o) : session_(backend, o.settings) {
    auto graph = std::make_unique<graph::Graph>(session_.real());
    lamina_scope scope;
    scope.graph = graph.get(), scope.path = scope.state_path = "bench", scope.training = true;
    Scope host(&graph::host_table(), &scope);
    const Tensor result = c.record(host);
    State y = host.state("y", result.shape());
    y = result;
    step_ = session_.compile(std::move(graph), {}, c.name, {.composites = true, .fusion = c.ops == 0});
    for (size_t e = 0; e < session_.state().size(); ++e) fill(e);
  }
  void run(int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      step_->run({1, number_++, 0, 0, 1}, nullptr, nullptr);
      if (i % int64_t(pace::ring) == int64_t(pace::ring) - 1) step_->wait();
    }
    step_->wait();
  }
  /// Seconds per run that the backend's clock gives the ops of this name; 0 where it has none.
  double op_seconds(const std::string& op, int64_t count) {
    step_->profile(true);
    run(count);
    double seconds = 0;
    for (auto& p : step_->profile(false))
      if (op.empty() || p.op == op) seconds += p.seconds;
    return seconds / double(count);
  }
  std::string device() const { return session_.describe(); }

 private:
  /// Numbers in [-1, 1); those named "w" are small and, as labels, 0.
  void fill(size_t entry) {
    const auto& info = session_.state()[entry];
    const double scale = info.path == "bench/w" ? 1.0 / 16 : 1;
    std::vector<char> bytes(session_.bytes(entry));
    const size_t width = size_of(info.type.dtype);
    for (size_t i = 0; i < bytes.size() / width; ++i) {
      const double value = scale * (double(i * 2654435761u % 4093) / 2046.5 - 1);
      const float narrow = float(value);
      std::memcpy(&bytes[i * width], width == 8 ? static_cast<const void*>(&value) : &narrow, width);
    }
    session_.write(entry, bytes.data());
  }
  program::Session session_;
  std::unique_ptr<program::Executable> step_;
  uint64_t number_ = 0;
};

std::string rate(double amount, double seconds, const char* unit) {
  char text[48];
  return amount > 0 && seconds > 0 ? (std::snprintf(text, sizeof text, "%.3g %s", amount / seconds / 1e9, unit), text) : "";
}

void measure(const Case& c, Bench& bench, double budget) {
  using Clock = std::chrono::steady_clock;
  const auto timed = [&](int64_t count) {
    const auto start = Clock::now();
    bench.run(count);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  timed(2);
  const int64_t count = std::max<int64_t>(1, int64_t(budget / 5 / timed(1)));
  std::vector<double> times;
  const std::clock_t before = std::clock();
  for (double spent = 0; spent < budget;) times.push_back(timed(count)), spent += times.back();
  const double processor = double(std::clock() - before) / CLOCKS_PER_SEC / double(count) / double(times.size());
  std::sort(times.begin(), times.end());
  const double wall = times[times.size() / 2] / double(count);
  if (c.ops) {
    std::printf("| %s | %.4f |  | %.3g µs per op of a chain of %lld |  |\n", c.name.c_str(), wall * 1e3, wall * 1e6 / double(c.ops),
                (long long)c.ops);
    return;
  }
  const double op = bench.op_seconds(c.op, std::clamp<int64_t>(count, 1, 8)), seconds = op > 0 ? op : wall;
  char op_text[32] = "";
  if (op > 0) std::snprintf(op_text, sizeof op_text, "%.4f", op * 1e3);
  const std::string flops = rate(c.flop, seconds, "GFLOP/s");
  std::printf("| %s | %.4f | %s | %s | %s |\n", c.name.c_str(), wall * 1e3, op_text,
              (flops.empty() ? rate(c.bytes, seconds, "GB/s") : flops).c_str(),
              c.flop > 0 ? rate(c.flop, processor, "GFLOP").c_str() : rate(c.bytes, processor, "GB").c_str());
}

}  // namespace

int main(int count, char** arguments) try {
  if (const auto code = child_main(count, arguments, cli::child_jobs())) return *code;
  const Options o = options_of(count, arguments);
  Registry registry;
  const Descriptor& backend = registry.find("backend", o.backend);
  bool first = true;
  for (const Case& c : cases_of(o)) {
    Bench bench(c, backend, o);
    if (std::exchange(first, false))
      std::printf("%s: %s\n\n| op | ms | op ms | rate | per CPU-s |\n|---|--:|--:|--:|--:|\n", o.backend.c_str(), bench.device().c_str());
    measure(c, bench, o.seconds);
    std::fflush(stdout);
  }
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "error: %s\n", e.what());
  return 1;
}
