#include "program/legalise.hpp"

#include <lamina/sized.hpp>

#include "base/text.hpp"
#include "graph/error_at.hpp"
#include "graph/op.hpp"
#include "graph/recorder.hpp"
#include "program/border.hpp"
#include "program/simplify.hpp"

namespace lamina::program {
using namespace graph;
namespace {

bool asks(const Graph& g, const Node& n, const Claims& claims) {
  std::vector<lamina_program_value> values;
  std::vector<uint32_t> in, out;
  auto add = [&](ValueId v) {
    LoweredValue value{g.values[v].type};
    value.bytes = size_of(value.type.dtype);
    for (auto d : value.type.shape) value.bytes *= uint64_t(d);
    values.push_back(border_value(value));
    return uint32_t(values.size() - 1);
  };
  for (auto v : n.in) in.push_back(v == absent ? LAMINA_ABSENT : add(v));
  for (auto v : n.out) out.push_back(add(v));
  const auto attributes = border_attributes(n.attributes);
  lamina_program_op op{};
  op.size = sizeof op, op.revision = 1, op.name = n.op->name.c_str(), op.path = n.path->c_str();
  op.in_count = uint32_t(in.size()), op.out_count = uint32_t(out.size()), op.in = in.data(), op.out = out.data();
  op.attribute_count = uint32_t(attributes.size()), op.attributes = attributes.data();
  op.kernel = n.kernel, op.constants = n.constants.data(), op.constant_count = uint32_t(n.constants.size()), op.items = n.items;
  return claims(op, values.data());
}

std::string kernel_refused(const Node& node, const std::string& backend) {
  const lamina_kernel kernel = border::read_sized(node.kernel);
  const std::string lacks = joined(kernel_bodies(kernel, false));
  return "the backend '" + backend + "' does not run its kernel '" + kernel.name + "', which has a body for " +
         joined(kernel_bodies(kernel, true)) + (lacks.empty() ? "" : " and none for " + lacks);
}

}  // namespace

std::vector<std::string> kernel_bodies(const lamina_kernel& k, bool there) {
  std::vector<std::string> list;
  if (bool(k.cpu_float) == there) list.push_back("CPU float32");
  if (bool(k.cpu_double) == there) list.push_back("CPU float64");
  if (bool(k.glsl) == there) list.push_back("GLSL");
  return list;
}

LegaliseReport legalise(Graph& g, std::vector<ValueId>& roots, const Claims& claims, const std::string& backend) {
  LegaliseReport report;
  lamina_scope handle;
  handle.graph = &g;
  Scope scope(&host_table(), &handle);
  std::vector<char> asked(g.nodes.size(), 0);
  for (bool changed = true; changed;) {
    changed = false;
    std::vector<ValueId> all = roots;
    for (auto& s : g.states) all.push_back(s.current);
    std::vector<ValueId> replaced;
    auto now = [&](ValueId v) { return v != absent && v < replaced.size() && replaced[v] != absent ? replaced[v] : v; };
    auto last = [&](ValueId v) {  // a part may itself have been replaced
      while (now(v) != v) v = now(v);
      return v;
    };
    for (uint32_t k : ordered_nodes(g, all)) {
      asked.resize(g.nodes.size(), 0);
      const OpKind kind = g.nodes[k].op->kind;
      if (asked[k] || (kind != OpKind::primitive && kind != OpKind::composite)) continue;
      asked[k] = 1;
      const bool claimed = asks(g, g.nodes[k], claims);
      const Node node = g.nodes[k];
      if (kind == OpKind::composite) (claimed ? report.claimed : report.decomposed).push_back(*node.path + ": " + node.op->name);
      if (claimed) continue;
      if (kind == OpKind::primitive) {
        std::string operands;
        for (auto v : node.in) operands += (operands.empty() ? "" : ", ") + to_text(g.values[v].type);
        if (node.kernel) throw ErrorAt(Exit::backend, *node.path, kernel_refused(node, backend));
        throw ErrorAt(Exit::backend, *node.path, "the backend '" + backend + "' does not run op " + node.op->name + " on " + operands);
      }
      Tensors x;
      for (auto v : node.in) x.push_back(tensor(scope, v));
      handle.path = *node.path;
      g.part_of = node.rank;
      const Tensors parts = node.op->decompose(scope, node, x);
      g.part_of.reset();
      replaced.resize(g.values.size(), absent);
      for (size_t i = 0; i < parts.size(); ++i) replaced[node.out[i]] = from_border(parts[i].id_in(scope));
      changed = true;
    }
    if (!changed) break;
    for (auto& n : g.nodes)
      for (auto& v : n.in) v = last(v);
    for (auto& v : roots) v = last(v);
    for (auto& s : g.states) s.current = last(s.current);
  }
  return report;
}

}  // namespace lamina::program
