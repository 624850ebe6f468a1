/// Proves a plugin: the checks that its kind must pass. The conformance suite runs them over every plugin that is found, `lamina plugins
/// check` over one that nobody has seen before.
#pragma once
#include <string>
#include <vector>

#include "config/descriptor.hpp"
#include "prove/evaluation.hpp"
#include "prove/findings.hpp"

namespace lamina::prove {

/// What is proved. A backend must be what `catalogue` finds under its name.
struct Subject {
  const Descriptor& plugin;
  Catalogue& catalogue;  ///< the backends, and initializers of parameters
  Backend truth() const { return {&catalogue, "reference", "float64"}; }
};

struct Check {
  const char* name;                ///< "gradients"
  const char* claim;               ///< what it proves, as a sentence's end: "derivatives are those of finite differences"
  std::vector<std::string> kinds;  ///< of plugins it is made for
  void (*run)(const Subject&, Findings&);
};

/// All checks, in the order in which they are told.
const std::vector<Check>& checks();
/// Their names, for help and messages.
std::vector<std::string> names_of_checks();
/// Makes a check; whatever is thrown on the way becomes a fault.
void run_check(const Check& check, const Subject& subject, Findings& found);

// The checks; each file holds those of some kinds.
void check_parameters(const Subject&, Findings&);
void check_example(const Subject&, Findings&);
void check_shapes(const Subject&, Findings&);
void check_gradients(const Subject&, Findings&);
void check_backends(const Subject&, Findings&);
void check_repeatability(const Subject&, Findings&);
void check_modes(const Subject&, Findings&);
void check_kernels(const Subject&, Findings&);
void check_sums(const Subject&, Findings&);
void check_descent(const Subject&, Findings&);
void check_update(const Subject&, Findings&);
void check_values(const Subject&, Findings&);
void check_rate(const Subject&, Findings&);
void check_samples(const Subject&, Findings&);
void check_reading(const Subject&, Findings&);
void check_devices(const Subject&, Findings&);
void check_ops(const Subject&, Findings&);
void check_steps(const Subject&, Findings&);

}  // namespace lamina::prove
