/// Cases made from what a plugin documents of itself: its example's settings and shapes, and sizes near to them.
#pragma once
#include "config/descriptor.hpp"
#include "graph/graph.hpp"
#include "prove/findings.hpp"
#include "prove/op_cases.hpp"

namespace lamina::prove {

/// "layer conv"
std::string title(const Descriptor& d);

/// The settings of the plugin's documented example, complete with defaults; of {} where it has none. Faults where they are not legal.
std::vector<Attribute> example_settings(const Descriptor& d, Findings& found);
/// Shapes of the inputs of its documented example; none, and a fault, where it has none or as many as the plugin does not take.
std::vector<Shape> example_shapes(const Descriptor& d, Findings& found);
/// The shapes with a batch of 1, with each axis one longer, and with all axes behind the first of an odd prime size.
std::vector<std::vector<Shape>> near(const std::vector<Shape>& shapes);

enum class Mode { evaluation, training };

/// A layer, loss, transform or metric as a case of Evaluation: the operands are its inputs, then its parameters, then the states it keeps
/// (drawn positive, as variances are). The results are its results; with `next`, then the next versions of the states.
struct PluginCase : OpCase {
  size_t inputs = 0, results = 0;
  std::vector<std::string> kept;        ///< names of the operands behind the inputs
  std::vector<std::string> parameters;  ///< those of them that are learned
  std::vector<std::string> assigned;    ///< those whose next version it makes
  std::string recording;                ///< what the plugin recorded, as a text: equal when nothing differs
};
/// Throws Error with the plugin's sentence where it refuses the inputs.
PluginCase plugin_case(const Descriptor& d, const std::vector<Attribute>& settings, const std::vector<Operand>& inputs, Mode mode,
                       bool next = false);

/// Every node and state of a graph with all that it holds, a line each.
std::string text_of(const graph::Graph& graph);

/// Records one update of an optimizer for the parameter at `path` of a graph; returns the next weights.
Tensor record_update(const Descriptor& d, const std::vector<Attribute>& settings, Scope& scope, const std::string& path, const Tensor& w,
                     const Tensor& g);

}  // namespace lamina::prove
