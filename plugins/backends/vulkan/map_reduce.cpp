// Reductions of maps: every result is a column; its rows, the elements that it sums up, are dealt out to invocations by shape and limits
// alone, so that the same bits come out every time.
#include <algorithm>
#include <bit>

#include "map.hpp"

namespace lamina::vulkan {

std::string Fold::identity() const {
  const std::string type = Elements::register_of(dtype);
  if (reduce == LAMINA_SUM) return type + "(0)";
  const bool largest = reduce == LAMINA_MAX;
  if (dtype == DType::float32) return largest ? "Real(-INFINITY)" : "Real(INFINITY)";
  if (dtype == DType::int32) return largest ? "Whole(-0x7fffffff - 1)" : "Whole(0x7fffffff)";
  return largest ? "Word(0)" : "Word(0xffffffffu)";
}
std::string Fold::of(const std::string& a, const std::string& b) const {
  if (reduce == LAMINA_SUM) return a + " + " + b;
  return (reduce == LAMINA_MAX ? "maximum_of(" : "minimum_of(") + a + ", " + b + ")";
}
std::string Fold::over_lanes() const { return add(sum + ".yxwz") + add(sum + ".zwxy"); }
std::string Fold::over_workgroup(const std::string& part, const std::string& parts, const std::string& step) const {
  const auto share = [&](const std::string& at) { return Elements::from_bits(dtype, "shares[" + at + "]"); };
  return "shares[number] = " + Elements::to_bits(dtype, sum) + ";\nbarrier();\nfor (uint n = " + parts +
         "; n > 1;) {\nconst uint rest = (n + 1) / 2;\nif (" + part +
         " + rest < n) shares[number] = " + Elements::to_bits(dtype, of(share("number"), share("number + rest * " + step))) +
         ";\nn = rest;\nbarrier();\n}\n" + sum + " = " + share("number") + ";\nbarrier();\n";
}

std::string combined(Lowering& l, Kernel& kernel, const std::vector<Fold>& folds, const Shares& s, const std::string& store) {
  const bool lanes = l.limits.lanes;
  const std::string counts = kernel.array(l.table(Words(s.counters, 0)), "uint", Kernel::Use::share);
  std::string leave, start, take, close;
  for (const Fold& fold : folds) {
    const std::string partial = kernel.array(l.table(Words(s.rooms * 4, 0)), "uvec4", Kernel::Use::share) + "[" + s.room + "]";
    leave += partial + " = " + Elements::to_bits(fold.dtype, fold.sum) + ";\n";
    start += fold.sum + " = " + fold.identity() + ";\n", take += fold.add(Elements::from_bits(fold.dtype, partial));
    if (!lanes) close += fold.over_workgroup(s.part, s.parts, s.step);
  }
  leave = "const uint slot_ = " + s.slot + ";\n" + leave;
  const std::string before = "atomicAdd(" + counts + "[" + s.counter + "], 1)", reset = counts + "[" + s.counter + "] = 0;\n",
                    loop = "for (uint slot_ = " + (lanes ? "0" : s.part) + "; slot_ < " + s.slots +
                           "; slot_ += " + (lanes ? "1" : s.parts) + ") {\n" + take + "}\n",
                    settled = "memoryBarrierBuffer();\n";
  if (lanes)
    return "if (" + s.valid + ") {\n" + leave + settled + "if (" + before + " == " + s.slots + " - 1) {\n" + settled + start + loop +
           store + reset + "}\n}\n";
  const std::string first = "if (" + s.valid + " && " + s.part + " == 0) {\n";
  return first + leave + "}\n" + settled + "barrier();\nif (number == 0) last = " + before + " == " + s.slots +
         " - 1;\nbarrier();\nif (last) {\n" + settled + start + loop + close + first + store + "}\nif (number == 0) " + reset + "}\n";
}

namespace {

/// How columns and rows (in units of an invocation: four elements, or the same in all lanes) are dealt out. In turn t, an invocation of
/// part p in workgroup g of a column reads row (g · turns + t) · parts + p.
struct Deal {
  uint32_t columns = 1, parts = 1;         ///< of a workgroup
  uint64_t column_groups = 1, groups = 1;  ///< workgroups side by side, and along the rows
  uint64_t turns = 1;
  bool exact = false;  ///< every turn of every invocation has a row, and there are no workgroups beyond
};

Deal deal(const Limits& limits, uint64_t columns, uint64_t rows, bool columns_inside) {
  const auto up = [](uint64_t n, uint64_t by) { return (n + by - 1) / by; };
  constexpr uint64_t least = 16, most = 2048;  // turns: to be worth sharing, and to sum up accurately
  Deal d;
  if (limits.lanes) {
    const bool at_once = columns * rows <= 4096;
    const uint64_t size = lanes_size(limits);
    d.columns = uint32_t(columns < size ? columns : exact_turns(columns, size) * 2 > size ? exact_turns(columns, size) : size);
    d.parts = at_once ? 1 : uint32_t(std::clamp<uint64_t>(size / d.columns, 1, rows));
    const uint64_t units = up(rows, d.parts);
    d.column_groups = up(columns, d.columns);
    const uint64_t wanted = std::max<uint64_t>(uint64_t(limits.processors) * 4 / d.column_groups, 1),
                   turns = std::clamp<uint64_t>(units / wanted, std::min(least, units), most);
    d.turns = at_once ? units : exact_turns(units, turns);
    if (d.turns * 4 < turns) d.turns = turns;
    d.groups = up(units, d.turns);
  } else {
    const uint64_t size = std::bit_floor(std::min<uint32_t>(256, limits.invocations));
    if (columns_inside) {  // neighbours read neighbouring columns, else neighbouring rows
      d.columns = uint32_t(std::min<uint64_t>(columns, 32));
      d.parts = uint32_t(std::min(size / d.columns, rows));
    } else {
      d.parts = uint32_t(std::min(size, std::bit_ceil(rows)));
      d.columns = uint32_t(std::min(size / d.parts, columns));
    }
    const uint64_t units = up(rows, d.parts);
    d.column_groups = up(columns, d.columns);
    const uint64_t wanted = std::max<uint64_t>(uint64_t(limits.processors) * 4 / d.column_groups, 1);
    d.turns = std::clamp<uint64_t>(up(units, wanted), std::min(least, units), most);
    d.groups = up(units, d.turns);
  }
  d.exact = d.columns * d.column_groups == columns && d.parts * d.turns * d.groups == rows && d.column_groups * d.groups <= limits.groups;
  return d;
}

}  // namespace

void add_fold(Lowering& l, const Pass& pass) {
  const Nest& nest = pass.nest;
  const bool fours = lanes_of(nest) == Elements::Lanes::inner;
  const std::vector<size_t> folded = folded_loops(nest, pass.folded[0].view);
  std::vector<size_t> kept;
  uint64_t columns = 1, rows = 1;
  for (size_t i = 0; i < nest.sizes.size(); ++i) {
    const bool is_folded = std::find(folded.begin(), folded.end(), i) != folded.end();
    (is_folded ? rows : columns) *= uint64_t(nest.sizes[i]);
    if (!is_folded) kept.push_back(i);
  }
  const bool columns_inside = !kept.empty() && kept.back() + 1 == nest.sizes.size(), wide = fours && columns_inside;
  const uint64_t elements_of_rows = rows;
  if (wide)
    columns /= 4;
  else
    rows = (rows + 3) / 4;
  const Deal d = deal(l.limits, columns, rows, columns_inside);
  const bool tree = !l.limits.lanes && d.parts > 1;
  const uint64_t slots = d.groups * (tree ? 1 : d.parts);  // partial results of a column

  Kernel kernel;
  std::string& head = kernel.head;
  const std::string row_count = kernel.number(rows), column_count = kernel.number(columns), group_columns = kernel.number(d.columns),
                    parts = kernel.number(d.parts), column_groups = kernel.number(d.column_groups), turns = kernel.number(d.turns),
                    step = columns_inside ? group_columns : "1";
  head += "const uint number = gl_LocalInvocationID.x, group = group_number() / " + column_groups + ";\n";
  if (!d.exact) head += "if (group >= " + kernel.number(d.groups) + ") return;\n";
  head += columns_inside ? "const uint part = number / " + group_columns + ", side = number % " + group_columns + ";\n"
                         : "const uint part = number % " + parts + ", side = number / " + parts + ";\n";
  head += "const uint column = group_number() % " + column_groups + " * " + group_columns + " + side;\n";
  head += "const uint here = min(column, " + column_count + " - 1);\n";

  const std::vector<Tensor> tensors = bindable(l, pass.tensors, 1 + (slots > 1 ? pass.folded.size() + 1 : 0));
  Elements elements(kernel, nest, tensors, lanes_of(nest));
  elements.walk(false, "here", kept, false);
  if (fours) {
    elements.walk(true, "row", folded, false);
  } else {
    const std::string number = kernel.define(kernel.loop, "uvec4", "row * 4 + lane"), all = kernel.number(elements_of_rows);
    elements.inside = kernel.define(kernel.loop, "bvec4", "lessThan(" + number + ", uvec4(" + all + "))");
    elements.walk(true, "min(" + number + ", uvec4(" + all + " - 1))", folded, true);
  }
  const Pass::Value value = pass.body(kernel, elements);
  std::vector<std::string> values;
  for (const Pass::Result& r : pass.kept) values.push_back(value(r.from));
  std::string sums, blocks, close, tail, store;
  std::vector<Fold> folds;
  for (size_t j = 0; j < pass.folded.size(); ++j) {
    const Pass::Result& r = pass.folded[j];
    const DType dtype = pass.tensors[r.view].dtype;
    const Fold fold{r.reduce, dtype, describe("sum", j)}, block{r.reduce, dtype, describe("block", j)};
    const std::string next = value(r.from);
    sums += fold.define(), blocks += block.define(), close += fold.add(block.sum);
    kernel.loop += block.add(fours ? next : "mix(" + fold.identity() + ", " + next + ", " + elements.inside + ")");
    if (tree) tail += fold.over_workgroup("part", parts, step);
    if (!wide) tail += fold.over_lanes();
    folds.push_back(fold);
  }
  for (size_t i = 0; i < values.size(); ++i) elements.store(kernel.loop, pass.kept[i].view, values[i]);
  for (size_t j = 0; j < folds.size(); ++j) elements.store(store, pass.folded[j].view, folds[j].sum);
  if (pass.epilogue) store += text_of(l, kernel, *pass.epilogue, folds, wide);

  const std::string valid = "column < " + column_count;
  if (slots == 1) {
    tail += "if (" + valid + (tree ? " && part == 0) {\n" : ") {\n") + store + "}\n";
  } else {
    Shares shares{valid, "part", parts, step, "group", "", "slot_ * " + column_count + " + here", slots * columns, "", 0};
    shares.slots = kernel.number(slots);
    if (l.limits.lanes)
      shares.slot = "group * " + parts + " + part", shares.counter = "column", shares.counters = columns;
    else
      shares.counter = "group_number() % " + column_groups, shares.counters = d.column_groups;
    tail += combined(l, kernel, folds, shares, store);
  }

  const std::string guard = d.exact ? "{\n" : "if (column < " + column_count + " && row < " + row_count + ") {\n";
  const std::string main = "void main() {\n" + head + sums + "for (uint from = 0; from < " + turns +
                           "; from += 32) {  // sums of sums are more accurate\n" + blocks +
                           "for (uint turn = from; turn < min(from + 32, " + turns + "); ++turn) {\nconst uint row = (group * " + turns +
                           " + turn) * " + parts + " + part;\n" + guard + kernel.loop + "}\n}\n" + close + "}\n" + tail + "}\n";
  l.add(kernel.finish("map with sums", main, d.columns * d.parts, l.spread(d.column_groups * d.groups)));
}

}  // namespace lamina::vulkan
