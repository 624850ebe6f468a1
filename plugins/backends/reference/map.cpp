/// Fused elementwise regions, instruction by instruction over strips of a row: the registers of one strip stay in the cache.
#include <lamina/philox.hpp>

#include "elementwise.hpp"
#include "kernel.hpp"
#include "numbers.hpp"
#include "transfer.hpp"
#include "walk.hpp"

namespace reference {
namespace {

constexpr int64_t strip_length = 256;
struct alignas(64) Register : std::array<std::byte, strip_length * 8> {};

/// A register filled from the element's position: a coordinate, or random bits.
struct Source {
  bool random;
  uint32_t to;  ///< register
  DType dtype;
  uint64_t key;   ///< of the random stream
  uint32_t axis;  ///< of the coordinate
};
/// A scalar of the step table, as one use of it wants it.
struct ScalarUse {
  uint32_t operand, to;
  DType dtype;
};
struct Step {
  Strip strip;
  std::array<uint32_t, 3> in;
  uint32_t to;
  Rounding round;  ///< to a 16-bit storage type; null: nothing to do
};
struct Result {
  uint32_t from;  ///< register
  DType dtype;
  Store store;
  const Reducer* reducer;  ///< null: every element is kept
};
struct Segment {
  Walk walk;                    ///< takes part: tensor operands, then sources, then results
  std::vector<int64_t> counts;  ///< of the results
};

/// Channels-last position strides: batch, spatial…, channels; row-major below rank 3.
Shape channels_last_strides(const Shape& space) {
  if (space.size() < 3) return lamina::dense_strides(space);
  Shape moved = space;
  moved.erase(moved.begin() + 1), moved.push_back(space[1]);
  Shape strides = lamina::dense_strides(moved);
  strides.insert(strides.begin() + 1, strides.back());
  strides.pop_back();
  return strides;
}

class Map {
 public:
  explicit Map(const Op& op) : op_(op), operands_(op.region.operands) {
    const auto& region = op.region;
    if (region.spaces.empty()) op.fail("its region has no segment");
    types_.resize(operands_);
    tensors_.resize(operands_);
    for (uint32_t i = 0; i < operands_; ++i) types_[i] = op.in(i).dtype, tensors_[i] = !op.in(i).is(LAMINA_SCALAR);
    registers_ = operands_ + uint32_t(region.instructions.size());
    for (uint32_t i = 0; i < region.instructions.size(); ++i) add(region.instructions[i], operands_ + i);
    for (uint32_t j = 0; j < region.results.size(); ++j) add_result(region.results[j], op.out(j));
    for (uint32_t s = 0; s < region.spaces.size(); ++s) add_segment(s);
    files_.resize(registers_);
    for (const auto& [number, dtype, value] : constants_) fill(number, dtype, value);
  }

  void run(const Memory& memory) {
    for (uint32_t s = 0; s < segments_.size(); ++s) run_segment(memory, s);
  }

 private:
  struct Constant {
    uint32_t to;
    DType dtype;
    double value;
  };

  void add(const lamina::Instruction& i, uint32_t to) {
    types_.push_back(i.dtype);
    if (!lamina::size_of(i.dtype)) op_.fail("instruction '", i.op, "' has no type");
    if (i.op == "constant") return constants_.push_back({to, i.dtype, i.attributes.real("value")});
    if (i.op == "random_bits" || i.op == "iota") {
      const bool random = i.op == "random_bits";
      if (random && i.dtype != DType::uint32) op_.fail("random_bits are uint32, not ", lamina::name_of(i.dtype));
      sources_.push_back(
          {random, to, i.dtype, random ? uint64_t(i.attributes.integer("key")) : 0, random ? 0 : uint32_t(i.attributes.integer("axis"))});
      return;
    }
    const Elementwise* kind = find_elementwise(i.op);
    if (!kind) op_.fail("'", i.op, "' is not an elementwise op");
    if (i.in.size() != kind->operands) op_.fail("'", i.op, "' takes ", kind->operands, " operands, not ", i.in.size());
    Step step{nullptr, {}, to, rounding_to(i.dtype)};
    DType last{};
    for (uint32_t k = 0; k < i.in.size(); ++k) {
      const DType wanted = operand_type(*kind, i, k);
      step.in[k] = i.in[k];
      if (is_scalar(i.in[k])) {
        step.in[k] = registers_++;
        scalars_.push_back({i.in[k], step.in[k], wanted});
      } else if (types_[i.in[k]] != wanted) {
        op_.fail("operand ", k, " of '", i.op, "' is ", lamina::name_of(types_[i.in[k]]), "; wanted ", lamina::name_of(wanted));
      }
      last = wanted;
    }
    if (i.op == "shift_right") {
      step.in[1] = registers_++;
      constants_.push_back({step.in[1], DType::uint32, double(i.attributes.integer("bits"))});
    }
    if (kind->typing == Typing::compare && i.dtype != DType::boolean) op_.fail("'", i.op, "' gives bool, not ", lamina::name_of(i.dtype));
    step.strip = find_strip(i.op, last, i.dtype);
    if (!step.strip) op_.fail("'", i.op, "' is not defined for ", lamina::name_of(last));
    steps_.push_back(step);
  }
  bool is_scalar(uint32_t number) const { return number < operands_ && !tensors_[number]; }
  DType operand_type(const Elementwise& kind, const lamina::Instruction& i, uint32_t k) const {
    if (kind.typing == Typing::select && k == 0) return DType::boolean;
    if (kind.typing == Typing::compare) {
      for (uint32_t number : i.in)
        if (!is_scalar(number)) return types_[number];
      return DType::float64;
    }
    if (kind.typing == Typing::any) return is_scalar(i.in[k]) ? DType::float64 : types_[i.in[k]];
    return i.dtype;
  }

  void add_result(const lamina::Region::Result& r, const Value& value) {
    const uint32_t from = operands_ + r.from;
    const DType dtype = types_[from];
    expect_dtype(op_, "result", value, dtype);
    const Reducer* reducer = r.reduce == LAMINA_KEEP ? nullptr : find_reducer(r.reduce, dtype);
    if (r.reduce != LAMINA_KEEP && !reducer) op_.fail("there is no reduction number ", r.reduce);
    results_.push_back({from, dtype, find_store(dtype), reducer});
  }

  void add_segment(uint32_t s) {
    const Shape& space = op_.region.spaces[s];
    for (int64_t d : space)
      if (d < 1) op_.fail("segment ", s, " has the iteration space ", space);
    std::vector<Shape> strides;
    for (uint32_t i = 0; i < operands_; ++i) {
      const Value& v = op_.in(s * operands_ + i);
      if (v.is(LAMINA_SCALAR) == tensors_[i] || v.dtype != types_[i])
        op_.fail("operand ", i, " of segment ", s, " is of another kind than in segment 0");
      if (tensors_[i]) strides.push_back(broadcast_strides(v.shape, space));
    }
    for (const Source& source : sources_) {
      if (!source.random) expect_axis(op_, source.axis, space.size());
      strides.push_back(source.random ? channels_last_strides(space) : Shape(space.size(), 0));
      if (!source.random) strides.back()[source.axis] = 1;
    }
    Segment segment;
    for (uint32_t j = 0; j < results_.size(); ++j) {
      const Value& v = op_.out(s * uint32_t(results_.size()) + j);
      expect_dtype(op_, "result", v, results_[j].dtype);
      strides.push_back(broadcast_strides(v.shape, space));
      segment.counts.push_back(v.count());
      if (!results_[j].reducer && v.count() != lamina::element_count(space))
        op_.fail("result ", j, " of shape ", v.shape, " keeps all of ", space);
    }
    segment.walk = Walk(space, strides);
    segments_.push_back(std::move(segment));
  }

  void fill(uint32_t number, DType dtype, double value) {
    with_type(dtype, [&](auto zero) {
      using T = decltype(zero);
      std::fill_n(reinterpret_cast<T*>(files_[number].data()), strip_length, convert<T>(value));
    });
    if (const Rounding round = rounding_to(dtype)) round(files_[number].data(), strip_length);
  }

  void run_segment(const Memory& memory, uint32_t s) {
    const Segment& segment = segments_[s];
    const Walk& walk = segment.walk;
    for (const ScalarUse& use : scalars_) fill(use.to, use.dtype, memory.run.scalars[op_.in(s * operands_ + use.operand).raw.index]);
    std::vector<const void*> places(registers_);  // where each register's strip stands: here, or in the operand itself
    for (uint32_t r = 0; r < registers_; ++r) places[r] = files_[r].data();
    std::vector<const std::byte*> operands(operands_);
    for (uint32_t i = 0; i < operands_; ++i)
      if (tensors_[i]) operands[i] = memory.at<std::byte>(op_.in(s * operands_ + i));
    std::vector<std::byte*> outs;
    std::vector<std::vector<double>> sums(results_.size());  // 8 bytes per reduced element, double or int64_t
    for (uint32_t j = 0; j < results_.size(); ++j) {
      outs.push_back(memory.at<std::byte>(op_.out(s * uint32_t(results_.size()) + j)));
      if (results_[j].reducer) sums[j].resize(size_t(segment.counts[j])), results_[j].reducer->start(sums[j].data(), segment.counts[j]);
    }
    std::vector<lamina::RandomStream> streams;
    for (const Source& source : sources_)
      streams.push_back(lamina::RandomStream::of(memory.run.seed, source.key, memory.run.step, memory.run.micro_batch));

    walk.rows([&](const int64_t* row) {
      for (int64_t first = 0; first < walk.length(); first += strip_length) {
        const int64_t n = std::min(strip_length, walk.length() - first);
        size_t t = 0;  // of the tensors that take part in the walk
        for (uint32_t i = 0; i < operands_; ++i) {
          if (!tensors_[i]) continue;
          const int64_t step = walk.step(t), at = row[t] + first * step;
          ++t;
          if (step == 1 && is_plain(types_[i]))
            places[i] = operands[i] + at * int64_t(lamina::size_of(types_[i]));
          else
            load(types_[i], operands[i], at, step, files_[i].data(), n);
        }
        for (size_t k = 0; k < sources_.size(); ++k, ++t) position(sources_[k], streams[k], row[t] + first * walk.step(t), walk.step(t), n);
        for (const Step& step : steps_) {
          const void* in[3] = {places[step.in[0]], places[step.in[1]], places[step.in[2]]};
          step.strip(in, files_[step.to].data(), n);
          if (step.round) step.round(files_[step.to].data(), n);
        }
        for (uint32_t j = 0; j < results_.size(); ++j, ++t) {
          const int64_t step = walk.step(t), at = row[t] + first * step;
          if (results_[j].reducer)
            results_[j].reducer->add(files_[results_[j].from].data(), sums[j].data(), at, step, n);
          else
            results_[j].store(files_[results_[j].from].data(), outs[j], at, step, n);
        }
      }
    });
    for (uint32_t j = 0; j < results_.size(); ++j)
      if (results_[j].reducer) results_[j].reducer->finish(sums[j].data(), results_[j].dtype, outs[j], segment.counts[j]);
  }

  void position(const Source& source, const lamina::RandomStream& stream, int64_t at, int64_t step, int64_t n) {
    std::byte* to = files_[source.to].data();
    if (source.random) {
      for (int64_t i = 0; i < n; ++i) reinterpret_cast<uint32_t*>(to)[i] = stream.word(uint64_t(at + i * step));
      return;
    }
    with_type(source.dtype, [&](auto zero) {
      using T = decltype(zero);
      for (int64_t i = 0; i < n; ++i) reinterpret_cast<T*>(to)[i] = convert<T>(double(at + i * step));
    });
    if (const Rounding round = rounding_to(source.dtype)) round(to, n);
  }

  const Op& op_;
  uint32_t operands_, registers_ = 0;
  std::vector<DType> types_;   ///< of operands and instructions
  std::vector<bool> tensors_;  ///< which operands are no scalars
  std::vector<Constant> constants_;
  std::vector<Source> sources_;
  std::vector<ScalarUse> scalars_;
  std::vector<Step> steps_;
  std::vector<Result> results_;
  std::vector<Segment> segments_;
  std::vector<Register> files_;
};

}  // namespace

Kernel make_map(const Op& op) {
  return [map = std::make_shared<Map>(op)](const Memory& memory) { map->run(memory); };
}

}  // namespace reference
