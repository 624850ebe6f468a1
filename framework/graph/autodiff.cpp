#include "graph/autodiff.hpp"

#include <lamina/sized.hpp>
#include <unordered_map>
#include <utility>

#include "graph/error_at.hpp"
#include "graph/op.hpp"

namespace lamina::graph {
namespace {

class Reverse {
 public:
  Reverse(lamina_scope& handle, const std::vector<ValueId>& roots) : handle_(handle), g_(*handle.graph), scope_(&host_table(), &handle) {
    needs_.assign(g_.values.size(), 0);
    for (auto v : roots) needs_[v] = 1;
    spread(0, g_.nodes.size());
  }
  bool reaches(ValueId v) const { return needs_[v]; }
  void seed(ValueId v, const Tensor& d) { gradient_[v] = d; }
  ValueId of(ValueId v) {
    auto it = gradient_.find(v);
    return it == gradient_.end() ? absent : from_border(it->second.id_in(scope_));
  }

  /// Carries gradients from the results of nodes [first, last) to their operands.
  void walk(size_t first, size_t last) {
    for (size_t k = last; k-- > first;) {
      const Node node = g_.nodes[k];  // a copy: recording moves the graph's own
      Tensors x, y, dy;
      bool any = false, wanted = false;
      for (auto v : node.out) {
        auto it = gradient_.find(v);
        any |= it != gradient_.end();
        dy.push_back(it == gradient_.end() ? Tensor() : it->second);
        y.push_back(tensor(scope_, v));
      }
      for (auto v : node.in) {
        wanted |= v != absent && needs_[v];
        x.push_back(tensor(scope_, v));
      }
      if (!any || !wanted) continue;
      handle_.path = *node.path;
      const Tensors dx = rule(node, x, y, dy);
      for (size_t i = 0; i < dx.size() && i < node.in.size(); ++i) {
        const ValueId v = node.in[i];
        if (!dx[i] || v == absent || !needs_[v] || g_.values[v].hosted) continue;
        const Shape shape = g_.values[v].type.shape;
        // A rule may give a lone number, and elementwise rules leave broadcasting to us.
        Tensor d = tensor(scope_, from_border(dx[i].id_in(scope_)));
        if (g_.values[from_border(d.id_in(scope_))].hosted) d = broadcast(d, y[0].shape());
        d = unbroadcast(d, shape);
        add(v, d);
      }
    }
  }

 private:
  void add(ValueId v, const Tensor& d) {
    auto [it, fresh] = gradient_.try_emplace(v, d);
    if (!fresh) it->second = it->second + d;
  }
  void spread(size_t first, size_t last) {
    needs_.resize(g_.values.size(), 0);
    for (size_t k = first; k < last; ++k) {
      bool need = false;
      for (auto v : g_.nodes[k].in) need |= v != absent && needs_[v];
      if (need && g_.nodes[k].op->name != "stop_gradient")
        for (auto v : g_.nodes[k].out) needs_[v] |= is_real(g_.values[v].type.dtype);
    }
  }
  Tensors rule(const Node& node, const Tensors& x, const Tensors& y, const Tensors& dy) {
    if (node.kernel) return kernel_rule(node, x, y, dy);
    if (node.op->gradient) return node.op->gradient({scope_, node, x, y, dy});
    if (!node.op->decompose) return {};
    // No rule of its own: through the decomposition, whose gradients land on the operands.
    const size_t first = g_.nodes.size();
    const Tensors parts = node.op->decompose(scope_, node, x);
    const size_t last = g_.nodes.size();
    spread(first, last);
    for (size_t i = 0; i < parts.size(); ++i)
      if (dy[i]) add(from_border(parts[i].id_in(scope_)), dy[i]);  // a part may be an operand or another part
    walk(first, last);
    return {};
  }
  Tensors kernel_rule(const Node& node, const Tensors& x, const Tensors& y, const Tensors& dy) {
    const lamina_kernel kernel = border::read_sized(node.kernel);
    const auto refuse = [&](Exit exit, const auto&... parts) {
      throw ErrorAt(exit, *node.path, describe("its kernel '", kernel.name, "' ", parts...));
    };
    if (!kernel.gradient) refuse(Exit::experiment, "has no gradient, but something before it is trained or its gradient is asked for");
    std::vector<lamina_value> down(x.size(), 0);
    const std::string words = "the gradient of the kernel '" + std::string(kernel.name) + "' of '" + *node.path + "'";
    if (call_plugin(handle_, words.c_str(), [&](auto* host, auto* handle) {
          return kernel.gradient(host, handle, scope_.values(x).data(), scope_.values(y).data(), scope_.values(dy).data(),
                                 node.constants.data(), down.data());
        })) {
      const std::string where = std::exchange(handle_.where, "");
      try {
        handle_.raise();
      } catch (const Error& e) {
        handle_.where = where, handle_.forget();
        refuse(Exit::plugin, "has a gradient that fails: ", e.text);
      }
    }
    Tensors dx;
    for (size_t i = 0; i < down.size(); ++i) {
      const ValueId v = from_border(down[i]);
      if (v != absent && v >= g_.values.size()) refuse(Exit::plugin, "has a gradient that is no value of this graph, for in", i);
      const TensorType wanted = g_.values[node.in[i]].type;
      if (v != absent && g_.values[v].hosted) {  // a number is one for every element
        dx.push_back(broadcast(tensor(scope_, v), wanted.shape));
        continue;
      }
      if (v != absent && g_.values[v].type != wanted)
        refuse(Exit::plugin, "has a gradient of the wrong type for in", i, ": ", to_text(g_.values[v].type), "; wanted ", to_text(wanted),
               " as in", i, " is");
      dx.push_back(tensor(scope_, v));
    }
    return dx;
  }

  lamina_scope& handle_;
  Graph& g_;
  Scope scope_;
  std::vector<char> needs_;
  std::unordered_map<ValueId, Tensor> gradient_;
};

}  // namespace

std::vector<ValueId> differentiate(lamina_scope& scope, ValueId of, const std::vector<ValueId>& with_respect_to, ValueId seed) {
  Graph& g = *scope.graph;
  const std::string path = scope.path;
  const size_t last = g.values[of].node + 1;
  Scope s(&host_table(), &scope);
  Reverse reverse(scope, with_respect_to);
  std::vector<ValueId> result(with_respect_to.size(), absent);
  if (!reverse.reaches(of)) return result;
  const Shape shape = g.values[of].type.shape;  // a copy: recording moves the graph's own
  const Tensor one = seed == absent ? broadcast(tensor(s, from_border(Tensor(1.0).id_in(s))), shape) : tensor(s, seed);
  reverse.seed(of, one);
  reverse.walk(0, last);
  for (size_t i = 0; i < result.size(); ++i) result[i] = reverse.of(with_respect_to[i]);
  scope.path = path;
  return result;
}

}  // namespace lamina::graph
