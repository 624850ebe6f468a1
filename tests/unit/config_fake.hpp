// A catalogue without libraries, and short ways to load experiments in tests.
#pragma once
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/experiment.hpp"

namespace fake {

using lamina::Attribute;
using lamina::Descriptor;
using lamina::Parameter;
using lamina::Port;

inline Parameter required(const char* name, uint32_t type, const char* domain = "", uint32_t flags = 0) {
  return {name, type, flags | LAMINA_REQUIRED, domain, "doc of " + std::string(name), "", {}};
}
template <class T>
Parameter optional(const char* name, T value, const char* domain = "", uint32_t flags = 0) {
  Attribute initial(name, value);
  return {name, initial.type, flags, domain, "doc of " + std::string(name), "", initial};
}
inline Parameter absent(const char* name, uint32_t type, const char* domain = "") { return {name, type, 0, domain, "doc", "", {}}; }

constexpr uint32_t integers = uint32_t(LAMINA_INTEGER) | LAMINA_LIST;

class Catalogue : public lamina::Catalogue {
 public:
  Catalogue() {
    const Port x{"x", "", 0}, y{"y", "", 0}, prediction{"prediction", "", 0}, target{"target", "", 0},
        weight{"weight", "", LAMINA_OPTIONAL_INPUT};
    add("layer", "conv",
        {required("filters", LAMINA_INTEGER, "[1, inf)"), required("kernel", integers, "[1, inf)", LAMINA_PER_AXIS),
         optional("stride", lamina::Shape{1}, "[1, inf)", LAMINA_PER_AXIS), optional("padding", std::string("valid"), "same | valid"),
         optional("bias", true)},
        {x}, {y});
    add("layer", "dense", {required("units", LAMINA_INTEGER, "[1, inf)")}, {x}, {y});
    add("layer", "relu", {}, {x}, {y});
    add("layer", "dropout", {optional("probability", 0.5, "[0, 1)")}, {x}, {y});
    add("layer", "add", {}, {{"x", "", LAMINA_MANY}}, {y});
    add("layer", "attend", {}, {x, {"mask", "", LAMINA_OPTIONAL_INPUT}}, {y, {"map", "", 0}});
    add("layer", "parameter", {required("shape", integers, "[1, inf)")}, {}, {y});
    add("layer", "convert", {required("to", LAMINA_DTYPE), absent("scale", LAMINA_REAL, "(0, inf)")}, {x}, {y});
    add("layer", "broken", {}, {x}, {y});
    add("layer", "clash", {optional("inputs", 1.0)}, {x}, {y});
    add("loss", "cross_entropy", {optional("smoothing", 0.0, "[0, 1)")}, {prediction, target, weight}, {y});
    add("loss", "mse", {}, {prediction, target}, {y});
    add("metric", "accuracy", {}, {prediction, target, weight}, {});
    add("metric", "top_k", {optional("k", int64_t(5), "[1, inf)")}, {prediction, target}, {});
    add("initializer", "he", {}, {}, {});
    add("initializer", "normal", {optional("deviation", 0.01, "(0, inf)")}, {}, {});
    add("optimizer", "sgd", {}, {}, {});
    add("optimizer", "momentum", {optional("momentum", 0.9, "[0, 1)", LAMINA_PER_STEP)}, {}, {});
    add("schedule", "constant", {}, {}, {});
    add("schedule", "cosine", {optional("final_rate", 0.0, "[0, inf)")}, {}, {});
    add("transform", "normalize", {optional("mean", std::vector<double>{0.0}, "", LAMINA_PER_AXIS)}, {x}, {y});
    add("dataset", "idx", {required("path", LAMINA_TEXT, "", LAMINA_PATH)}, {}, {{"input", "", 0}, {"target", "", 0}});
    add("dataset", "hdf5", {required("file", LAMINA_TEXT, "", LAMINA_PATH), absent("columns", uint32_t(LAMINA_TEXT) | LAMINA_LIST)}, {},
        {});
    add("backend", "cpu", {optional("threads", int64_t(0), "[0, 1024]")}, {}, {});
    add("backend", "reference", {optional("precision", std::string("float64"), "float32 | float64"), absent("device", LAMINA_TEXT)}, {},
        {});
    add("backend", "gpu", {optional("device", std::string("first")), optional("precision", std::string("float16"), "float32 | float16")},
        {}, {});
  }
  std::vector<std::string> names(const std::string& kind) override {
    std::vector<std::string> all;
    for (const auto& [key, d] : plugins_)
      if (key.first == kind) all.push_back(key.second);
    return all;
  }
  const Descriptor& find(const std::string& kind, const std::string& name) override {
    if (name == "broken") throw std::runtime_error("The plugin broken.so was built for version 2 of the interface.");
    return plugins_.at({kind, name});
  }

 private:
  void add(const char* kind, const char* name, std::vector<Parameter> parameters, std::vector<Port> inputs, std::vector<Port> results) {
    Descriptor d;
    d.kind = kind, d.name = name;
    d.parameters = std::move(parameters), d.inputs = std::move(inputs), d.results = std::move(results);
    plugins_[{kind, name}] = std::move(d);
  }
  std::map<std::pair<std::string, std::string>, Descriptor> plugins_;
};

inline Catalogue& catalogue() {
  static Catalogue all;
  return all;
}

/// An experiment with these layers (JSON) and further members of the file.
inline std::string file(const std::string& layers, const std::string& more = "", const std::string& blocks = "") {
  return R"({"dataset": {"type": "idx", "path": "data"}, )" + more + R"("network": {)" + blocks + "\n\"layers\": [\n" + layers +
         "\n]},\n"
         R"("loss": {"type": "cross_entropy"}, "optimizer": {"type": "sgd", "learning_rate": 0.1}, "training": {"epochs": 1, "batch_size": 4}})";
}
inline lamina::Experiment load(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return lamina::load_experiment(text, "/exp/f.json", catalogue(), overrides);
}
/// All faults, one per line; "" when there are none. "/exp/" is cut off names.
inline std::string faults(const std::string& text, const std::vector<std::string>& overrides = {}, int* exit = nullptr) {
  try {
    load(text, overrides);
    return "";
  } catch (const lamina::ConfigError& error) {
    if (exit) *exit = int(error.exit);
    std::string all = error.what();
    for (size_t at; (at = all.find("/exp/f.json")) != all.npos;) all.erase(at, 5);
    return all;
  }
}
inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace fake
