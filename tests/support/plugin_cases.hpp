/// Cases made from what a plugin documents of itself: its example's settings and shapes, and sizes near to them.
#pragma once
#include "config/descriptor.hpp"
#include "support/op_cases.hpp"

namespace lamina::test {

/// "layer conv"
std::string title(const Descriptor& d);

/// The settings of the plugin's documented example, complete with defaults; of {} where it has none. CHECKs that they are legal.
std::vector<Attribute> example_settings(const Descriptor& d);
/// Shapes of the inputs of its documented example. CHECKs that it has one, with as many shapes as the plugin takes inputs.
std::vector<Shape> example_shapes(const Descriptor& d);
/// The shapes with a batch of 1, and with each axis one longer.
std::vector<std::vector<Shape>> near(const std::vector<Shape>& shapes);

enum class Mode { evaluation, training };

/// A layer, loss, transform or metric as a case of Evaluation: the operands are its inputs, then its parameters, then the states it keeps
/// (drawn positive, as variances are). The results are its results; with `next`, then the next versions of the states.
struct PluginCase : OpCase {
  size_t inputs = 0, results = 0;
  std::vector<std::string> kept;        ///< names of the operands behind the inputs
  std::vector<std::string> parameters;  ///< those of them that are learned
  std::vector<std::string> assigned;    ///< those whose next version it makes
};
/// Throws Error with the plugin's sentence where it refuses the inputs.
PluginCase plugin_case(const Descriptor& d, const std::vector<Attribute>& settings, const std::vector<Operand>& inputs, Mode mode,
                       bool next = false);

/// Records one update of an optimizer for the parameter at `path` of a graph; returns the next weights.
Tensor record_update(const Descriptor& d, const std::vector<Attribute>& settings, Scope& scope, const std::string& path, const Tensor& w,
                     const Tensor& g);

}  // namespace lamina::test
