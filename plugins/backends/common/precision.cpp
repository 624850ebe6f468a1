#include "precision.hpp"

#include <algorithm>

namespace lamina::backends {

namespace {

bool changes_state(const Op& op) {
  for (size_t i = 0; i < op.out_count(); ++i)
    if (op.has_out(i) && op.out(i).is(LAMINA_STATE)) return true;
  return false;
}

/// Numbers of a map's region, operands first, that are integers before or after a cast.
std::vector<char> whole_numbers(const Region& region, const Op& op, uint32_t segment) {
  const auto counts = [](DType t) { return t == DType::int32 || t == DType::uint32; };
  const auto type_of = [&](uint32_t number) {
    return number < region.operands ? op.in(segment * region.operands + number).dtype : region.instructions[number - region.operands].dtype;
  };
  std::vector<char> whole(region.operands + region.instructions.size(), 0);
  for (uint32_t i = 0; i < region.instructions.size(); ++i) {
    const Instruction& in = region.instructions[i];
    if (in.op != "cast") continue;
    if (counts(in.dtype)) whole[in.in[0]] = 1;
    if (counts(type_of(in.in[0]))) whole[region.operands + i] = 1;
  }
  return whole;
}

}  // namespace

std::vector<const Value*> narrow_values(const Program& program, const std::function<bool(const Value&)>& fits,
                                        const std::function<Reach(const Op&)>& reach_of) {
  std::vector<char> narrow(program.values.size(), 0);
  for (const Value& v : program.values) narrow[v.number] = v.is(LAMINA_TEMPORARY) && v.dtype == DType::float32 && fits(v);
  for (const auto& o : program.outputs) narrow[o.value] = 0;

  std::vector<std::vector<uint32_t>> together;
  for (const Op& op : program.ops) {
    const Reach reach = changes_state(op) ? Reach{} : reach_of(op);
    const bool map = op.name == "map";
    const uint32_t operands = map ? op.region.operands : 1, results = map ? uint32_t(op.region.results.size()) : 1;
    std::vector<std::vector<char>> whole;
    for (uint32_t s = 0; map && s < op.region.spaces.size(); ++s) whole.push_back(whole_numbers(op.region, op, s));
    std::vector<uint32_t> tied;
    const auto look = [&](const Value& v, bool reached) {
      if (!reached)
        narrow[v.number] = 0;
      else if (reach.together)
        tied.push_back(v.number);
    };
    for (uint32_t i = 0; i < op.in_count(); ++i)
      if (op.has_in(i)) look(op.in(i), (reach.operands >> std::min(i, 31u) & 1) && !(map && whole[i / operands][i % operands]));
    for (uint32_t i = 0; i < op.out_count(); ++i) {
      if (!op.has_out(i)) continue;
      const auto kept = [&](const Region::Result& r) {
        return r.reduce == LAMINA_KEEP && !whole[i / results][op.region.operands + r.from];
      };
      look(op.out(i), reach.result && (map ? kept(op.region.results[i % results]) : i == 0));
    }
    if (tied.size() > 1) together.push_back(std::move(tied));
  }
  // Chains settle after as many rounds as they are long.
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& tied : together) {
      const auto number = std::count_if(tied.begin(), tied.end(), [&](uint32_t v) { return narrow[v]; });
      if (number == 0 || size_t(number) == tied.size()) continue;
      for (uint32_t v : tied) narrow[v] = 0;
      changed = true;
    }
  }
  std::vector<const Value*> list;
  for (const Value& v : program.values)
    if (narrow[v.number]) list.push_back(&v);
  return list;
}

}  // namespace lamina::backends
