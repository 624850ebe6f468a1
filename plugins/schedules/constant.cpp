#include <lamina/schedule.hpp>
using namespace lamina;

struct Constant {
  void declare(Declaration& d) {
    d.formula("η = η₀");
    d.details("η₀ is the optimizer's learning_rate.");
    d.example("{}");
  }
  double rate(const Moment& now) const { return now.learning_rate; }
};
LAMINA_SCHEDULE(Constant, "constant", "the same learning rate in every step")
