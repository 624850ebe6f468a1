#include "prove/op_cases.hpp"

#include <cmath>
#include <limits>

namespace lamina::prove {
namespace {

double draw_real(Random& random, Domain domain, Range range) {
  const double sign = domain == Domain::positive || random.bits() % 2 ? 1 : -1;
  switch (range) {
    case Range::near_zero:
      return sign * std::pow(10, random.uniform(-6, -1));
    case Range::near_one:
      return (domain == Domain::above_minus_one ? 1 : sign) * random.uniform(0.99, 1.01);
    case Range::thirty:
      return (domain == Domain::above_minus_one ? 1 : sign) * random.uniform(29, 31);
    case Range::ties:
      return domain == Domain::positive ? double(random.whole(1, 3)) : double(random.whole(-2, 2));
    case Range::special: {
      const double rare[] = {NAN, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), 0.0, -0.0};
      if (random.bits() % 4 == 0) return rare[random.bits() % 5];
      [[fallthrough]];
    }
    default:
      if (domain == Domain::positive) return random.uniform(0.2, 1.5);
      if (domain == Domain::nonzero) return sign * random.uniform(0.3, 1.5);
      return random.uniform(domain == Domain::above_minus_one ? -0.8 : -1.5, 1.5);
  }
}

}  // namespace

std::string OpCase::name() const {
  std::string text = op;
  for (auto& o : in) text += " " + piece(o.shape) + (o.dtype ? lamina::name_of(*o.dtype) : "");
  for (auto& a : attributes) {
    text += " " + a.name + "=";
    if (!a.texts.empty())
      text += a.texts[0];
    else if (!a.reals.empty())
      text += piece(a.reals[0]);
    else
      text += a.is_list() ? piece(a.integers) : piece(a.integers.at(0));
  }
  return text;
}
Tensors OpCase::record(Scope& scope, const Tensors& x) const { return formula ? formula(scope, x) : scope.emit(op.c_str(), x, attributes); }
bool OpCase::has_real() const {
  for (auto& o : in)
    if (!o.dtype) return true;
  return false;
}

std::vector<Array> draw(const OpCase& c, Range range, int attempt) {
  Random random(c.name() + "/" + name_of(range) + "/" + std::to_string(attempt));
  std::vector<Array> arrays;
  for (auto& o : c.in) {
    Array& a = arrays.emplace_back(Array{o.dtype.value_or(DType::float64), o.shape, {}});
    size_t count = 1;
    for (auto d : o.shape) count *= size_t(d);
    for (size_t i = 0; i < count; ++i) {
      if (o.domain == Domain::whole || o.domain == Domain::boolean)
        a.data.push_back(double(random.whole(o.least, o.most)));
      else
        a.data.push_back(double(float(draw_real(random, o.domain, range))));
    }
  }
  return arrays;
}

std::string name_of(Range range) {
  const char* const names[] = {"general", "near 0", "near 1", "around 30", "ties", "special values"};
  return names[int(range)];
}

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> all = [] {
    std::vector<OpCase> list;
    for (auto part : {elementwise_cases(), shape_cases(), spatial_cases(), composite_cases()})
      list.insert(list.end(), part.begin(), part.end());
    return list;
  }();
  return all;
}

}  // namespace lamina::prove
