#include <lamina/expression.hpp>
#include <lamina/optimizer.hpp>

#include <deque>
using namespace lamina;

struct Slot {
  double initial = 0;
  void declare(Declaration& d) { d.required("initial", initial, "value of all its elements at the start"); }
};
struct Number {
  Scalar value = 0;
  void declare(Declaration& d) { d.required("value", value, "the number; formulas read it by its name"); }
};
struct ExpressionOptimizer {
  std::string rule;
  Named<Slot> state;
  Named<Number> parameters;

  void declare(Declaration& d) {
    d.formula("w ← update");
    d.details(
        "update is a formula in w, its gradient g, learning_rate, step (1 in the first update), states and numbers under \"parameters\"; "
        "docs/expressions.md tells the language. A state is a tensor shaped as w that outlives the step: reading it gives the current "
        "version, `name = …;` makes the next, which is read from there on. The parameters are numbers of the step: what depends on them "
        "alone is computed on the host in float64.");
    d.required("update", rule, "formula of the next w, state = …; before it");
    d.optional("state", state, "what is kept for each w, by name");
    d.optional("parameters", parameters, "the rule's own numbers by name");
    d.example(
        R"({"state": {"v": {"initial": 0}}, "parameters": {"momentum": 0.8}, "update": "v = momentum * v + g; w - learning_rate * v"})",
        "[[3, 2]]");
  }
  Tensor update(UpdateScope& s, Tensor w, Tensor g) const {
    std::vector<expression::Name> names = {{"w", "the weights", [&] { return w; }},
                                           {"g", "their gradient", [&] { return g; }},
                                           {"learning_rate", "the learning rate", [&] { return s.learning_rate(); }},
                                           {"step", "the number of the update", [&] { return s.step(); }}};
    for (auto& [name, number] : parameters)
      names.push_back({name, "a parameter", [&number = number] { return Tensor(number.value); }, {}, "parameters." + name});
    std::deque<State> states;
    for (auto& [name, slot] : state) {
      State& kept = states.emplace_back(Tensor(s.state(name.c_str(), slot.initial)));
      names.push_back({name, "a state", [&] { return Tensor(kept); }, [&](const Tensor& next) { kept = next; }, "state." + name});
    }
    const Tensor next = expression::Formula(rule, "update", names).record(s);
    if (next.shape() != w.shape()) throw Error(describe("the next w has the shape ", next.shape(), ", w has ", w.shape()), "update");
    return next;
  }
};
LAMINA_OPTIMIZER(ExpressionOptimizer, "expression_optimizer", "an update rule of the experiment")
