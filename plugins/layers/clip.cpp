#include <lamina/layer.hpp>
using namespace lamina;

struct Clip {
  std::optional<double> low, high;

  void declare(Declaration& d) {
    d.formula("y = min(max(x, low), high)");
    d.details("The derivative is 1 from low to high, both included, else 0. low −1 and high 1 make what is called hard tanh.");
    d.optional("low", low, "(-inf, inf)", "least result; absent: there is none");
    d.optional("high", high, "(-inf, inf)", "largest result; absent: there is none");
    d.example(R"({"low": -0.5, "high": 0.75})", "[[3, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    if (!low && !high) s.fail("neither low nor high is given; wanted at least one of them");
    if (low && high && *low > *high) s.fail("low = ", *low, " is above high = ", *high);
    if (low) x = maximum(x, *low);  // a tie is x's
    return high ? minimum(x, *high) : x;
  }
};
LAMINA_LAYER(Clip, "clip", "x, at least low and at most high")
