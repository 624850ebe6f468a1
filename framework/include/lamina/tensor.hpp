/// Tensors as symbols: every operator records one op of the graph. Nothing is computed here.
#pragma once
#include <cmath>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abi.h"
#include "dtype.hpp"

namespace lamina {

class Scope;
/// Thrown by Scope::fail and by whatever the host refuses. An empty text means that the host knows the reason already. `setting` is the one
/// that is at fault ("stride", "parameters.beta"), if it is one: the host tells where the file gives it; `place` is a place in it ("column
/// 9").
struct Error : std::exception {
  explicit Error(std::string text = {}, std::string setting = {}, std::string place = {})
      : text(std::move(text)), setting(std::move(setting)), place(std::move(place)) {}
  const char* what() const noexcept override { return text.c_str(); }
  std::string text, setting, place;
};

/// Joins numbers, texts and shapes to one text: describe("wanted rank ", 2, ", got ", shape).
inline std::string piece(const char* t) { return t; }
inline std::string piece(const std::string& t) { return t; }
inline std::string piece(bool v) { return v ? "true" : "false"; }
inline std::string piece(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", v);
  return text;
}
template <class Integer>
requires std::is_integral_v<Integer> std::string piece(Integer v) { return std::to_string(v); }
inline std::string piece(const Shape& shape) {
  std::string t;
  for (auto d : shape) t += (t.empty() ? "" : ", ") + std::to_string(d);
  return "[" + t + "]";
}
template <class... Parts>
std::string describe(const Parts&... parts) {
  return (piece(parts) + ... + std::string());
}

/// A value of the graph, or a number that becomes a constant where it meets one, or nothing (an absent input). Known until the call into
/// the plugin returns.
class Tensor {
 public:
  Tensor() = default;
  Tensor(double number) : number_(number), is_number_(true) {}
  Tensor(int number) : Tensor(double(number)) {}
  Tensor(int64_t number) : Tensor(double(number)) {}
  Tensor(Scope& scope, lamina_value id) : scope_(&scope), id_(id) {}
  explicit operator bool() const { return id_ || is_number_; }
  Shape shape() const;  ///< of a number: []
  DType dtype() const;
  bool is_real() const { return lamina::is_real(dtype()); }
  int64_t size(int axis) const;  ///< of one axis; negative ones count from the last
  int rank() const { return int(shape().size()); }
  Scope* scope() const { return scope_; }
  lamina_value id_in(Scope& scope) const;  ///< a number is recorded as a constant on the way; 0 = absent

 private:
  lamina_shape described() const;
  Scope* scope_ = nullptr;
  lamina_value id_ = 0;
  double number_ = 0;
  bool is_number_ = false;
};
using Tensors = std::vector<Tensor>;

/// An op's attribute, or the default of a parameter: a name and one value or a list. Owns its data.
struct Attribute {
  Attribute(std::string n, bool v) : name(std::move(n)), type(LAMINA_BOOLEAN), integers{v} {}
  Attribute(std::string n, int v) : Attribute(std::move(n), int64_t(v)) {}
  Attribute(std::string n, int64_t v) : name(std::move(n)), type(LAMINA_INTEGER), integers{v} {}
  Attribute(std::string n, double v) : name(std::move(n)), type(LAMINA_REAL), reals{v} {}
  Attribute(std::string n, DType v) : name(std::move(n)), type(LAMINA_DTYPE), integers{int64_t(v)} {}
  Attribute(std::string n, const char* v) : Attribute(std::move(n), std::string(v)) {}
  Attribute(std::string n, std::string v) : name(std::move(n)), type(LAMINA_TEXT), texts{std::move(v)} {}
  Attribute(std::string n, Shape v) : name(std::move(n)), type(LAMINA_INTEGER | LAMINA_LIST), integers(std::move(v)) {}
  Attribute(std::string n, std::vector<double> v) : name(std::move(n)), type(LAMINA_REAL | LAMINA_LIST), reals(std::move(v)) {}
  Attribute(std::string n, std::vector<std::string> v) : name(std::move(n)), type(LAMINA_TEXT | LAMINA_LIST), texts(std::move(v)) {}
  bool is_list() const { return type & LAMINA_LIST; }
  uint32_t count() const { return uint32_t(integers.size() + reals.size() + texts.size()); }
  bool operator==(const Attribute& o) const {
    return name == o.name && type == o.type && integers == o.integers && reals == o.reals && texts == o.texts;
  }
  lamina_attribute view() const {  ///< valid while this lives unchanged
    pointers.clear();
    for (auto& t : texts) pointers.push_back(t.c_str());
    const void* data = !integers.empty() ? (const void*)integers.data() : !reals.empty() ? (const void*)reals.data() : pointers.data();
    return {name.c_str(), type, count(), data};
  }
  std::string name;
  uint32_t type;
  Shape integers;
  std::vector<double> reals;
  std::vector<std::string> texts;
  mutable std::vector<const char*> pointers;
};

/// How a parameter starts unless the experiment says otherwise: an initializer by name, and the fans only the layer can know.
struct Initializer {
  Initializer(const char* type, int64_t fan_in, int64_t fan_out) : type(type), fan_in(fan_in), fan_out(fan_out) {}
  Initializer(double constant) : type("constant"), settings{{"initializer.value", constant}} {}
  std::string type;
  int64_t fan_in = 0, fan_out = 0;
  std::vector<Attribute> settings;
};

/// A tensor that outlives the step. Read it: the current version. Assign to it: the next one.
class State {
 public:
  explicit State(Tensor current) : current_(std::move(current)) {}
  State(const State&) = delete;
  State& operator=(const State& next) { return *this = next.current_; }
  State& operator=(const Tensor& next);
  operator const Tensor&() const { return current_; }

 private:
  Tensor current_;
};

/// Where a plugin is while it records: one layer of one program, or one parameter's update.
class Scope {
 public:
  Scope(const lamina_host* host, lamina_scope* handle) : host(host), handle(handle) {}
  /// A learned tensor of this layer; the same name gives the same tensor.
  Tensor parameter(const char* name, const Shape& shape, const Initializer& start) {
    std::vector<Attribute> a = {
        {"name", name}, {"shape", shape}, {"initializer", start.type}, {"fan_in", start.fan_in}, {"fan_out", start.fan_out}};
    a.insert(a.end(), start.settings.begin(), start.settings.end());
    return emit("parameter", {}, a)[0];
  }
  /// A tensor that is kept but not learned (running statistics).
  State state(const char* name, const Shape& shape, double value = 0) {
    return State(emit("state", {}, {{"name", name}, {"shape", shape}, {"value", value}})[0]);
  }
  /// Uniform in [0, 1), a multiple of 2⁻²⁴. `stream` names it within the layer.
  Tensor random_uniform(const Shape& shape, const char* stream = "");
  /// Whether the program trains; false for a layer that the experiment keeps in evaluation.
  bool training() const { return host->training(handle); }
  /// Whether the host knows an op of this name (it may be older than the plugin).
  bool supports(const char* op) const { return host->supports && host->supports(handle, op); }
  /// Refuses with a sentence; numbers, texts and shapes are joined. The host puts the layer's path in front.
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw Error(describe(parts...));
  }

  /// Records one op of the list by name; at most 16 results. Error without text when the host refuses: it knows why.
  Tensors emit(const char* op, const Tensors& in, const std::vector<Attribute>& attributes = {}) {
    const std::vector<lamina_value> ids = values(in);
    std::vector<lamina_attribute> views;
    for (auto& a : attributes) views.push_back(a.view());
    lamina_value out[16];
    uint32_t count = 16;
    if (host->emit(handle, op, ids.data(), uint32_t(ids.size()), views.data(), uint32_t(views.size()), out, &count)) throw Error();
    Tensors results;
    for (uint32_t i = 0; i < count; ++i) results.emplace_back(*this, out[i]);
    return results;
  }
  std::vector<lamina_value> values(const Tensors& tensors) {
    std::vector<lamina_value> ids;
    for (auto& t : tensors) ids.push_back(t.id_in(*this));
    return ids;
  }
  const lamina_host* host;
  lamina_scope* handle;
};

/// Records `op` where its first real tensor lives.
inline Tensor record(const char* op, const Tensors& in, const std::vector<Attribute>& attributes = {}) {
  for (auto& t : in)
    if (t.scope()) return t.scope()->emit(op, in, attributes)[0];
  throw Error(std::string(op) + " needs at least one tensor");
}
inline lamina_shape Tensor::described() const {
  lamina_shape s{};
  if (!scope_ || scope_->host->shape(scope_->handle, id_, &s))
    throw Error(is_number_ || !id_ ? "the shape of a number or of nothing was asked for" : "");
  return s;
}
inline Shape Tensor::shape() const {
  if (is_number_) return {};
  const lamina_shape s = described();
  return Shape(s.dims, s.dims + s.rank);
}
/// An axis counted from the first; Error when the shape has none there.
inline size_t axis_of(const Shape& shape, int axis) {
  const int64_t rank = int64_t(shape.size());
  if (axis < -rank || axis >= rank) throw Error(describe("axis ", axis, " does not exist in the shape ", shape));
  return size_t(axis < 0 ? axis + rank : axis);
}
inline int64_t Tensor::size(int axis) const {
  const Shape s = shape();
  return s[axis_of(s, axis)];
}
inline DType Tensor::dtype() const { return DType(described().dtype); }
inline lamina_value Tensor::id_in(Scope& scope) const { return is_number_ ? scope.emit("constant", {}, {{"value", number_}})[0].id_ : id_; }
inline State& State::operator=(const Tensor& next) {
  current_ = record("assign", {current_, next});
  return *this;
}

}  // namespace lamina

#include "algebra.hpp"
