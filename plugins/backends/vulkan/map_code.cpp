#include "map_code.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace lamina::vulkan {

// Kernel

std::string Kernel::number(uint64_t value) {
  if (value > 0xffffffffu) throw Error(describe("a kernel counts ", value, "; it has 32 bits for that"));
  constexpr size_t most = 32;
  Words& list = push_.size() < most ? push_ : constants_;
  list.push_back(uint32_t(value));
  const std::string at = std::to_string(list.size() - 1);
  return &list == &push_ ? "p[" + at + "]" : "c" + at;
}

std::string Kernel::divisor(uint64_t by) {
  Words words;
  append_divisor(words, by);
  const std::string a = number(words[0]), b = number(words[1]), c = number(words[2]);
  return "Divisor(" + a + ", " + b + ", " + c + ")";
}

std::string Kernel::array(Range range, const std::string& element, Use use) {
  size_t i = 0;
  const auto same = [&] {
    const Range& r = bindings_[i];
    return r.space == range.space && r.entry == range.entry && r.offset == range.offset && arrays_[i].element == element;
  };
  while (i < bindings_.size() && !same()) ++i;
  if (i == bindings_.size()) bindings_.push_back(range), arrays_.push_back({element, false, false, false});
  bindings_[i].bytes = std::max(bindings_[i].bytes, range.bytes);
  arrays_[i].reads |= use != Use::write, arrays_[i].writes |= use != Use::read, arrays_[i].shared |= use == Use::share;
  return "b" + std::to_string(i);
}

std::string Kernel::define(std::string& text, const std::string& type, const std::string& value) {
  const std::string name = "v" + std::to_string(names_++);
  text += "const " + type + " " + name + " = " + value + ";\n";
  return name;
}

Dispatch Kernel::finish(const std::string& name, const std::string& main, uint32_t workgroup, std::array<uint32_t, 3> groups) const {
  std::string text = "#include \"map.glsl\"\n";
  if (storage != DType::float32) text = vulkan::define("NARROW", storage == DType::float16 ? 1 : 2) + text + "#include \"narrow.glsl\"\n";
  if (!push_.empty()) text += describe("layout(push_constant) uniform Numbers { uint p[", push_.size(), "]; };\n");
  for (size_t i = 0; i < constants_.size(); ++i) text += describe("layout(constant_id = ", i + 1, ") const uint c", i, " = 1;\n");
  for (size_t i = 0; i < arrays_.size(); ++i) {
    const Array& a = arrays_[i];
    text += describe("layout(binding = ", i, ") ",
                     a.shared    ? "coherent "
                     : !a.writes ? "readonly "
                     : a.reads   ? ""
                                 : "writeonly ",
                     "buffer Array", i, " { ", a.element, " b", i, "[]; };\n");
  }
  if (main.find("shares[") != main.npos) text += "shared uvec4 shares[256];\nshared bool last;\n";
  Dispatch d{{name, {}, text + main}, bindings_, {workgroup}, push_, groups};
  d.constants.insert(d.constants.end(), constants_.begin(), constants_.end());
  return d;
}

// Elements

namespace {
Place place_of(const Range& r) { return {r.space == Range::Space::state ? Place::Space::state : Place::Space::arena, r.entry, r.offset}; }
}  // namespace

Tensor tensor_of(const Lowering& l, Place place, const Value& v) {
  const DType dtype = stored_type(v), stored = l.stored(v);
  return {l.range(place, v), dtype, stored == v.dtype ? dtype : stored};
}

bool fit_bindings(const Lowering& l, const std::vector<Tensor>& tensors, size_t others) {
  std::set<Place> apart;
  for (const Tensor& t : tensors)
    if (t.range.bytes) apart.insert(place_of(t.range));
  return apart.size() + others <= l.limits.bindings;
}

std::vector<Tensor> bindable(const Lowering& l, std::vector<Tensor> tensors, size_t others) {
  if (fit_bindings(l, tensors, others)) return tensors;
  std::map<Place::Space, std::vector<std::pair<uint64_t, Tensor*>>> by_buffer;
  for (Tensor& t : tensors)
    if (t.range.bytes) by_buffer[place_of(t.range).space].push_back({l.address(place_of(t.range)), &t});
  for (auto& [space, list] : by_buffer) {
    std::sort(list.begin(), list.end());
    for (size_t first = 0, last; first < list.size(); first = last) {
      const uint64_t low = list[first].first;
      uint64_t high = low;
      for (last = first; last < list.size(); ++last) {
        const uint64_t end = list[last].first + (list[last].second->range.bytes + 15) / 16 * 16;
        if (last > first && end - low > l.limits.range) break;
        high = std::max(high, end);
      }
      for (size_t i = first; i < last; ++i) {
        list[i].second->begin = list[i].first - low;
        list[i].second->range = {space == Place::Space::state ? Range::Space::states : Range::Space::arena, 0, low, high - low};
      }
    }
  }
  return tensors;
}

namespace {

void add_summand(std::string& sum, const std::string& summand) { sum += sum.empty() ? summand : " + " + summand; }
bool is_name(const std::string& text) { return text.find_first_of(" [(.") == text.npos; }

}  // namespace

std::string Elements::register_of(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return "Real";
    case DType::int32:
      return "Whole";
    case DType::uint32:
    case DType::uint8:
      return "Word";
    case DType::boolean:
      return "Flag";
    default:
      return "";
  }
}
std::string Elements::from_bits(DType dtype, const std::string& bits) {
  if (dtype == DType::float32) return "uintBitsToFloat(" + bits + ")";
  if (dtype == DType::int32) return "Whole(" + bits + ")";
  return dtype == DType::boolean ? "notEqual(" + bits + ", Word(0))" : bits;
}
std::string Elements::to_bits(DType dtype, const std::string& value) {
  return (dtype == DType::float32 ? "floatBitsToUint(" : "Word(") + value + ")";
}

Elements::Elements(Kernel& kernel, const Nest& nest, const std::vector<Tensor>& tensors, Lanes lanes)
    : kernel_(kernel), nest_(nest), tensors_(tensors), lanes_(lanes), views_(tensors.size()) {
  for (uint32_t v = 0; v < views_.size(); ++v) {
    View& view = views_[v];
    view.access = Access::single;
    const Shape& s = nest.strides[v];
    if (lanes == Lanes::free || s.back() == 0) continue;
    const bool aligned = std::all_of(s.begin(), s.end() - 1, [](int64_t n) { return n % 4 == 0; });
    view.access = s.back() == 1 && aligned ? Access::quad : Access::steps;
  }
}

int64_t Elements::stride(uint32_t v, size_t loop) const {
  const int64_t s = nest_.strides[v][loop];
  const bool innermost = lanes_ == Lanes::inner && loop + 1 == nest_.sizes.size();
  if (views_[v].access == Access::quad) return innermost ? 1 : s / 4;
  return innermost ? 4 * s : s;
}

void Elements::flat(const std::string& quad) {
  for (uint32_t v = 0; v < views_.size(); ++v) {
    if (nest_.count == 1 || !nest_.is_flat(v)) continue;
    views_[v].access = Access::quad, views_[v].is_flat = true, views_[v].loop = quad;
  }
}

void Elements::put(uint32_t v, bool one, const std::string& offset, bool in_loop) {
  views_[v].access = one ? Access::single : Access::quad;
  (in_loop ? views_[v].loop : views_[v].head) = offset;
}

void Elements::walk(bool in_loop, const std::string& index, const std::vector<size_t>& loops, bool vector) {
  std::string& text = in_loop ? kernel_.loop : kernel_.head;
  size_t first = loops.size();  // loops that move nothing and are outside of all that do need no digit
  for (size_t i = loops.size(); i-- > 0;)
    for (uint32_t v = 0; v < views_.size(); ++v)
      if (!views_[v].is_flat && nest_.strides[v][loops[i]]) first = i;
  if (first == loops.size()) return;

  const std::string type = vector ? "uvec4" : "uint";
  std::string rest = index;
  if (loops.size() > 1) {
    rest = "rest" + std::to_string(walks_++);
    text += type + " " + rest + " = " + index + ";\n";
  }
  for (size_t i = loops.size(); i-- > first;) {
    const bool fours = lanes_ == Lanes::inner && loops[i] + 1 == nest_.sizes.size();
    const std::string digit =
        i == 0 ? rest
               : kernel_.define(text, type,
                                "take_digit(" + rest + ", " + kernel_.divisor(uint64_t(nest_.sizes[loops[i]]) / (fours ? 4 : 1)) + ")");
    for (uint32_t v = 0; v < views_.size(); ++v) {
      if (views_[v].is_flat || !nest_.strides[v][loops[i]]) continue;
      if (vector) views_[v].access = Access::lanes;
      const auto step = uint64_t(stride(v, loops[i]));
      add_summand(in_loop ? views_[v].loop : views_[v].head, step == 1 ? digit : digit + " * " + kernel_.number(step));
    }
  }
}

std::string Elements::array(uint32_t v, Kernel::Use use) {
  const bool quad = views_[v].access == Access::quad;
  const size_t bytes = size_of(tensors_[v].stored);
  Range range = tensors_[v].range;
  if (quad) range.bytes = (range.bytes + 15) / 16 * 16;  // behind a value there is room up to its alignment
  if (bytes == 2) kernel_.storage = tensors_[v].stored;
  return kernel_.array(range, !quad || bytes == 1 ? "uint" : bytes == 2 ? "uvec2" : "uvec4", use);
}

std::string Elements::offset(uint32_t v, std::string& text) {
  View& view = views_[v];
  if (!view.offset.empty()) return view.offset;
  std::string sum = view.head;
  if (!view.loop.empty()) add_summand(sum, view.loop);
  const Tensor& tensor = tensors_[v];
  if (tensor.begin) add_summand(sum, kernel_.number(tensor.begin / (size_of(tensor.stored) * (view.access == Access::quad ? 4 : 1))));
  if (sum.empty()) sum = "0u";
  if (view.access == Access::steps && view.step.empty()) view.step = kernel_.number(uint64_t(nest_.strides[v].back()));
  return view.offset = is_name(sum) ? sum : kernel_.define(text, view.access == Access::lanes ? "uvec4" : "uint", sum);
}

std::array<std::string, 4> Elements::apart(uint32_t v, const std::string& offset) const {
  if (views_[v].access == Access::lanes) return {offset + ".x", offset + ".y", offset + ".z", offset + ".w"};
  const std::string& step = views_[v].step;
  return {offset, offset + " + " + step, offset + " + 2 * " + step, offset + " + 3 * " + step};
}

std::string Elements::coordinates(uint32_t v) {
  const std::string at = offset(v, in_head(v) ? kernel_.head : kernel_.loop);
  switch (views_[v].access) {
    case Access::quad:
      return "(" + at + " * 4 + lane)";
    case Access::steps:
      return "(" + at + " + lane * " + views_[v].step + ")";
    default:
      return "uvec4(" + at + ")";
  }
}

std::string Elements::load(uint32_t v) {
  View& view = views_[v];
  if (!view.loaded.empty()) return view.loaded;
  std::string& text = in_head(v) ? kernel_.head : kernel_.loop;
  const Tensor& tensor = tensors_[v];
  const std::string from = array(v, Kernel::Use::read), at = offset(v, text);
  const auto element = [&](const std::string& o) {
    const size_t bytes = size_of(tensor.stored);
    if (bytes == 4) return from + "[" + o + "]";
    return bytes == 1 ? "byte_of(" + from + "[(" + o + ") / 4], " + o + ")" : "widened_bits(" + from + "[(" + o + ") / 2], " + o + ")";
  };
  std::string bits;
  if (view.access == Access::quad) {
    bits = from + "[" + at + "]";
    if (size_of(tensor.stored) == 1) bits = "unpack(" + bits + ")";
    if (size_of(tensor.stored) == 2) bits = "floatBitsToUint(widened(" + bits + "))";
  } else if (view.access == Access::single) {
    bits = "uvec4(" + element(at) + ")";
  } else {
    const auto o = apart(v, at);
    bits = "uvec4(" + element(o[0]) + ", " + element(o[1]) + ", " + element(o[2]) + ", " + element(o[3]) + ")";
  }
  return view.loaded = kernel_.define(text, register_of(tensor.dtype), from_bits(tensor.dtype, bits));
}

void Elements::store(std::string& text, uint32_t v, const std::string& value) {
  const View& view = views_[v];
  const DType dtype = tensors_[v].dtype;
  const std::string to = array(v, Kernel::Use::write), at = offset(v, text);
  if (shares_words(tensors_[v])) {  // the host sees to it that they are whole words
    text += to + "[" + at + (view.access == Access::quad ? "" : " / 4") +
            "] = " + (is_bytes(dtype) ? "pack(" + to_bits(dtype, value) : "narrowed(" + value) + ");\n";
    return;
  }
  if (view.access == Access::quad) {
    text += to + "[" + at + "] = " + to_bits(dtype, value) + ";\n";
    return;
  }
  const std::string bits = kernel_.define(text, "uvec4", to_bits(dtype, value));
  if (view.access == Access::single) {
    text += to + "[" + at + "] = " + bits + ".x;\n";
    return;
  }
  const auto o = apart(v, at);
  for (size_t k = 0; k < 4; ++k) {
    const std::string part = std::string(1, "xyzw"[k]);
    if (!inside.empty()) text += "if (" + inside + "." + part + ") ";
    text += to + "[" + o[k] + "] = " + bits + "." + part + ";\n";
  }
}

// Values

namespace {

/// The expression of each op; $0, $1 and $2 are its operands. What has a name is a function of functions.glsl, for all types it takes.
const std::map<std::string, std::string, std::less<>>& expressions() {
  static const std::map<std::string, std::string, std::less<>> all = {
      {"add", "$0 + $1"},
      {"subtract", "$0 - $1"},
      {"multiply", "$0 * $1"},
      {"divide", "quotient_of($0, $1)"},
      {"minimum", "minimum_of($0, $1)"},
      {"maximum", "maximum_of($0, $1)"},
      {"pow", "pow_of($0, $1)"},
      {"equal", "equal($0, $1)"},
      {"not_equal", "not(equal($0, $1))"},
      {"less", "lessThan($0, $1)"},
      {"less_equal", "lessThanEqual($0, $1)"},
      {"greater", "greaterThan($0, $1)"},
      {"greater_equal", "greaterThanEqual($0, $1)"},
      {"logical_and", "both($0, $1)"},
      {"logical_or", "either($0, $1)"},
      {"logical_not", "not($0)"},
      {"select", "mix($2, $1, $0)"},
      {"negate", "-$0"},
      {"abs", "abs_of($0)"},
      {"sign", "sign_of($0)"},
      {"floor", "floor_of($0)"},
      {"exp", "exp_of($0)"},
      {"expm1", "expm1_of($0)"},
      {"log", "log_of($0)"},
      {"log1p", "log1p_of($0)"},
      {"sqrt", "sqrt($0)"},
      {"rsqrt", "rsqrt_of($0)"},
      {"tanh", "tanh_of($0)"},
      {"sigmoid", "sigmoid_of($0)"},
      {"softplus", "softplus_of($0)"},
      {"erf", "erf_of($0)"},
      {"sin", "sin_of($0)"},
      {"cos", "cos_of($0)"},
  };
  return all;
}

std::string filled(const std::string& pattern, const std::vector<std::string>& operands) {
  std::string text;
  for (size_t i = 0; i < pattern.size(); ++i)
    if (pattern[i] == '$')
      text += operands.at(size_t(pattern[++i] - '0'));
    else
      text += pattern[i];
  return text;
}

/// A cast as the op list defines it.
std::string converted(DType from, DType to, const std::string& x) {
  const bool real = from == DType::float32;
  switch (to) {
    case DType::float32:
      return "Real(" + x + ")";
    case DType::int32:
      return (real ? "to_whole(" : "Whole(") + x + ")";
    case DType::uint32:
      return (real ? "to_word(" : "Word(") + x + ")";
    case DType::uint8:
      return real ? "to_byte(" + x + ")" : "(Word(" + x + ") & 255u)";
    default:
      return from == DType::boolean ? x : "not(equal(" + x + ", " + Elements::register_of(from) + "(0)))";
  }
}

}  // namespace

Values::Values(Lowering& l, Kernel& kernel, Elements& elements, const Segment& segment, uint32_t position_view)
    : l_(l),
      kernel_(kernel),
      elements_(elements),
      segment_(segment),
      position_view_(position_view),
      known_(segment.op->region.operands + segment.op->region.instructions.size()) {}

const Value& Values::operand(uint32_t number) const { return segment_.op->in(segment_.number * segment_.op->region.operands + number); }
bool Values::is_scalar(uint32_t number) const { return number < segment_.op->region.operands && operand(number).is(LAMINA_SCALAR); }
DType Values::type_of(uint32_t number) const {
  const Region& region = segment_.op->region;
  return number < region.operands ? stored_type(operand(number)) : region.instructions[number - region.operands].dtype;
}

std::string Values::scalar(uint32_t number, DType wanted) {
  const std::string table = kernel_.array(l_.step_table(), "uint", Kernel::Use::read);
  const std::string word = table + "[" + kernel_.number(l_.scalar_word(operand(number), wanted)) + "]";
  return kernel_.define(kernel_.head, Elements::register_of(wanted), Elements::from_bits(wanted, "uvec4(" + word + ")"));
}

/// `wanted`: the type in which a scalar is read.
std::string Values::of(uint32_t number, DType wanted) {
  const Region& region = segment_.op->region;
  if (is_scalar(number)) return scalar(number, wanted);
  std::string& value = known_[number];
  if (value.empty())
    value = number < region.operands ? elements_.load(uint32_t(segment_.operand_view[number]))
                                     : compute(region.instructions[number - region.operands], number - region.operands);
  return value;
}

std::string Values::compute(const Instruction& i, uint32_t number) {
  const Op& op = *segment_.op;
  const std::string type = Elements::register_of(i.dtype);
  if (type.empty())
    op.fail("the instruction '", i.op, "' gives ", name_of(i.dtype),
            "; the backend 'vulkan' computes in float32, int32, uint32, uint8 and bool");
  const auto named = [&](const std::string& value) { return kernel_.define(kernel_.loop, type, value); };
  if (i.op == "constant")
    return kernel_.define(kernel_.head, type,
                          Elements::from_bits(i.dtype, describe("uvec4(", word_of(i.attributes.real("value"), i.dtype), "u)")));
  if (i.op == "iota") return named(converted(DType::uint32, i.dtype, elements_.coordinates(uint32_t(segment_.iota_view[number]))));
  if (i.op == "random_bits") {
    const std::string table = kernel_.array(l_.step_table(), "uint", Kernel::Use::read);
    const std::string at = kernel_.number(l_.stream_words(uint64_t(i.attributes.integer("key"))));
    const std::string stream =
        kernel_.define(kernel_.head, "uvec4", filled("uvec4($0[$1], $0[$1 + 1], $0[$1 + 2], $0[$1 + 3])", {table, at}));
    if (!kernel_.blocks.empty())
      return named("word_of(" + kernel_.define(kernel_.turn, "Blocks", "random_blocks(" + kernel_.blocks + ", " + stream + ")") +
                   ", word)");
    return named("random_words(" + elements_.coordinates(position_view_) + ", " + stream + ")");
  }
  if (i.in.empty()) op.fail("the instruction '", i.op, "' has no operand");
  if (i.op == "cast" || i.op == "broadcast" || i.op == "stop_gradient") {
    const std::string x = of(i.in[0], i.dtype);  // a scalar is cast by the host
    const DType from = is_scalar(i.in[0]) ? i.dtype : type_of(i.in[0]);
    return from == i.dtype ? x : named(converted(from, i.dtype, x));
  }

  const bool compares = i.op == "equal" || i.op == "not_equal" || i.op.starts_with("less") || i.op.starts_with("greater");
  DType computed = i.dtype;
  if (compares) {
    computed = DType::float32;
    for (uint32_t k : i.in)
      if (!is_scalar(k)) computed = type_of(k);
  }
  std::vector<std::string> in;
  for (size_t k = 0; k < i.in.size(); ++k) {
    in.push_back(of(i.in[k], i.op == "select" && k == 0 ? DType::boolean : computed));
    if (compares && computed == DType::boolean) in.back() = "Word(" + in.back() + ")";
  }
  if (i.op == "shift_right") return named(describe(in[0], " >> ", i.attributes.integer("bits"), "u"));
  const auto found = expressions().find(i.op);
  if (found == expressions().end()) op.fail("the backend 'vulkan' does not know the instruction '", i.op, "'");
  const auto operands = size_t(std::count(found->second.begin(), found->second.end(), '$'));
  if (in.size() != operands) op.fail("the instruction '", i.op, "' takes ", operands, " operands, not ", in.size());
  const std::string value = filled(found->second, in);
  return named(i.dtype == DType::uint8 && !compares && i.op != "select" ? "(" + value + ") & 255u" : value);
}

}  // namespace lamina::vulkan
