/// Shared by the checks of what plugins record.
#pragma once
#include "prove/plugin_cases.hpp"
#include "prove/prove.hpp"

namespace lamina::prove {

/// Inputs that the plugin takes with the settings of its example.
struct Taken {
  std::vector<Attribute> settings;
  std::vector<Operand> inputs;
  Mode mode;
  std::string what;  ///< "training [2, 3, 8, 8]"
  PluginCase c;
};
/// The example and what is near it: a batch of 1, odd sizes, an axis more or less, class numbers and bytes where its kind meets them, in
/// evaluation and in training. With `refusals`, which learns what is refused, faults: the example is refused; a refusal without a sentence.
std::vector<Taken> taken_cases(const Subject& subject, Findings& found, std::vector<std::string>* refusals = nullptr);

/// What was thrown on the way is a fault of `what`, but for a kernel without the body that it would take: that is legal, and left out.
void tell(const std::string& what, const std::exception& thrown, Findings& found);

/// Faults where an array is farther from the reference's than `limit`; `what` names them: "cpu float32: result".
void hold(const std::vector<Array>& y, const std::vector<Array>& reference, double limit, const std::string& what, Findings& found);
bool same_bits(const std::vector<Array>& a, const std::vector<Array>& b);

}  // namespace lamina::prove
