// Custom kernels: the GLSL body of a plugin's kernel between generated accessors, an invocation per work item. The body sees
//   in0(i), in1(i), …        element i of an input, row-major, float; outside the input 0
//   out0(i, v), …            writes element i of a result; outside the result nothing
//   c0, c1, …                the constants, in float
//   in0_count(), out0_count(), in0_rank(), in0_size(axis)   elements, axes, and the extent of an axis, 1 behind the last
// Everything that varies between two uses of a kernel stands in a table, so they share a pipeline.
//
// Where faults are reported, the accessors also count what lies outside, and results are filled with `untouched` before the kernel runs and
// searched for it afterwards. Of each tensor, inputs first, five words tell (zero for nothing): how often it was accessed outside, the
// lowest index there (complemented) and the highest, both with the sign turned so that they are ordered as unsigned; how many elements were
// never written, and the first of them (complemented).
#include "kernel.hpp"

#include <bit>
#include <cstring>

#include "compiler.hpp"
#include "items.hpp"

namespace lamina::vulkan {

namespace {

constexpr uint32_t fault_words = 5, sign = 0x80000000;
constexpr uint32_t untouched = 0x7fd1ab1e;  ///< a NaN that no arithmetic gives

/// Text and facts grow with the bindings: one per operand and result.
class KernelText {
 public:
  KernelText(const Op& op, bool report_faults) : op_(op), report_(report_faults) {
    text_ = "#include \"items.glsl\"\nlayout(push_constant) uniform Push { uint count; };\n";
    for (uint32_t i = 0; i < op.raw.constant_count; ++i) {
      text_ += describe("#define c", i, " uintBitsToFloat(facts[", i, "])\n");
      facts.push_back(std::bit_cast<uint32_t>(float(op.raw.constants[i])));
    }
    text_ += "layout(set = 0, binding = 0) readonly buffer Facts { uint facts[]; };\n";
    if (report_)
      text_ += describe("layout(set = 0, binding = ", 1 + op.in_count() + op.out_count(),
                        ") buffer Buffer_faults { uint all_faults[]; };\n"
                        "void all_outside(uint at, uint i) {\n"
                        "  atomicAdd(all_faults[at], 1);\n  atomicMax(all_faults[at + 1], ~(i ^ ",
                        sign, "u));\n  atomicMax(all_faults[at + 2], i ^ ", sign, "u);\n}\n");
    for (size_t i = 0; i < op.in_count(); ++i) tensor(describe("in", i), op.in(i), true);
    for (size_t i = 0; i < op.out_count(); ++i) tensor(describe("out", i), op.out(i), false);
  }
  /// Lines of the author's text are counted from 1, as those of source 1.
  std::string with(const char* body) const {
    return text_ + "#line 1 1\n" + body + "\n#line 1 2\nvoid main() {\n  if (item_number() < count) item(item_number());\n}\n";
  }
  Words facts;

 private:
  void tensor(const std::string& name, const Value& v, bool input) {
    expect_float32(op_, v);
    const size_t at = facts.size();
    facts.push_back(uint32_t(v.count())), facts.push_back(v.rank());
    for (size_t a = 0; a < LAMINA_MAX_RANK; ++a) facts.push_back(a < v.rank() ? uint32_t(v.shape[a]) : 1);
    text_ += describe("layout(set = 0, binding = ", ++bindings_, ") ", input ? "readonly" : "writeonly", " buffer Buffer_", name,
                      " { float all_", name, "[]; };\n");
    text_ += describe("uint ", name, "_count() { return facts[", at, "]; }\nuint ", name, "_rank() { return facts[", at + 1, "]; }\nuint ",
                      name, "_size(uint axis) { return axis < ", LAMINA_MAX_RANK, " ? facts[", at + 2, " + axis] : 1; }\n");
    const std::string outside = describe("all_outside(", (bindings_ - 1) * fault_words, ", i)");
    if (input && report_)
      text_ += describe("float ", name, "(uint i) { if (i < ", name, "_count()) return all_", name, "[i]; ", outside, "; return 0.0; }\n");
    else if (input)
      text_ += describe("float ", name, "(uint i) { return i < ", name, "_count() ? all_", name, "[i] : 0.0; }\n");
    else
      text_ += describe("void ", name, "(uint i, float v) { if (i < ", name, "_count()) all_", name, "[i] = v; ",
                        report_ ? "else " + outside + "; " : "", "}\n");
  }
  const Op& op_;
  const bool report_;
  std::string text_;
  int bindings_ = 0;
};

/// What is wrong with the author's text: the first message ("ERROR: 1:2: …") and the line it means.
std::string author_error(const std::string& message, const char* body) {
  const size_t at = message.find("ERROR: 1:");
  if (at == message.npos)  // it is the caller that does not fit
    return message.find("ERROR: 2:") == message.npos ? message : "it must define void item(uint i), and no main, with every brace closed";
  const size_t number = size_t(std::atoi(message.c_str() + at + 9)), text = message.find(": ", at + 9);
  for (size_t line = 1; line < number && (body = std::strchr(body, '\n')); ++line) ++body;
  std::string found = message.substr(text + 2, message.find('\n', text) - text - 2);
  found.erase(found.find_last_not_of(" \r") + 1);
  return describe("line ", number, ": ", found, "; in: ", body ? std::string(body, std::strcspn(body, "\n")) : "");
}

/// Fills the results, or looks for what is left of that.
void add_untouched(Lowering& l, const Op& op, const std::vector<Range>& results, const Range& faults, bool before) {
  for (size_t i = 0; i < results.size(); ++i) {
    if (before)
      l.add_fill(results[i], untouched);
    else
      add_items(l, op, {"unwritten.comp"}, {results[i], faults}, uint64_t(op.out(i).count()),
                {untouched, uint32_t((op.in_count() + i) * fault_words + 3)});
  }
}

}  // namespace

std::string kernel_faults(const Op& op, const uint32_t* words) {
  std::string text;
  const auto add = [&](const auto&... parts) { text += (text.empty() ? "" : "; ") + describe(parts...); };
  for (size_t t = 0; t < op.in_count() + op.out_count(); ++t, words += fault_words) {
    const bool input = t < op.in_count();
    const size_t number = input ? t : t - op.in_count();
    const Value& v = input ? op.in(number) : op.out(number);
    const std::string tensor = describe(input ? "in" : "out", number, " ", v.shape);
    const int64_t lowest = int32_t(~words[1] ^ sign), highest = int32_t(words[2] ^ sign);
    if (words[0])
      add(tensor, input ? " is read outside " : " is written outside ", words[0] == 1 ? "once" : describe(words[0], " times"),
          lowest == highest ? describe(", at index ", lowest) : describe(", at indices from ", lowest, " to ", highest),
          " (its elements are 0 to ", v.count() - 1, ")");
    if (words[3]) add(tensor, " is left unwritten in ", words[3], " of its ", v.count(), " elements, the first at index ", ~words[4]);
  }
  return text.empty() ? text : describe("the kernel '", op.kernel.name, "' of '", op.path, "': ", text);
}

void lower_kernel(Lowering& l, const Op& op) {
  const std::string name = op.kernel.name ? op.kernel.name : "";
  if (!op.kernel.glsl) op.fail("the kernel '", name, "' has no GLSL body; choose the backend its author wrote it for");
  expect_words(l, op);
  const bool report = l.limits.report_faults;
  const KernelText text(op, report);
  std::vector<Range> bindings = {l.table(text.facts)}, results;
  for (size_t i = 0; i < op.in_count(); ++i) bindings.push_back(l.range(l.operand(op, i, 0), op.in(i)));
  for (size_t i = 0; i < op.out_count(); ++i) results.push_back(l.range(l.result(op, i, 0), op.out(i)));
  bindings.insert(bindings.end(), results.begin(), results.end());
  const Shader shader{"kernel " + name, "", text.with(op.kernel.glsl)};
  if (l.compiling()) try {
      compiled(shader);
    } catch (const Error& e) {
      op.fail("the GLSL body of kernel '", name, "' does not compile: ", author_error(e.what(), op.kernel.glsl));
    }
  if (!report) return add_items(l, op, shader, std::move(bindings), uint64_t(op.raw.items), {});
  const Range faults = l.faults((op.in_count() + op.out_count()) * fault_words);
  bindings.push_back(faults);
  l.add_fill(faults);
  add_untouched(l, op, results, faults, true);
  add_items(l, op, shader, std::move(bindings), uint64_t(op.raw.items), {});
  add_untouched(l, op, results, faults, false);
}

}  // namespace lamina::vulkan
