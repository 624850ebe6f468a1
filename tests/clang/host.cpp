// A host built by Clang that loads plugins built by GCC: it reads what they say of themselves, records what they compute, derives a
// gradient, and hears why one refuses. The parts of the framework that this takes are compiled as one source, which costs a few seconds
// where one by one would cost half a minute; graph/ops_pool.cpp, which has a name in common with another, is compiled beside it.
#include <dlfcn.h>

#include <iostream>

#include "base/text.cpp"
#include "config/domain.cpp"
#include "graph/autodiff.cpp"
#include "graph/autodiff.hpp"
#include "graph/op.cpp"
#include "graph/ops_composite.cpp"
#include "graph/ops_convolution.cpp"
#include "graph/ops_elementwise.cpp"
#include "graph/ops_reduction.cpp"
#include "graph/ops_shape.cpp"
#include "graph/ops_source.cpp"
#include "graph/recorder.cpp"
#include "plugin/describe.cpp"

using namespace lamina;
using namespace lamina::graph;

#ifndef __clang__
#error "this is for Clang"
#endif

namespace {

int failures = 0;
void check(bool holds, const std::string& what) {
  if (!holds) ++failures, std::cout << "FAILED: " << what << "\n";
}

Descriptor load(const std::string& file, const std::string& kind, const std::string& name) {
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw std::runtime_error(dlerror());
  const auto entry = reinterpret_cast<const lamina_plugin* (*)()>(dlsym(library, "lamina_plugin_v1"));
  if (!entry) throw std::runtime_error(file + " has no entry");
  return describe_plugin(entry(), kind, name);
}

/// A graph with one call into a plugin.
struct Call {
  Graph graph{DType::float32};
  lamina_scope scope;
  std::vector<Attribute> settings;
  explicit Call(std::vector<Attribute> given) : settings(std::move(given)) {
    scope.graph = &graph, scope.path = scope.state_path = "call", scope.where = "call", scope.training = true, scope.settings = &settings;
  }
  std::vector<lamina_attribute> views() const {
    std::vector<lamina_attribute> v;
    for (auto& s : settings) v.push_back(s.view());
    return v;
  }
  lamina_value input(const Shape& shape) {
    const std::string name = "x" + std::to_string(graph.inputs.size());
    return to_border(record_node(scope, op_named("input"), {}, {{"name", name}, {"shape", shape}, {"dtype", DType::float32}})[0]);
  }
  /// Shapes of what a layer gives; empty where it refuses.
  std::vector<Shape> forward(const Descriptor& d, const std::vector<lamina_value>& in) {
    const auto given = views();
    lamina_value out[16];
    uint32_t count = 16;
    std::vector<Shape> shapes;
    if (copy_sized<lamina_layer>(d.table).forward(&host_table(), &scope, given.data(), uint32_t(given.size()), in.data(),
                                                  uint32_t(in.size()), out, &count))
      return shapes;
    for (uint32_t i = 0; i < count; ++i) shapes.push_back(graph.values.at(from_border(out[i])).type.shape);
    last = from_border(out[0]);
    return shapes;
  }
  ValueId last = absent;
};

void layers(const std::string& plugins, const std::string& tests) {
  const Descriptor conv = load(plugins + "/layers/conv.so", "layer", "conv");
  check(conv.parameters.size() >= 5 && conv.parameters[0].name == "filters" && conv.parameters[0].flags & LAMINA_REQUIRED,
        "conv tells its parameters");
  check(conv.inputs.size() == 1 && conv.inputs[0].name == "x" && !conv.inputs[0].doc.empty() && !conv.example.empty(), "and its input");
  Call c({{"filters", 4}, {"kernel", Shape{3}}});
  check(c.forward(conv, {c.input({2, 3, 8, 8})}) == std::vector<Shape>{{2, 4, 6, 6}}, "conv records [2, 4, 6, 6]");

  const Descriptor gated = load(tests + "/layers/gated.so", "layer", "gated");
  check(gated.parameters.at(0).initial->reals == std::vector<double>{1} && gated.parameters.at(0).domain == "[0, inf)", "gated's default");
  Call s({{"beta", 1.5}});
  const lamina_value x = s.input({2, 3});
  check(s.forward(gated, {x}) == std::vector<Shape>{{2, 3}}, "gated records its input's shape");
  Scope scope(&host_table(), &s.scope);
  const ValueId loss = from_border(total(tensor(scope, s.last)).id_in(scope));
  const auto gradients = differentiate(s.scope, loss, {from_border(x)});
  check(s.graph.values.at(gradients.at(0)).type.shape == Shape{2, 3}, "its gradient is derived");

  const Descriptor soft_corner = load(tests + "/layers/soft_corner.so", "layer", "soft_corner");
  Call k({{"corner", 0.5}});
  check(k.forward(soft_corner, {k.input({3, 5})}).size() == 1, "a kernel is recorded");
  const double in[] = {-1, 1}, corner = 0.5;
  double out[2] = {};
  const void* ins[] = {in};
  void* outs[] = {out};
  const lamina_kernel_call call{sizeof(lamina_kernel_call), 1, 1, 1, ins, outs, nullptr, nullptr, &corner, 0, 2};
  k.graph.nodes.back().kernel->cpu_double(&call);
  check(out[0] == -1 / 1.5 && out[1] == 1 / 1.5, "and it runs");

  const Descriptor throws = load(tests + "/layers/throws.so", "layer", "throws");
  for (const char* how : {"exception", "number", "op"}) {
    Call t({{"how", how}});
    check(t.forward(throws, {t.input({2})}).empty(), std::string("throws refuses: ") + how);
    std::string why;
    try {
      t.scope.raise();
    } catch (const std::exception& e) {
      why = e.what();
    }
    check(why.find(how == std::string("exception") ? "the moon"
                   : how == std::string("number")  ? "no std::exception"
                                                   : "sigmiod") != why.npos,
          "why: " + why);
  }
}

void optimizers(const std::string& plugins) {
  const Descriptor adam = load(plugins + "/optimizers/adam.so", "optimizer", "adam");
  check(adam.parameters.size() >= 3 && adam.parameters[0].flags & LAMINA_PER_STEP, "adam tells its parameters");
  Call c({});
  for (auto& p : adam.parameters)
    if (p.initial) c.settings.push_back(*p.initial);
  Scope scope(&host_table(), &c.scope);
  const Tensor w = scope.parameter("w", {3, 2}, 0.0);
  const lamina_value g = c.input({3, 2});
  c.scope.updating = true, c.scope.state_path = "call/w";
  const auto given = c.views();
  lamina_value next = 0;
  const lamina_status status = copy_sized<lamina_optimizer>(adam.table)
                                   .update(&host_table(), &c.scope, given.data(), uint32_t(given.size()), w.id_in(scope), g, &next);
  check(!status && c.graph.values.at(from_border(next)).type.shape == Shape{3, 2}, "adam records the next parameter");
  check(c.graph.states.size() == 3, "and keeps two slots");
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return std::cerr << "wanted: the folder of the plugins, and that of the tests' plugins\n", 2;
  try {
    layers(words[1], words[2]);
    optimizers(words[1]);
  } catch (const std::exception& e) {
    check(false, e.what());
  }
  if (!failures) std::cout << "plugins of " << words[1] << " are at home in a host built by Clang " << __clang_major__ << "\n";
  return failures != 0;
}
