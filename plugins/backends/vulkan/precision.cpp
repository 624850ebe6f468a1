#include "precision.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "pool.hpp"

namespace lamina::vulkan {

namespace {

constexpr int64_t least_elements = 1024;  ///< below, nothing is gained

/// Which operands of an op may be narrow, as bits; results: the first, if `result`.
struct Reach {
  uint32_t operands;
  bool result;
};
const std::map<std::string, Reach, std::less<>>& reaches() {
  static const std::map<std::string, Reach, std::less<>> all = {
      {"conv", {1, true}},
      {"conv_backward_data", {1, true}},
      {"conv_backward_weights", {3, false}},
      {"matmul", {3, true}},
      {"max_pool", {1, true}},
      {"max_unpool", {1, true}},
      {"average_pool", {1, true}},
      {"average_pool_backward", {1, true}},
      {"reshape", {1, true}},
      {"map", {~0u, true}},
  };
  return all;
}

/// Without its pool an unpool adds element by element.
bool is_scattered(const backends::Planning& planning, const Op& op) {
  return op.name == "max_unpool" && !pool_of(planning, op.in(1), op.out(0).shape);
}

bool changes_state(const Op& op) {
  for (size_t i = 0; i < op.out_count(); ++i)
    if (op.has_out(i) && op.out(i).is(LAMINA_STATE)) return true;
  return false;
}

}  // namespace

std::vector<const Value*> narrow_values(const backends::Planning& planning, const Program& program) {
  std::vector<char> narrow(program.values.size(), 0);
  for (const Value& v : program.values)
    narrow[v.number] =
        v.is(LAMINA_TEMPORARY) && v.dtype == DType::float32 && v.rank() >= 2 && v.size(1) % 4 == 0 && v.count() >= least_elements;
  for (const auto& o : program.outputs) narrow[o.value] = 0;
  for (const Op& op : program.ops) {
    const auto found = reaches().find(op.name);
    const Reach reach = found == reaches().end() || changes_state(op) || is_scattered(planning, op) ? Reach{0, false} : found->second;
    const bool map = op.name == "map";
    for (uint32_t i = 0; i < op.in_count(); ++i)
      if (op.has_in(i) && !(reach.operands >> std::min(i, 31u) & 1)) narrow[op.in(i).number] = 0;
    for (uint32_t i = 0; i < op.out_count(); ++i) {
      if (!op.has_out(i)) continue;
      const bool kept = !map || op.region.results[i % op.region.results.size()].reduce == LAMINA_KEEP;
      if (!reach.result || !kept || (i > 0 && !map)) narrow[op.out(i).number] = 0;
    }
  }
  // A reshape is a view: both sides or none. Chains settle after as many rounds as they are long.
  for (bool changed = true; changed;) {
    changed = false;
    for (const Op& op : program.ops) {
      if (op.name != "reshape") continue;
      char &from = narrow[op.in(0).number], &to = narrow[op.out(0).number];
      if (from != to) from = to = 0, changed = true;
    }
  }
  std::vector<const Value*> list;
  for (const Value& v : program.values)
    if (narrow[v.number]) list.push_back(&v);
  return list;
}

}  // namespace lamina::vulkan
