#include <lamina/expression.hpp>
#include <lamina/layer.hpp>
using namespace lamina;

struct Weight {
  double initial = 0;
  bool trainable = true;
  std::string per = "layer";

  void declare(Declaration& d) {
    d.required("initial", initial, "value at the start, unless the experiment names an initializer for it");
    d.optional("trainable", trainable, "false: the number stays, and is part of the plan");
    d.optional("per", per, "layer | channel | element", "what has one: the layer, each channel of x, each element of a sample of x");
  }
};
struct Expression {
  std::string formula;
  Named<Weight> parameters;

  void declare(Declaration& d) {
    d.formula("y = forward");
    d.details(
        "forward is a formula in x (of several inputs x1, x2, …; x is x1), numbers under \"parameters\", and `training`, which is 1 while "
        "training and 0 in evaluation; docs/expressions.md tells the language. A trainable parameter is learned: one number for the layer, "
        "or one per channel [channels], or one per element of a sample. Another one is a number of the plan, as if it stood in the "
        "formula. It costs what its operators cost; elementwise ones run as one.");
    d.required("forward", formula, "formula of the result, name = …; before it");
    d.optional("parameters", parameters, "the formula's own numbers by name");
    d.input("x", "any shape; several are x1, x2, …");
    d.result("y", "as the formula says");
    d.example(R"-({"forward": "x * sigmoid(beta * x)", "parameters": {"beta": {"initial": 1.5, "per": "channel"}}})-", "[[2, 3]]");
  }
  Tensor forward(Scope& s, Tensors x) const {
    std::vector<expression::Name> names = {{"training", "whether it trains", [&] { return Tensor(s.training() ? 1 : 0); }},
                                           {"x", "an input", [&] { return x[0]; }}};
    for (size_t i = 0; i < x.size(); ++i) names.push_back({describe("x", i + 1), "an input", [&, i] { return x[i]; }});
    for (auto& [name, weight] : parameters)
      names.push_back({name, "a parameter", [value = learned(s, name, weight, x[0])] { return value; }, {}, "parameters." + name});
    return expression::Formula(formula, "forward", names).record(s, x[0]);
  }

 private:
  static Tensor learned(Scope& s, const std::string& name, const Weight& w, const Tensor& x) {
    if (!w.trainable) return w.initial;
    if (w.per == "layer") return s.parameter(name.c_str(), {}, w.initial);
    Shape shape = x.shape();
    if (shape.size() < (w.per == "channel" ? 2 : 1))
      throw Error(describe("x has no ", w.per, "s, its shape is ", shape), "parameters." + name + ".per");
    if (w.per == "channel") return per_channel(s.parameter(name.c_str(), {shape[1]}, w.initial), x);
    shape.erase(shape.begin());
    return s.parameter(name.c_str(), shape, w.initial);
  }
};
LAMINA_LAYER(Expression, "expression", "a formula of the experiment")
