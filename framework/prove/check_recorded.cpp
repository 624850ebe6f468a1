// Layers, losses, transforms and metrics: what they record, held to what they promise, at the documented example and at sizes near it.
#include "prove/check_recorded.hpp"

#include <algorithm>

namespace lamina::prove {
namespace {

std::vector<Operand> reals(const std::vector<Shape>& shapes) {
  std::vector<Operand> list;
  for (auto& s : shapes) list.push_back(real(s));
  return list;
}

/// The inputs that a plugin of this kind meets beside the example's: class numbers, weights, stored pictures.
std::vector<std::vector<Operand>> kinds_of_inputs(const Descriptor& d, const std::vector<Shape>& shapes) {
  std::vector<std::vector<Operand>> list = {reals(shapes)};
  if (d.kind == "transform") list.push_back(reals(shapes)), list.back()[0] = whole(shapes[0], 0, 255, DType::uint8);
  if (d.kind != "loss" && d.kind != "metric") return list;
  list.push_back(reals({shapes[0], shapes[1]}));
  const bool batched = !shapes[0].empty();
  if (d.inputs.size() > 2 && batched) list.back().push_back(positive({shapes[0][0]}));
  if (shapes[0].size() > 1) {
    Shape places = shapes[0];
    places.erase(places.begin() + 1);
    for (DType stored : {DType::int32, DType::uint8}) list.push_back({real(shapes[0]), whole(places, 0, shapes[0][1] - 1, stored)});
    if (d.inputs.size() > 2) list.push_back({real(shapes[0]), whole(places, 0, shapes[0][1] - 1), positive({shapes[0][0]})});
  }
  return list;
}

std::string text_of(const std::vector<Operand>& inputs, Mode mode) {
  OpCase c;
  c.in = inputs;
  return (mode == Mode::training ? "training" : "evaluation") + c.name();
}

/// With an axis more, and with one less.
std::vector<std::vector<Shape>> other_ranks(const std::vector<Shape>& shapes) {
  std::vector<std::vector<Shape>> list(2, shapes);
  for (auto& s : list[0])
    if (s.size() < LAMINA_MAX_RANK) s.push_back(3);
  for (auto& s : list[1])
    if (s.size() > 1) s.pop_back();
  return list;
}

}  // namespace

std::vector<Taken> taken_cases(const Subject& s, Findings& found, std::vector<std::string>* refusals) {
  const Descriptor& d = s.plugin;
  std::vector<Taken> list;
  const std::vector<Attribute> settings = example_settings(d, found);
  const std::vector<Shape> shapes = example_shapes(d, found);
  if (found.passed() && (d.kind == "loss" || d.kind == "metric"))
    found.expect(shapes.size() >= 2, "the example has ", shapes.size(), " shapes; a ", d.kind, " takes a prediction and a target");
  if (!found.passed()) return list;
  std::vector<std::vector<Shape>> sizes = near(shapes);
  sizes.insert(sizes.begin(), shapes);
  for (auto& other : other_ranks(shapes)) sizes.push_back(other);
  std::vector<Mode> modes = {Mode::evaluation};
  if (d.kind != "metric") modes.push_back(Mode::training);
  for (Mode mode : modes)
    for (size_t i = 0; i < sizes.size(); ++i)
      for (auto& inputs : kinds_of_inputs(d, sizes[i])) {
        const bool documented =
            i == 0 && inputs.size() == shapes.size() && std::ranges::none_of(inputs, [](auto& o) { return o.dtype.has_value(); });
        const std::string what = text_of(inputs, mode);
        found.at(what);
        try {
          list.push_back({settings, inputs, mode, what, plugin_case(d, settings, inputs, mode)});
        } catch (const Error& e) {
          if (!refusals) {  // the checks of the example and of shapes tell it
            if (documented) found.leave_out("the documented example is refused; see the check example");
            continue;
          }
          if (documented) found.fault(what, ": the documented example is refused: ", e.text);
          refusals->push_back(what + ": " + e.text);
          found.expect(e.text.size() > 20, what, ": refused without a sentence that says why: \"", e.text, "\"");
        }
      }
  return list;
}

void tell(const std::string& what, const std::exception& thrown, Findings& found) {
  const std::string sentence = thrown.what();
  if (sentence.find("does not run its kernel") == sentence.npos) return found.fault(what, ": ", sentence);
  found.leave_out(sentence);
}

void hold(const std::vector<Array>& y, const std::vector<Array>& reference, double limit, const std::string& what, Findings& found) {
  if (!found.expect(y.size() == reference.size(), what, "s came: ", y.size(), " instead of ", reference.size())) return;
  for (size_t i = 0; i < y.size(); ++i) {
    std::string why;
    const double off = distance(y[i], reference[i], why);
    found.expect(off <= limit, what, " ", i, " is off by ", off, " from the reference in float64; wanted at most ", limit,
                 why.empty() ? "" : "; ", why);
  }
}
bool same_bits(const std::vector<Array>& a, const std::vector<Array>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](auto& x, auto& y) { return to_bytes(x) == to_bytes(y); });
}

}  // namespace lamina::prove
