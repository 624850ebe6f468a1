#include <lamina/schedule.hpp>
using namespace lamina;

/// The experiment's learning rate in every step.
struct Constant {
  double rate(const Moment& now) const { return now.learning_rate; }
};
LAMINA_SCHEDULE(Constant, "constant", "the same learning rate in every step")
