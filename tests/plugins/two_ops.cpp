#include <lamina/backend.hpp>
using namespace lamina;

namespace {

/// The smallest backend that runs something: float32, dense, one thread; matmul of matrices, and maps of a few functions without
/// reductions.
struct Storage {
  std::vector<std::vector<char>> states;
};

struct Executable {
  Program program;
  Storage& storage;
  std::vector<char> arena = std::vector<char>(program.arena_bytes);
  const double* scalars = nullptr;

  Executable(Program p, Storage& s) : program(std::move(p)), storage(s) {
    for (const Value& v : program.values)
      if (v.dtype != DType::float32 && !v.is(LAMINA_SCALAR)) throw Error("there is no type but float32");
    for (const Op& op : program.ops) {
      for (const Instruction& i : op.region.instructions)
        if (i.op != "constant" && i.op != "multiply" && i.op != "add" && i.op != "maximum") op.fail("there is no function '", i.op, "'");
      for (auto& r : op.region.results)
        if (r.reduce != LAMINA_KEEP) op.fail("there are no reductions");
    }
  }
  float* at(const Value& v) {
    return reinterpret_cast<float*>(v.is(LAMINA_STATE) ? storage.states[v.raw.index].data() : arena.data() + v.raw.offset);
  }
  void matmul(const Op& op) {
    const Value &a = op.in(0), &b = op.in(1);
    for (int64_t i = 0; i < a.size(0); ++i)
      for (int64_t j = 0; j < b.size(1); ++j) {
        float sum = 0;
        for (int64_t k = 0; k < a.size(1); ++k) sum += at(a)[i * a.size(1) + k] * at(b)[k * b.size(1) + j];
        at(op.out(0))[i * b.size(1) + j] = sum;
      }
  }
  /// Operand `v` at element `e` of the iteration space: aligned at the right, size 1 repeats.
  float operand(const Value& v, const Shape& space, int64_t e) {
    if (v.is(LAMINA_SCALAR)) return float(scalars[v.raw.index]);
    int64_t index = 0, stride = 1;
    for (size_t axis = space.size(), own = v.rank(); own-- > 0; stride *= v.size(own)) {
      const int64_t here = e % space[--axis];
      e /= space[axis];
      if (v.size(own) > 1) index += here * stride;
    }
    return at(v)[index];
  }
  void map(const Op& op) {
    const Region& r = op.region;
    std::vector<float> x(r.operands + r.instructions.size());
    for (size_t s = 0; s < r.spaces.size(); ++s)
      for (int64_t e = 0; e < element_count(r.spaces[s]); ++e) {
        for (uint32_t i = 0; i < r.operands; ++i) x[i] = operand(op.in(s * r.operands + i), r.spaces[s], e);
        for (size_t i = 0; i < r.instructions.size(); ++i) {
          const Instruction& n = r.instructions[i];
          float& y = x[r.operands + i];
          if (n.op == "constant")
            y = float(n.attributes.real("value"));
          else if (n.op == "multiply")
            y = x[n.in[0]] * x[n.in[1]];
          else if (n.op == "add")
            y = x[n.in[0]] + x[n.in[1]];
          else
            y = std::max(x[n.in[0]], x[n.in[1]]);
        }
        for (size_t j = 0; j < r.results.size(); ++j) at(op.out(s * r.results.size() + j))[e] = x[r.operands + r.results[j].from];
      }
  }
  void run(const Run& run) {
    scalars = run.scalars;
    for (const Value& v : program.values) {
      if (!v.is(LAMINA_INPUT)) continue;
      const lamina_feed& feed = run.feeds[v.raw.index];
      const uint64_t row = v.dense_bytes() / uint64_t(v.size(0));
      for (int64_t i = 0; i < v.size(0); ++i)
        std::memcpy(reinterpret_cast<char*>(at(v)) + uint64_t(i) * row,
                    static_cast<const char*>(feed.base) + (feed.rows ? feed.rows[i] * feed.row_bytes : i * int64_t(row)), row);
    }
    for (const Op& op : program.ops) op.name == "matmul" ? matmul(op) : map(op);
    for (auto& o : program.outputs)
      std::memcpy(static_cast<char*>(run.outputs) + o.offset, at(program.values[o.value]), program.values[o.value].dense_bytes());
  }
  void wait() {}
  std::string explain() const {
    std::string text = std::to_string(program.ops.size()) + " ops";
    for (const Op& op : program.ops) text += "\n" + op.name + " of " + op.path;
    return text;
  }
};

struct Session {
  Storage storage;
  bool claims(const Op& op) {
    return op.name == "matmul" && op.in(0).rank() == 2 && !op.boolean("transpose_a") && !op.boolean("transpose_b");
  }
  void prepare(const Program&, Planner&) {}
  void state_create(const std::vector<StateEntry>& entries) {
    for (auto& e : entries) storage.states.emplace_back(e.bytes);
  }
  void state_read(uint32_t entry, void* to) { std::memcpy(to, storage.states[entry].data(), storage.states[entry].size()); }
  void state_write(uint32_t entry, const void* from) { std::memcpy(storage.states[entry].data(), from, storage.states[entry].size()); }
  std::unique_ptr<Executable> compile(Program p) { return std::make_unique<Executable>(std::move(p), storage); }
  void keep(const void*, uint64_t bytes) { kept += bytes; }
  std::string describe() { return "two ops in plain loops" + (kept ? ", " + std::to_string(kept) + " bytes kept" : std::string()); }
  uint64_t kept = 0;
};

struct TwoOps {
  void declare(Declaration&) {}
  static std::vector<Device> devices() { return {{"cpu", "cpu", "plain loops", 0, 1, true, "", "matrices only\nno reductions"}}; }
  std::unique_ptr<Session> open() const { return std::make_unique<Session>(); }
};

}  // namespace

LAMINA_BACKEND(TwoOps, "two_ops", "matmul and simple maps: the smallest backend")
