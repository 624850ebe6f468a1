/// The table of cases that every op is tested on: shapes, attributes and where its operands' numbers come from.
#pragma once
#include <functional>
#include <optional>

#include "prove/arrays.hpp"

namespace lamina::prove {

/// Where an operand's numbers may lie.
enum class Domain { real, positive, nonzero, above_minus_one, whole, boolean };
/// How they are drawn from it.
enum class Range {
  general,    ///< within ±1.5
  near_zero,  ///< magnitudes from 10⁻⁶ to 0.1
  near_one,   ///< ±1 within 0.01
  thirty,     ///< ±30 within 1
  ties,       ///< whole numbers from −2 to 2
  special     ///< general, and NaN, ±infinity, ±0 here and there
};

struct Operand {
  Shape shape;
  Domain domain = Domain::real;
  std::optional<DType> dtype = {};  ///< none: the program's real type, a learned tensor; else an input of the program
  int64_t least = 0, most = 1;      ///< of whole numbers
};
inline Operand real(Shape shape) { return {std::move(shape)}; }
inline Operand positive(Shape shape) { return {std::move(shape), Domain::positive}; }
inline Operand nonzero(Shape shape) { return {std::move(shape), Domain::nonzero}; }
inline Operand truth(Shape shape) { return {std::move(shape), Domain::boolean, DType::boolean}; }
inline Operand whole(Shape shape, int64_t least, int64_t most, DType dtype = DType::int32) {
  return {std::move(shape), Domain::whole, dtype, least, most};
}

using Formula = std::function<Tensors(Scope&, const Tensors& x)>;

struct OpCase {
  std::string op;
  std::vector<Operand> in;
  std::vector<Attribute> attributes = {};
  std::vector<Range> ranges = {Range::general, Range::near_zero, Range::near_one, Range::thirty};
  Formula formula = nullptr;  ///< none: the op on its operands

  std::string name() const;  ///< "conv [2, 3, 7] [4, 3, 3] stride=2": unique in the table
  Tensors record(Scope& scope, const Tensors& x) const;
  bool has_real() const;
};

/// Every case of the table.
const std::vector<OpCase>& op_cases();
/// Numbers for the case's operands, all of them exact in float32. `attempt` gives other ones.
std::vector<Array> draw(const OpCase& c, Range range, int attempt = 0);
std::string name_of(Range range);

// The parts of the table; each in a .cpp of its own.
std::vector<OpCase> elementwise_cases();
std::vector<OpCase> shape_cases();
std::vector<OpCase> spatial_cases();
std::vector<OpCase> composite_cases();

}  // namespace lamina::prove
