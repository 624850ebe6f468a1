/// The reference backend: plain loops, written from the published formulas, float64 unless told otherwise. It is slow and meant to be
/// right: the truth that other backends are tested against. Everything is dense, row-major, on one thread.
#include <lamina/backend.hpp>

#include <unistd.h>

#include <unordered_map>

#include "executable.hpp"

namespace reference {

Maker find_maker(const std::string& name) {
  static const std::unordered_map<std::string, Maker> makers = [] {
    std::unordered_map<std::string, Maker> all = {{"map", make_map}, {"kernel", make_custom}};
    for (auto list : {shape_ops, index_ops, matmul_ops, conv_ops, pool_ops, softmax_ops, normalize_ops})
      for (const Entry& e : list()) all.emplace(e.name, e.make);
    return all;
  }();
  const auto found = makers.find(name);
  return found == makers.end() ? nullptr : found->second;
}

class Session {
 public:
  explicit Session(std::string precision) : precision_(std::move(precision)) {}

  bool claims(const Op& op) { return op.name == "kernel" ? has_body(op) : find_maker(op.name) != nullptr; }

  /// Everything stays dense. A reshape is a view; a map may write over an operand that it reads element for element.
  void prepare(const lamina::Program& program, lamina::Planner& planner) {
    for (const Op& op : program.ops) {
      if (op.name == "reshape" && op.in_count() == 1 && op.out_count() == 1) planner.view(op, 0, 0);
      if (op.name == "map") allow_overwriting(op, planner);
    }
  }
  void state_create(const std::vector<lamina::StateEntry>& entries) {
    storage_.states.clear();
    for (const auto& e : entries) {
      const uint64_t bytes = uint64_t(lamina::element_count(e.shape)) * lamina::size_of(e.dtype);
      if (e.layout) throw lamina::Error("the state '" + e.path + "' has a layout of another backend");
      storage_.states.emplace_back(bytes);
    }
  }
  void state_read(uint32_t entry, void* row_major) { std::memcpy(row_major, state(entry).data(), state(entry).bytes()); }
  void state_write(uint32_t entry, const void* row_major) { std::memcpy(state(entry).data(), row_major, state(entry).bytes()); }
  std::unique_ptr<Executable> compile(lamina::Program program) { return std::make_unique<Executable>(std::move(program), storage_); }
  std::string describe() const { return "plain loops in " + precision_ + ", 1 thread"; }

 private:
  static void allow_overwriting(const Op& op, lamina::Planner& planner) {
    const uint32_t operands = op.region.operands, results = uint32_t(op.region.results.size());
    for (uint32_t s = 0; s < op.region.spaces.size(); ++s)
      for (uint32_t j = 0; j < results; ++j) {
        if (op.region.results[j].reduce != LAMINA_KEEP) continue;
        const Value& result = op.out(s * results + j);
        for (uint32_t i = 0; i < operands; ++i) {
          const Value& operand = op.in(s * operands + i);
          if (!operand.is(LAMINA_SCALAR) && operand.shape == result.shape &&
              lamina::size_of(operand.dtype) == lamina::size_of(result.dtype))
            planner.overwrite(op, s * results + j, s * operands + i);
        }
      }
  }
  const Buffer& state(uint32_t entry) const {
    if (entry >= storage_.states.size())
      throw lamina::Error(lamina::describe("there is no state entry ", entry, " of ", storage_.states.size()));
    return storage_.states[entry];
  }
  std::string precision_;
  Storage storage_;
};

struct Reference {
  std::string device = "cpu", precision = "float64";
  int64_t threads = 1;

  void declare(lamina::Declaration& d) {
    d.details(
        "Slow and meant to be right: every op in plain loops, dense and row-major, on one thread. It knows every op, so what "
        "runs nowhere else runs here.");
    d.optional("device", device, "cpu", "the one device it has");
    d.optional("precision", precision, "float64 | float32", "type of real tensors; sums are kept in float64 in both");
    d.optional("threads", threads, "[0, inf)", "accepted so that experiments can change backends; one thread is used");
    d.example(R"({"precision": "float32"})");
  }
  static std::vector<lamina::Device> devices() {
    return {{"cpu", "cpu", "plain loops", uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGE_SIZE)), 1}};
  }
  std::unique_ptr<Session> open() const { return std::make_unique<Session>(precision); }
};

}  // namespace reference

LAMINA_BACKEND(reference::Reference, "reference",
               "plain loops from the published formulas; the truth that other backends are tested against")
