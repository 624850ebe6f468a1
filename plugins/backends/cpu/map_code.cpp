#include "map_code.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

namespace lamina::cpu {

Stored stored_as(DType dtype) {
  switch (dtype) {
    case DType::float64:
      return Stored::real64;
    case DType::float16:
      return Stored::half;
    case DType::bfloat16:
      return Stored::brain;
    case DType::uint8:
      return Stored::byte;
    case DType::boolean:
      return Stored::boolean;
    default:
      return Stored::word;
  }
}

uint32_t register_bits(double v, DType dtype) {
  const auto integer = [&](double low, double high) { return int64_t(v != v ? 0.0 : std::clamp(std::trunc(v), low, high)); };
  switch (dtype) {
    case DType::int32:
      return uint32_t(int32_t(integer(-2147483648.0, 2147483647.0)));
    case DType::uint32:
      return uint32_t(integer(0.0, 4294967295.0));
    case DType::uint8:
      return uint32_t(integer(0.0, 255.0));
    case DType::boolean:
      return v != 0;
    default: {
      const float f = float(v);
      uint32_t bits;
      std::memcpy(&bits, &f, sizeof bits);
      return bits;
    }
  }
}

uint64_t Body::workspace_bytes() const {
  const uint64_t pointers = (slots * sizeof(void*) + 63) / 64 * 64;
  return pointers + uint64_t(registers) * (uint64_t(tile) * 4 + 64);
}

namespace {

char class_of(DType t) { return is_real(t) ? 'f' : t == DType::int32 ? 'i' : 'u'; }

const MapEntry* find_entry(const std::string& name) {
  const KernelTable& table = kernels();
  for (size_t i = 0; i < table.entry_count; ++i)
    if (name == table.entries[i].name) return &table.entries[i];
  return nullptr;
}

class Assembler {
 public:
  Assembler(const Segment& s, int threads) : s_(s), threads_(threads), op_(*s.op), region_(s.op->region) {
    body_.nest = s.nest, body_.places = s.places;
    choose_tile();
  }

  Body run() {
    values_.resize(region_.operands + region_.instructions.size());
    for (uint32_t i = 0; i < region_.instructions.size(); ++i) instruction(i);
    // What results read straight from an operand's bytes is copied first where a result takes these bytes.
    kept_.resize(region_.results.size());
    for (uint32_t j = 0; j < region_.results.size(); ++j) kept_[j] = source_of_result(j);
    for (uint32_t j = 0; j < region_.results.size(); ++j)
      if (region_.results[j].reduce != LAMINA_KEEP) reduce(j);
    for (uint32_t j = 0; j < region_.results.size(); ++j)
      if (region_.results[j].reduce == LAMINA_KEEP) keep(j);
    allocate();
    return std::move(body_);
  }

 private:
  /// A number of the region: a cell, or a virtual register that some code writes.
  struct Number {
    bool known = false, uniform = false;
    DType dtype{};
    int id = -1;  ///< cells and virtual registers share one numbering; ids become slots in allocate
  };
  struct Virtual {
    bool uniform = false;
    int last_use = -1, written = -1;  ///< positions in codes; −1: before all
    int fixed_slot = -1;              ///< an advancing slot, no register needed
    bool whole_run = false;           ///< filled once: never shared
  };

  void choose_tile() {
    const Nest& n = s_.nest;
    for (size_t v = 0; v < n.strides.size(); ++v) {
      const int64_t p = is_flat(v) ? 0 : n.period(v);
      body_.period = std::max(body_.period, p);
    }
    body_.tile = 1024;
    if (body_.period && body_.period <= body_.tile) body_.tile = body_.tile / body_.period * body_.period;
    body_.granule = body_.tile;
  }
  bool is_flat(size_t view) const { return s_.nest.count == 1 || s_.nest.is_flat(view); }
  /// The view repeats with a period that the tiles respect.
  bool is_cyclic(size_t view, bool& short_period) const {
    const int64_t p = s_.nest.period(view);
    if (!p) return false;
    short_period = body_.period <= body_.tile;
    return short_period ? body_.period % p == 0 : p == body_.period;
  }

  int fresh(bool uniform) {
    virtuals_.push_back({});
    virtuals_.back().uniform = uniform;
    return int(virtuals_.size()) - 1;
  }
  int cell(Cell c) {
    const int id = fresh(true);
    cell_ids_.push_back(id);
    body_.cells.push_back(c);
    return id;
  }
  int advance(uint32_t view, bool cyclic) {
    const int id = fresh(false);
    advance_ids_.push_back(id);
    body_.advances.push_back({0, view, cyclic});
    virtuals_[size_t(id)].fixed_slot = 0;
    return id;
  }
  void emit(Code c, int d, int a = -1, int b = -1, int z = -1) { pending_.push_back({c, d, a, b, z}); }

  /// The tensor behind a view as a number of the region.
  Number load(uint32_t view, DType dtype) {
    Number n{true, false, dtype, -1};
    const Stored stored = stored_as(s_.stored[view]);
    bool short_period = false;
    if (s_.nest.is_single(view)) {
      n.uniform = true;
      n.id = cell({0, Cell::From::memory, 0, 0, s_.stored[view], view});
    } else if (is_flat(view) && stored == Stored::word) {
      n.id = advance(view, false);
    } else if (is_flat(view)) {
      n.id = fresh(false);
      Code c{Code::Kind::load};
      c.stored = stored, c.view = view;
      emit(c, n.id);
    } else if (is_cyclic(view, short_period) && (short_period || stored == Stored::word)) {
      if (short_period) {
        n.id = fresh(false);
        virtuals_[size_t(n.id)].whole_run = true;
        filled_ids_.push_back({n.id, -1});
        body_.filled.push_back({0, true, 0, view, stored});
      } else {
        n.id = advance(view, true);
      }
    } else {
      n.id = fresh(false);
      Code c{Code::Kind::load_strided};
      c.stored = stored, c.view = view;
      emit(c, n.id);
      body_.weight += 1;
    }
    return n;
  }

  /// Operand or earlier result; scalars become cells of the wanted type.
  Number number(uint32_t index, DType wanted) {
    if (index < region_.operands) {
      const Value& v = op_.in(s_.number * region_.operands + index);
      if (v.is(LAMINA_SCALAR)) return {true, true, wanted, cell({0, Cell::From::scalar, 0, v.raw.index, wanted, 0})};
      if (!values_[index].known) values_[index] = load(uint32_t(s_.operand_view[index]), v.dtype);
    }
    return values_[index];
  }
  bool is_scalar(uint32_t index) const {
    return index < region_.operands && op_.in(s_.number * region_.operands + index).is(LAMINA_SCALAR);
  }
  DType dtype_of(uint32_t index) const {
    return index < region_.operands ? op_.in(s_.number * region_.operands + index).dtype
                                    : region_.instructions[index - region_.operands].dtype;
  }

  /// A register with the cell's element everywhere.
  int spread(const Number& n) {
    if (!n.uniform) return n.id;
    const int id = fresh(false);
    virtuals_[size_t(id)].whole_run = true;
    filled_ids_.push_back({id, n.id});
    body_.filled.push_back({0, false, 0, 0, Stored::word});
    return id;
  }

  void call(Number& to, const std::string& kernel, std::vector<Number> in) {
    const MapEntry* entry = find_entry(kernel);
    if (!entry) op_.fail("the backend 'cpu' has no inner loop '", kernel, "'");
    to.known = true;
    to.uniform = std::all_of(in.begin(), in.end(), [](const Number& n) { return n.uniform; });
    Code c{Code::Kind::call};
    size_t variant = 0;
    if (!to.uniform) {
      const bool is_select = in.size() == 3;
      if (is_select && in[0].uniform) in[0] = {true, false, in[0].dtype, spread(in[0])};
      if (is_select)
        variant = (in[1].uniform ? 1u : 0u) + (in[2].uniform ? 2u : 0u);
      else if (in.size() == 2)
        variant = in[0].uniform ? 1 : in[1].uniform ? 2 : 0;
    }
    c.kernel = entry->variants[variant];
    to.id = fresh(to.uniform);
    const int a = in[0].id, b = in.size() > 1 ? in[1].id : -1, z = in.size() > 2 ? in[2].id : -1;
    if (to.uniform) {
      uniform_.push_back({c, to.id, a, b, z});
    } else {
      emit(c, to.id, a, b, z);
      static const char* const heavy[] = {"exp", "log", "tanh", "sigmoid", "softplus", "erf", "sin", "cos", "pow"};
      body_.weight += std::any_of(std::begin(heavy), std::end(heavy), [&](const char* h) { return kernel.rfind(h, 0) == 0; }) ? 6 : 1;
    }
  }

  void instruction(uint32_t i) {
    const Instruction& in = region_.instructions[i];
    Number& to = values_[region_.operands + i];
    to.dtype = in.dtype;
    const std::string& op = in.op;
    if (op == "constant") {
      to = {true, true, in.dtype, cell({0, Cell::From::constant, register_bits(in.attributes.real("value"), in.dtype), 0, in.dtype, 0})};
      return;
    }
    if (op == "iota") {
      to = load(uint32_t(s_.iota_view[i]), DType::uint32);  // its table holds register bits of the wanted type
      to.dtype = in.dtype;
      return;
    }
    if (op == "random_bits") {
      to = {true, false, in.dtype, fresh(false)};
      Code c{Code::Kind::random};
      c.key = uint64_t(in.attributes.integer("key"));
      emit(c, to.id);
      body_.weight += 4;
      return;
    }
    if (in.in.empty()) op_.fail("the instruction '", op, "' has no operand");
    if (op == "cast" || op == "broadcast" || op == "stop_gradient") return cast(to, in);

    static const std::vector<std::string> comparisons = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"};
    const bool compares = std::find(comparisons.begin(), comparisons.end(), op) != comparisons.end();
    DType type = in.dtype;
    if (compares) {
      type = DType::float32;
      for (uint32_t k : in.in)
        if (!is_scalar(k)) type = dtype_of(k);
    }
    std::vector<Number> operands;
    for (size_t k = 0; k < in.in.size(); ++k) operands.push_back(number(in.in[k], op == "select" && k == 0 ? DType::boolean : type));
    const char c = class_of(type);
    const std::string suffix = std::string("_") + c;
    if (op == "select") return call(to, "select", operands);
    if (op == "logical_and" || op == "logical_or") return call(to, op == "logical_and" ? "and_u" : "or_u", operands);
    if (op == "logical_not") return call(to, "not_u", operands);
    if (op == "shift_right") {
      operands.push_back({true, true, in.dtype, cell({0, Cell::From::constant, uint32_t(in.attributes.integer("bits")), 0, in.dtype, 0})});
      return call(to, "shift_right_u", operands);
    }
    if (op == "floor" && c != 'f') return call(to, "identity", operands);
    if (op == "abs" && c == 'u') return call(to, "identity", operands);
    const bool either =
        c != 'f' && (op == "add" || op == "subtract" || op == "multiply" || op == "negate" || op == "equal" || op == "not_equal");
    call(to, either ? op + "_i" : op + suffix, operands);  // the bits are the same for both kinds of integers
    if (type == DType::uint8 && !compares) call(to, "word_to_byte", {to});
    to.dtype = in.dtype;
  }

  void cast(Number& to, const Instruction& in) {
    const DType wanted = in.dtype;
    const Number from = number(in.in[0], wanted);  // a scalar is converted straight from double
    const char a = class_of(from.dtype), b = class_of(wanted);
    const char* kernel = "identity";
    if (from.dtype == wanted)
      kernel = "identity";
    else if (wanted == DType::boolean)
      kernel = a == 'f' ? "float_to_bool" : "word_to_bool";
    else if (wanted == DType::uint8)
      kernel = a == 'f' ? "float_to_byte" : "word_to_byte";
    else if (b == 'f')
      kernel = a == 'f' ? "identity" : a == 'i' ? "int_to_float" : "uint_to_float";
    else if (a == 'f')
      kernel = b == 'i' ? "float_to_int" : "float_to_uint";
    const bool rounds = size_of(wanted) == 2 && size_of(from.dtype) != 2;
    if (std::strcmp(kernel, "identity") == 0 && !rounds) {
      to = from, to.dtype = wanted;
      return;
    }
    call(to, kernel, {from});
    to.dtype = wanted;
  }

  Number source_of_result(uint32_t j) {
    Number n = values_[region_.operands + region_.results[j].from];
    if (s_.nest.count > 1) n.id = spread(n), n.uniform = false;
    for (size_t k = 0; k < advance_ids_.size(); ++k)
      if (advance_ids_[k] == n.id && (region_.results[j].reduce == LAMINA_KEEP || is_written(s_.places[body_.advances[k].view]))) {
        Number copy;
        call(copy, "identity", {n});
        copy.dtype = n.dtype;
        return copy;
      }
    return n;
  }
  bool is_written(const Place& p) const {
    return std::any_of(s_.result_view.begin(), s_.result_view.end(), [&](int v) { return s_.places[size_t(v)] == p; });
  }
  const Value& result_value(uint32_t j) const { return op_.out(s_.number * region_.results.size() + j); }

  void reduce(uint32_t j) {
    const uint32_t view = uint32_t(s_.result_view[j]);
    Reduction r{};
    r.kind = region_.results[j].reduce, r.view = view, r.type = class_of(kept_[j].dtype), r.dtype = s_.stored[view];
    r.elements = result_value(j).count(), r.result = s_.places[view];
    bool short_period = false;
    if (s_.nest.is_single(view))
      r.gather = Gather::all;
    else if (!is_flat(view) && is_cyclic(view, short_period))
      r.gather = short_period ? Gather::lanes : Gather::cycle;
    else
      r.gather = Gather::rows;
    r.sums = r.gather == Gather::all ? 1 : r.gather == Gather::lanes ? body_.tile : r.elements;
    r.sums = (r.sums + 7) / 8 * 8;
    reduction_ids_.push_back(kept_[j].id);
    body_.reductions.push_back(r);
    body_.weight += 1;
  }

  void keep(uint32_t j) {
    const uint32_t view = uint32_t(s_.result_view[j]);
    const int id = kept_[j].id;
    const Stored stored = stored_as(s_.stored[view]);
    const bool flat = is_flat(view);
    if (flat && stored == Stored::word && s_.nest.count > 1 && may_write_in_place(id, view)) {
      virtuals_[size_t(id)].fixed_slot = 0;
      advance_ids_.push_back(id);
      body_.advances.push_back({0, view, false});
      return;
    }
    Code c{flat ? Code::Kind::store : Code::Kind::store_strided};
    c.stored = stored, c.view = view;
    pending_.push_back({c, -1, id, -1, -1});
  }

  /// The instruction may write its result straight to memory: it is made by a call, lies in a register so far, and nobody reads the bytes
  /// behind it afterwards under another name.
  bool may_write_in_place(int id, uint32_t view) {
    const Virtual& v = virtuals_[size_t(id)];
    if (v.fixed_slot >= 0 || v.whole_run) return false;
    size_t maker = pending_.size();
    for (size_t p = 0; p < pending_.size(); ++p)
      if (pending_[p].d == id) maker = p;
    if (maker == pending_.size() || pending_[maker].code.kind == Code::Kind::load) return false;
    const Place& to = s_.places[view];
    for (size_t p = maker; p < pending_.size(); ++p) {
      const auto& q = pending_[p];
      if (p > maker && q.code.kind != Code::Kind::call && s_.places[q.code.view] == to) return false;
      if (p == maker) continue;
      for (int in : {q.a, q.b, q.c})
        for (size_t k = 0; k < advance_ids_.size(); ++k)
          if (advance_ids_[k] == in && s_.places[body_.advances[k].view] == to) return false;
    }
    for (int in : reduction_ids_)
      for (size_t k = 0; k < advance_ids_.size(); ++k)
        if (advance_ids_[k] == in && s_.places[body_.advances[k].view] == to) return false;
    return true;
  }

  /// Ids become slots: cells first, then what advances, then registers, reused after their last reader.
  void allocate() {
    const int reductions_at = int(pending_.size());
    for (int p = 0; p < int(pending_.size()); ++p) {
      auto& q = pending_[size_t(p)];
      for (int in : {q.a, q.b, q.c})
        if (in >= 0) virtuals_[size_t(in)].last_use = p;
    }
    for (int id : reduction_ids_) virtuals_[size_t(id)].last_use = reductions_at;

    std::vector<int> slot(virtuals_.size(), -1);
    int next = 0;
    for (size_t i = 0; i < cell_ids_.size(); ++i) body_.cells[i].slot = uint16_t(slot[size_t(cell_ids_[i])] = next++);
    for (auto& q : uniform_) {
      slot[size_t(q.d)] = next++;
      body_.cells.push_back({uint16_t(slot[size_t(q.d)]), Cell::From::computed, 0, 0, {}, 0});
    }
    for (size_t i = 0; i < advance_ids_.size(); ++i) body_.advances[i].slot = uint16_t(slot[size_t(advance_ids_[i])] = next++);
    const auto new_register = [&] {
      body_.register_slots.push_back(uint16_t(next));
      return next++;
    };
    for (size_t i = 0; i < filled_ids_.size(); ++i) {
      body_.filled[i].slot = uint16_t(slot[size_t(filled_ids_[i].first)] = new_register());
      if (filled_ids_[i].second >= 0) body_.filled[i].from = uint16_t(slot[size_t(filled_ids_[i].second)]);
    }
    std::vector<int> free;
    for (int p = 0; p < int(pending_.size()); ++p) {
      auto& q = pending_[size_t(p)];
      for (int in : {q.a, q.b, q.c}) {  // a register whose last reader is here may take the result: calls are element by element
        if (in < 0) continue;
        const Virtual& v = virtuals_[size_t(in)];
        if (!v.uniform && v.fixed_slot < 0 && !v.whole_run && v.last_use == p && slot[size_t(in)] >= 0 &&
            std::find(free.begin(), free.end(), slot[size_t(in)]) == free.end())
          free.push_back(slot[size_t(in)]);
      }
      if (q.d >= 0 && slot[size_t(q.d)] < 0) {
        if (free.empty()) free.push_back(new_register());
        slot[size_t(q.d)] = free.back();
        free.pop_back();
        if (virtuals_[size_t(q.d)].last_use < 0) free.push_back(slot[size_t(q.d)]);  // nobody reads it
      }
    }
    const auto placed = [&](const Pending& q) {
      Code c = q.code;
      const auto at = [&](int id) { return uint16_t(id < 0 ? 0 : slot[size_t(id)]); };
      c.d = at(q.d), c.a = at(q.a), c.b = at(q.b), c.c = at(q.c);
      return c;
    };
    for (auto& q : uniform_) body_.uniform.push_back(placed(q));
    for (auto& q : pending_) body_.codes.push_back(placed(q));
    for (size_t i = 0; i < reduction_ids_.size(); ++i) body_.reductions[i].slot = uint32_t(slot[size_t(reduction_ids_[i])]);
    body_.slots = uint32_t(next), body_.registers = uint32_t(body_.register_slots.size());
    if (next > 60000) op_.fail("its region is too long");

    const Nest& n = body_.nest;
    body_.shared_sums = !body_.reductions.empty() && n.sizes[0] >= threads_;
    for (const Reduction& r : body_.reductions)
      body_.shared_sums = body_.shared_sums && r.gather == Gather::rows && n.strides[r.view][0] != 0;
    if (body_.shared_sums) body_.granule = n.count / n.sizes[0];
  }

  struct Pending {
    Code code;
    int d, a, b, c;
  };
  const Segment& s_;
  const int threads_;
  const Op& op_;
  const Region& region_;
  Body body_;
  std::vector<Number> values_, kept_;  // kept_: behind each result
  std::vector<Virtual> virtuals_;
  std::vector<Pending> pending_, uniform_;
  std::vector<int> cell_ids_, advance_ids_, reduction_ids_;
  std::vector<std::pair<int, int>> filled_ids_;  // register, cell or −1
};

}  // namespace

Body assemble(const Segment& segment, int threads) { return Assembler(segment, threads).run(); }

}  // namespace lamina::cpu
