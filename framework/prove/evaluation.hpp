/// Runs one case of the op table on one backend: results, the gradient of a weighted sum of them, and one more derivative.
#pragma once
#include <memory>

#include "program/session.hpp"
#include "prove/op_cases.hpp"

namespace lamina::prove {

/// A backend in one precision, and with one of its sorts of kernels where it has several.
struct Backend {
  Catalogue* catalogue;
  std::string name, precision, kernels = {};
  std::vector<Attribute> settings = {};  ///< further ones
  std::string text() const { return name + " " + precision + (kernels.empty() ? "" : " " + kernels); }
  std::string json() const;  ///< the experiment's block "backend"
  std::unique_ptr<program::Session> open() const;
};
/// What is held to `reference` in float64: itself in float32, and every other backend with a device, in float32, once for each value of its
/// setting `kernels` if it has one. `left_out` names the rest, each with the reason.
std::vector<Backend> backends_to_hold(Catalogue& catalogue, std::vector<std::string>& left_out);
/// One backend in all ways in which it is held to the reference; none where it has no device, with the reason in `why`.
std::vector<Backend> ways_of(Catalogue& catalogue, const std::string& name, std::string& why);

/// Results y of a case; g: gradient of Σ w ∘ y with respect to every real operand, w fixed; h: gradient of Σ d ∘ g, d fixed. Arrays are
/// empty where nothing depends.
struct Values {
  std::vector<Array> y, g, h;
};

class Evaluation {
 public:
  /// `derivatives`: 0 results alone, 1 g too, 2 h too. `edit`: changes the graph before it is compiled.
  Evaluation(const Backend& backend, const OpCase& c, int derivatives, const program::CompileOptions& options = {},
             const std::function<void(graph::Graph&)>& edit = nullptr);
  /// At x. What stop_gradient holds is what it is at `held` instead, if given: what derivatives take as constant stays when x moves.
  Values at(const std::vector<Array>& x, const std::vector<Array>* held = nullptr);
  const std::vector<Array>& weights() const { return weights_; }        ///< one per result; empty where it is not real
  const std::vector<Array>& directions() const { return directions_; }  ///< one per operand; empty where it is not real
  const program::Executable& executable() const { return *executable_; }

 private:
  void write(const std::string& path, Array array);
  std::unique_ptr<program::Session> session_;
  std::unique_ptr<program::Executable> executable_;
  const OpCase& case_;
  std::vector<Array> weights_, directions_;
  size_t results_ = 0;
  bool holds_ = false;  ///< whether there is a stop_gradient, and so x twice: held and moved
  std::vector<std::byte> out_;
};

/// Runs `body` on a scope of a graph of its own path; a refusal that a plugin's call told to the host is thrown with its sentence.
template <class Body>
auto recorded(lamina_scope& handle, Body body) {
  try {
    Scope scope(&graph::host_table(), &handle);
    return body(scope);
  } catch (const Error& e) {
    if (e.text.empty()) handle.raise();
    throw;
  }
}

}  // namespace lamina::prove
