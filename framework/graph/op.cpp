#include "graph/op.hpp"

#include <algorithm>
#include <unordered_map>

namespace lamina::graph {

const Attribute* Node::find(const char* name) const {
  for (auto& a : attributes)
    if (a.name == name) return &a;
  return nullptr;
}
static const Attribute& needed(const Attribute* a, const std::string& op, const char* name) {
  if (!a) throw Error(op + ": attribute '" + name + "' is missing");
  return *a;
}
int64_t Node::integer(const char* name) const { return needed(find(name), op->name, name).integers.at(0); }
double Node::real(const char* name) const { return needed(find(name), op->name, name).reals.at(0); }
const Shape& Node::list(const char* name) const { return needed(find(name), op->name, name).integers; }
const std::string& Node::text(const char* name) const { return needed(find(name), op->name, name).texts.at(0); }

std::string Inference::op_name() const { return op.name; }
Attribute* Inference::find(const char* name) const {
  for (auto& a : attributes)
    if (a.name == name) return &a;
  return nullptr;
}
int64_t Inference::integer(const char* name) const { return needed(find(name), op.name, name).integers.at(0); }
const Shape& Inference::list(const char* name) const { return needed(find(name), op.name, name).integers; }
void Inference::set(const char* name, int64_t value) {
  if (auto* a = find(name))
    a->integers = {value};
  else
    attributes.emplace_back(name, value);
}
void Inference::set(const char* name, Shape value) {
  if (auto* a = find(name))
    a->integers = std::move(value);
  else
    attributes.emplace_back(name, std::move(value));
}
const Shape& Inference::complete(const char* name, size_t length, int64_t fill) {
  auto* a = find(name);
  if (!a || a->integers.empty()) {
    set(name, Shape(length, fill));
  } else if (a->integers.size() != length) {
    refuse(name, " wants ", length, " numbers, got ", a->integers);
  }
  return list(name);
}
void Inference::want_real(size_t i) const {
  if (in.at(i) && !in[i]->hosted && type(i).dtype > DType::bfloat16)
    refuse("wants real numbers, got ", to_text(type(i)), "; cast it first");
}
void Inference::want_rank(size_t i, size_t least, const char* shape_text) const {
  if (shape(i).size() < least) refuse("operand ", i, " wants the shape ", shape_text, ", got ", shape(i));
}

Shape broadcast_shape(const Inference& in) {
  Shape out;
  for (auto* v : in.in) {
    if (!v) continue;
    const Shape& s = v->type.shape;
    if (out.size() < s.size()) out.insert(out.begin(), s.size() - out.size(), 1);
    for (size_t i = 0; i < s.size(); ++i) {
      auto& d = out[out.size() - s.size() + i];
      if (d != s[i] && d != 1 && s[i] != 1) in.refuse("shapes do not broadcast: ", out, " and ", s);
      d = std::max(d, s[i]);
    }
  }
  checked_elements(in, out);
  return out;
}
int64_t checked_axis(const Inference& in, int64_t axis, size_t rank) {
  const int64_t a = axis < 0 ? axis + int64_t(rank) : axis;
  if (a < 0 || a >= int64_t(rank)) in.refuse("axis ", axis, " is outside a shape of rank ", rank);
  return a;
}
Shape checked_axes(const Inference& in, Shape axes, size_t rank) {
  for (auto& a : axes) a = checked_axis(in, a, rank);
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) in.refuse("axes ", axes, " name one axis twice");
  return axes;
}
int64_t checked_elements(const Inference& in, const Shape& shape) {
  if (shape.size() > LAMINA_MAX_RANK) in.refuse("shape ", shape, " has more than ", LAMINA_MAX_RANK, " axes");
  int64_t n = 1;
  for (auto d : shape) {
    if (d < 1) in.refuse("shape ", shape, " has an axis of size ", d, "; every axis needs at least 1");
    if (__builtin_mul_overflow(n, d, &n) || n > INT64_MAX / 16) in.refuse("shape ", shape, " has more elements than can be counted");
  }
  return n;
}
Tensor unbroadcast(const Tensor& d, const Shape& to) {
  const Shape from = d.shape();
  if (from == to) return d;
  Shape axes;
  for (size_t a = 0; a < from.size(); ++a)
    if (a + to.size() < from.size() || to[a + to.size() - from.size()] != from[a]) axes.push_back(int64_t(a));
  const Tensor summed = axes.empty() ? d : sum(d, axes);
  return reshape(summed, to);
}

const std::vector<Op>& ops() {
  static const std::vector<Op> all = [] {
    std::vector<Op> list;
    for (auto part : {source_ops(), elementwise_ops(), shape_ops(), reduction_ops(), convolution_ops(), pool_ops(), composite_ops()})
      std::move(part.begin(), part.end(), std::back_inserter(list));
    return list;
  }();
  return all;
}
const Op* find_op(const std::string& name) {
  static const std::unordered_map<std::string, const Op*> index = [] {
    std::unordered_map<std::string, const Op*> map;
    for (auto& op : ops()) map.emplace(op.name, &op);
    return map;
  }();
  auto it = index.find(name);
  return it == index.end() ? nullptr : it->second;
}
const Op& op_named(const char* name) {
  if (auto* op = find_op(name)) return *op;
  throw Error(std::string("no op is called '") + name + "' in this version");
}

std::string to_text(const TensorType& type) { return std::string(name_of(type.dtype)) + " " + piece(type.shape); }

}  // namespace lamina::graph
