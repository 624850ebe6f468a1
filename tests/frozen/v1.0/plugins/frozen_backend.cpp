#include <lamina/backend.hpp>

#include <functional>
#include <limits>
#include <map>
using namespace lamina;

// A backend is three classes: FrozenBackend (settings), Session (the device and the state) and Executable (a compiled program); the
// contract is in lamina/backend.hpp. Lamina differentiates, fuses and plans; a backend sees ops with their places in memory, never layers.
// This one knows maps of the functions below, matrix products, reshape and argmax, in float32 on one thread. That trains dense networks.
// What it does not claim is decomposed into what it does, or is an error that names the layer before anything runs.
namespace {

double larger(double a, double b) { return std::isnan(a) || a >= b ? a : b; }  // NaN wins, of equals the first
double smaller(double a, double b) { return std::isnan(a) || a <= b ? a : b; }

/// What a map's instruction computes from its operands. One line more is one function more.
using Function = double (*)(double a, double b, double c);
const std::map<std::string, Function> functions = {
    {"add", [](double a, double b, double) { return a + b; }},
    {"subtract", [](double a, double b, double) { return a - b; }},
    {"multiply", [](double a, double b, double) { return a * b; }},
    {"divide", [](double a, double b, double) { return a / b; }},
    {"maximum", [](double a, double b, double) { return larger(a, b); }},
    {"minimum", [](double a, double b, double) { return smaller(a, b); }},
    {"pow", [](double a, double b, double) { return std::pow(a, b); }},
    {"negate", [](double a, double, double) { return -a; }},
    {"abs", [](double a, double, double) { return std::abs(a); }},
    {"exp", [](double a, double, double) { return std::exp(a); }},
    {"log", [](double a, double, double) { return std::log(a); }},
    {"log1p", [](double a, double, double) { return std::log1p(a); }},
    {"sqrt", [](double a, double, double) { return std::sqrt(a); }},
    {"rsqrt", [](double a, double, double) { return 1 / std::sqrt(a); }},
    {"tanh", [](double a, double, double) { return std::tanh(a); }},
    {"sigmoid", [](double a, double, double) { return 1 / (1 + std::exp(-a)); }},
    {"equal", [](double a, double b, double) { return double(a == b); }},
    {"not_equal", [](double a, double b, double) { return double(a != b); }},
    {"less", [](double a, double b, double) { return double(a < b); }},
    {"less_equal", [](double a, double b, double) { return double(a <= b); }},
    {"greater", [](double a, double b, double) { return double(a > b); }},
    {"greater_equal", [](double a, double b, double) { return double(a >= b); }},
    {"logical_and", [](double a, double b, double) { return double(a != 0 && b != 0); }},
    {"logical_or", [](double a, double b, double) { return double(a != 0 || b != 0); }},
    {"logical_not", [](double a, double, double) { return double(a == 0); }},
};
/// These only move numbers, so they are right for whole numbers too; the functions above would not wrap round as those must.
const std::map<std::string, Function> moves = {
    {"cast", [](double a, double, double) { return a; }},
    {"broadcast", [](double a, double, double) { return a; }},
    {"stop_gradient", [](double a, double, double) { return a; }},
    {"select", [](double a, double b, double c) { return a != 0 ? b : c; }},
};

template <class T>
double whole(double v) {  // towards zero, saturating, NaN to 0
  if (std::isnan(v)) return 0;
  return std::trunc(std::min(std::max(v, double(std::numeric_limits<T>::min())), double(std::numeric_limits<T>::max())));
}
/// The number nearest to v that a type holds.
double rounded(DType type, double v) {
  switch (type) {
    case DType::float32:
      return double(float(v));
    case DType::int32:
      return whole<int32_t>(v);
    case DType::uint32:
      return whole<uint32_t>(v);
    case DType::uint8:
      return whole<uint8_t>(v);
    default:
      return v != 0;
  }
}
double load(DType type, const void* from, int64_t i) {
  switch (type) {
    case DType::float32:
      return static_cast<const float*>(from)[i];
    case DType::int32:
      return static_cast<const int32_t*>(from)[i];
    case DType::uint32:
      return static_cast<const uint32_t*>(from)[i];
    default:
      return static_cast<const uint8_t*>(from)[i];
  }
}
void store(DType type, void* to, int64_t i, double v) {
  switch (type) {
    case DType::float32:
      static_cast<float*>(to)[i] = float(v);
      break;
    case DType::float64:
      static_cast<double*>(to)[i] = v;
      break;
    case DType::int32:
      static_cast<int32_t*>(to)[i] = int32_t(v);
      break;
    case DType::uint32:
      static_cast<uint32_t*>(to)[i] = uint32_t(v);
      break;
    default:
      static_cast<uint8_t*>(to)[i] = uint8_t(v);
  }
}

struct Executable {
  Program program;
  std::vector<std::vector<char>>& states;
  std::vector<char> arena = std::vector<char>(program.arena_bytes);
  std::vector<std::function<void()>> steps;
  const double* scalars = nullptr;  ///< of this run: what the host computes before each step, the learning rate for example

  Executable(Program p, std::vector<std::vector<char>>& states) : program(std::move(p)), states(states) {
    for (const Op& op : program.ops) {
      for (uint32_t i = 0; i < op.in_count(); ++i) know(op, op.in(i));
      for (uint32_t i = 0; i < op.out_count(); ++i) know(op, op.out(i));
      if (op.name == "map") {
        steps.push_back(map(op));
      } else if (op.name == "matmul") {
        steps.push_back([&] { matmul(op); });
      } else if (op.name == "argmax") {
        steps.push_back([&] { argmax(op); });
      } else if (op.name == "reshape" || op.name == "copy") {
        steps.push_back([&] { std::memmove(at(op.out(0)), at(op.in(0)), op.out(0).dense_bytes()); });
      } else {
        op.fail("it is not among the ops that this backend runs");
      }
    }
  }
  static void know(const Op& op, const Value& v) {
    const DType t = v.dtype;
    if (t != DType::float32 && t != DType::int32 && t != DType::uint32 && t != DType::uint8 && t != DType::boolean && !v.is(LAMINA_SCALAR))
      op.fail("this backend has no numbers of type ", name_of(t));
  }

  char* at(const Value& v) { return v.is(LAMINA_STATE) ? states.at(v.raw.index).data() : arena.data() + v.raw.offset; }
  const float* numbers(const Value& v) { return reinterpret_cast<const float*>(at(v)); }

  /// The element of a tensor that meets `place` in an iteration space: axes are aligned at the right, and those of size 1 repeat.
  static int64_t element(const Shape& shape, const Shape& place) {
    int64_t index = 0;
    for (size_t axis = 0, skip = place.size() - shape.size(); axis < shape.size(); ++axis)
      index = index * shape[axis] + (shape[axis] > 1 ? place[skip + axis] : 0);
    return index;
  }

  struct Instruction {
    Function function;  ///< null: `value`, or with an axis the place along it
    std::vector<uint32_t> in;
    DType type;
    double value = 0;
    int64_t axis = -1;
  };
  /// A fused expression: for each element of a space the operands, then one instruction after the other; results are kept or reduced.
  std::function<void()> map(const Op& op) {
    const Region& region = op.region;
    std::vector<Instruction> code;
    for (const lamina::Instruction& i : region.instructions) {
      Instruction n{nullptr, i.in, i.dtype};
      const bool number = i.dtype == DType::float32 || i.dtype == DType::boolean;
      if (i.op == "constant")
        n.value = rounded(i.dtype, i.attributes.real("value"));
      else if (i.op == "iota")
        n.axis = i.attributes.integer("axis");
      else if (moves.count(i.op))
        n.function = moves.at(i.op);
      else if (functions.count(i.op) && number)
        n.function = functions.at(i.op);
      else
        op.fail("this backend has no '", i.op, "' that gives ", name_of(i.dtype));
      code.push_back(n);
    }
    for (const Region::Result& r : region.results)
      if (r.reduce == LAMINA_SUM && code[r.from].type != DType::float32)
        op.fail("this backend has no sums of ", name_of(code[r.from].type));
    return [this, &op, &region, code] {
      for (size_t s = 0; s < region.spaces.size(); ++s) segment(op, code, s);
    };
  }
  void segment(const Op& op, const std::vector<Instruction>& code, size_t s) {
    const Region& region = op.region;
    const Shape& space = region.spaces[s];
    const auto out = [&](size_t j) { return op.out(s * region.results.size() + j); };
    std::vector<std::vector<double>> reduced(region.results.size());
    for (size_t j = 0; j < reduced.size(); ++j) {
      const uint32_t how = region.results[j].reduce;
      const double infinity = std::numeric_limits<double>::infinity();
      if (how != LAMINA_KEEP) reduced[j].assign(size_t(out(j).count()), how == LAMINA_SUM ? 0 : how == LAMINA_MAX ? -infinity : infinity);
    }
    std::vector<double> x(region.operands + code.size());
    Shape place(space.size(), 0);
    for (int64_t e = 0, count = element_count(space); e < count; ++e) {
      for (uint32_t i = 0; i < region.operands; ++i) {
        const Value& v = op.in(s * region.operands + i);
        x[i] = v.is(LAMINA_SCALAR) ? scalars[v.raw.index] : load(v.dtype, at(v), element(v.shape, place));
      }
      for (size_t k = 0; k < code.size(); ++k) {
        const Instruction& n = code[k];
        const auto in = [&](size_t i) { return i < n.in.size() ? x[n.in[i]] : 0; };
        const double y = n.function ? n.function(in(0), in(1), in(2)) : n.axis >= 0 ? double(place[size_t(n.axis)]) : n.value;
        x[region.operands + k] = rounded(n.type, y);
      }
      for (size_t j = 0; j < reduced.size(); ++j) {
        const double y = x[region.operands + region.results[j].from];
        const uint32_t how = region.results[j].reduce;
        if (how == LAMINA_KEEP) {
          store(out(j).dtype, at(out(j)), e, y);
          continue;
        }
        double& sum = reduced[j][size_t(element(out(j).shape, place))];
        sum = how == LAMINA_SUM ? sum + y : how == LAMINA_MAX ? larger(sum, y) : smaller(sum, y);
      }
      for (size_t axis = space.size(); axis-- > 0 && ++place[axis] == space[axis];) place[axis] = 0;
    }
    for (size_t j = 0; j < reduced.size(); ++j)
      for (size_t k = 0; k < reduced[j].size(); ++k) store(out(j).dtype, at(out(j)), int64_t(k), reduced[j][k]);
  }

  /// a [rows, inner] · b [inner, columns]; either may come with its axes swapped.
  void matmul(const Op& op) {
    const Value &a = op.in(0), &b = op.in(1), &y = op.out(0);
    const bool ta = op.boolean("transpose_a"), tb = op.boolean("transpose_b");
    const int64_t rows = y.size(0), columns = y.size(1), inner = a.size(ta ? 0 : 1);
    std::vector<double> line(static_cast<size_t>(columns));
    for (int64_t i = 0; i < rows; ++i) {
      std::fill(line.begin(), line.end(), 0.0);
      for (int64_t k = 0; k < inner; ++k) {
        const double factor = numbers(a)[ta ? k * rows + i : i * inner + k];
        for (int64_t j = 0; j < columns; ++j) line[size_t(j)] += factor * numbers(b)[tb ? j * inner + k : k * columns + j];
      }
      for (int64_t j = 0; j < columns; ++j) store(DType::float32, at(y), i * columns + j, line[size_t(j)]);
    }
  }
  /// Where along an axis the largest is: the first of equals, a NaN before all.
  void argmax(const Op& op) {
    const Value& x = op.in(0);
    const size_t axis = size_t(op.integer("axis"));
    const int64_t size = x.size(axis), inner = dense_strides(x.shape)[axis];
    for (int64_t i = 0; i < op.out(0).count(); ++i) {
      const float* first = numbers(x) + i / inner * size * inner + i % inner;
      int64_t best = 0;
      for (int64_t k = 1; k < size && !std::isnan(first[best * inner]); ++k)
        if (std::isnan(first[k * inner]) || first[k * inner] > first[best * inner]) best = k;
      store(DType::int32, at(op.out(0)), i, double(best));
    }
  }

  void run(const Run& run) {
    scalars = run.scalars;
    for (const Value& v : program.values) {  // inputs are gathered from the samples of this batch
      if (!v.is(LAMINA_INPUT)) continue;
      const lamina_feed& feed = run.feeds[v.raw.index];
      const char* from = static_cast<const char*>(feed.base);
      if (!feed.rows) std::memcpy(at(v), from, v.dense_bytes());
      for (int64_t i = 0; feed.rows && i < v.size(0); ++i)
        std::memcpy(at(v) + i * feed.row_bytes, from + feed.rows[i] * feed.row_bytes, size_t(feed.row_bytes));
    }
    for (const auto& step : steps) step();
    for (const Program::Output& o : program.outputs) {
      const Value& v = program.values[o.value];
      char* to = static_cast<char*>(run.outputs) + o.offset;
      if (run.outputs && v.is(LAMINA_SCALAR)) store(v.dtype, to, 0, scalars[v.raw.index]);
      if (run.outputs && !v.is(LAMINA_SCALAR)) std::memcpy(to, at(v), v.dense_bytes());
    }
  }
  void wait() {}  // run returns when all is done
};

struct Session {
  std::vector<std::vector<char>> states;

  /// Asked for every op of the list that is no elementwise one.
  bool claims(const Op& op) {
    const auto real = [&](uint32_t i) { return op.in(i).dtype == DType::float32; };
    return op.name == "reshape" || (op.name == "argmax" && real(0)) ||
           (op.name == "matmul" && op.in(0).rank() == 2 && op.in(1).rank() == 2 && real(0) && real(1));
  }
  /// Layouts and scratch memory may be asked for here; without, all is dense and row-major. A reshape needs no memory of its own.
  void prepare(const Program& program, Planner& planner) {
    for (const Op& op : program.ops)
      if (op.name == "reshape") planner.view(op, 0, 0);
  }
  /// Once: what outlives a step, that is parameters, running statistics and the optimizer's slots; filled with zeros.
  void state_create(const std::vector<StateEntry>& entries) {
    for (const StateEntry& e : entries) states.emplace_back(e.bytes);
  }
  void state_read(uint32_t entry, void* to) { std::memcpy(to, states.at(entry).data(), states.at(entry).size()); }
  void state_write(uint32_t entry, const void* from) { std::memcpy(states.at(entry).data(), from, states.at(entry).size()); }
  std::unique_ptr<Executable> compile(Program p) { return std::make_unique<Executable>(std::move(p), states); }
  std::string describe() { return "plain loops in float32, 1 thread"; }
};

struct FrozenBackend {
  // Settings would be members, declared here as those of a layer are: a device, a number of threads.
  void declare(Declaration&) {}
  static std::vector<Device> devices() { return {{"processor", "cpu", "plain loops", 0, 1}}; }
  std::unique_ptr<Session> open() const { return std::make_unique<Session>(); }
};

}  // namespace

LAMINA_BACKEND(FrozenBackend, "frozen_backend", "dense networks in plain loops")
