/// What every kind of plugin shares: parameters declared once, and the border where exceptions end.
/// A plugin is a struct whose members are its parameters; `declare` names them, together with inputs, results and a documented example.
#pragma once
#include <cstddef>
#include <cstring>
#include <string_view>

#include "members.hpp"

namespace lamina {

/// Handed to `declare`: once to learn what the plugin takes, then before each call to fill the members in.
/// A member is bool, int64_t, double, Scalar, std::string, Path, PerAxis, PerChannel, Padding, Shape, std::vector<double>,
/// std::vector<std::string>, or std::optional of one of these (no default). Its value in a fresh struct is the default. Or it is a
/// Named<T>, which starts empty.
class Declaration {
 public:
  void input(const char* name, const char* doc) { inputs.push_back({sizeof(lamina_port), 0, name, doc}); }
  void result(const char* name, const char* doc) { results.push_back({sizeof(lamina_port), 0, name, doc}); }
  /// Of a plugin that returns Tensors: as many results as its settings say, named part_0, part_1, … where `name` is "part".
  void result_list(const char* name, const char* doc) { results.push_back({sizeof(lamina_port), LAMINA_MANY, name, doc}); }
  template <class T>
  void required(const char* name, T& member, Domain domain, const char* doc, Unit unit = Unit(nullptr)) {
    add(LAMINA_REQUIRED, name, member, domain.text, doc, unit);
  }
  template <class T>
  void required(const char* name, T& member, const char* doc) {
    add(LAMINA_REQUIRED, name, member, nullptr, doc, Unit(nullptr));
  }
  template <class T>
  void optional(const char* name, T& member, Domain domain, const char* doc, Unit unit = Unit(nullptr)) {
    add(0, name, member, domain.text, doc, unit);
  }
  template <class T>
  void optional(const char* name, T& member, const char* doc) {
    add(0, name, member, nullptr, doc, Unit(nullptr));
  }
  /// Settings and input shapes of an example, as JSON texts: ({"filters": 4, "kernel": 3}, [[2, 3, 8, 8]]). It is printed in the documents
  /// and run by the conformance suite; kinds that take no tensors have no shapes.
  void example(const char* settings, const char* shapes = nullptr) { example_settings = settings, example_shapes = shapes; }
  /// What it computes, one line or several: "y = x · sigmoid(βx)".
  void formula(const char* text) { formula_text = text; }
  /// What else a reader must know, in whole sentences: what is learned and in which shape, special values, cost, what is refused.
  void details(const char* text) { details_text = text; }
  /// Who published it: author, venue, year, equation.
  void source(const char* text) { source_text = text; }

  // The rest is for the border.
  std::vector<lamina_parameter> parameters;
  std::vector<lamina_port> inputs, results;
  std::vector<Attribute> defaults;
  const char *example_settings = nullptr, *example_shapes = nullptr;
  const char *formula_text = nullptr, *details_text = nullptr, *source_text = nullptr;
  bool filling = false;
  Scope* graph = nullptr;  ///< where Scalars are bound; null outside of recorded formulas
  const lamina_attribute* settings = nullptr;
  uint32_t setting_count = 0;
  std::string within;  ///< "parameters.beta." while the members of one entry of a Named are filled in

 private:
  template <class T>
  void add(uint32_t flags, const char* name, T& member, const char* domain, const char* doc, Unit unit) {
    if (filling) {
      for (uint32_t i = 0; i < setting_count; ++i)
        if (!std::strcmp(settings[i].name, name) && settings[i].count) read(settings[i], member);
      return bind(name, member);
    }
    if (!doc || !*doc) throw Error(describe("parameter \"", name, "\" has no documentation"));
    for (auto& d : defaults)
      if (d.name == name) throw Error(describe("parameter \"", name, "\" is declared twice"));
    defaults.push_back(flags & LAMINA_REQUIRED ? forgotten(initial(name, member)) : initial(name, member));
    parameters.push_back({sizeof(lamina_parameter), flags | flags_of<T>(), domain, doc, {}, unit.text});
  }

  /// The keys as the list of texts NAME.*, and of each member of T a list NAME.*.MEMBER: see lamina_parameter.
  template <class T>
  void add(uint32_t flags, const char* name, Named<T>& named, const char*, const char* doc, Unit unit) {
    const std::string keys = std::string(name) + ".*", prefix = keys + ".";
    if (filling) return fill(name, keys, named);
    if (!doc || !*doc) throw Error(describe("parameter \"", name, "\" has no documentation"));
    Declaration each;
    T().declare(each);
    defaults.emplace_back(keys, std::vector<std::string>());
    parameters.push_back({sizeof(lamina_parameter), flags, nullptr, doc, {}, unit.text});
    for (size_t i = 0; i < each.parameters.size(); ++i) {
      if (each.defaults[i].is_list())
        throw Error(describe("parameter \"", prefix, each.defaults[i].name, "\" is a list; wanted one value"));
      each.defaults[i].name = prefix + each.defaults[i].name, each.defaults[i].type |= LAMINA_LIST;
      defaults.push_back(each.defaults[i]), parameters.push_back(each.parameters[i]);
    }
  }
  template <class T>
  void fill(const char* name, const std::string& keys, Named<T>& named) {
    for (const lamina_attribute* s = settings; s != settings + setting_count; ++s)
      for (uint32_t k = 0; keys == s->name && k < s->count; ++k) {
        std::vector<lamina_attribute> values;  // those of key k
        for (uint32_t i = 0; i < setting_count; ++i)
          if (!std::strncmp(settings[i].name, keys.c_str(), keys.size()) && settings[i].name[keys.size()] && k < settings[i].count) {
            const size_t size = (settings[i].type & ~uint32_t(LAMINA_LIST)) == LAMINA_TEXT ? sizeof(const char*) : sizeof(int64_t);
            values.push_back({settings[i].name + keys.size() + 1, settings[i].type & ~uint32_t(LAMINA_LIST), 1,
                              static_cast<const char*>(settings[i].data) + k * size});
          }
        Declaration each;
        each.filling = true, each.graph = graph, each.settings = values.data(), each.setting_count = uint32_t(values.size());
        each.within = std::string(name) + "." + text(*s, k) + ".";
        named.entries.emplace_back(text(*s, k), T()).second.declare(each);
      }
  }

  template <class T>
  void bind(const char*, T&) {}
  template <class T>
  void bind(const char* name, Each<T>& m) {
    m.name = name;
  }
  template <class T>
  void bind(const char* name, std::optional<Each<T>>& m) {
    if (m) m->name = name;
  }
  void bind(const char* name, Padding& m) { m.name = name; }
  void bind(const char* name, Scalar& m) {
    if (graph) m.bound = graph->emit("scalar", {}, {{"name", within + name}})[0];
  }

  template <class T>
  static constexpr uint32_t flags_of() {
    if constexpr (std::is_same_v<T, Scalar>) return LAMINA_PER_STEP;
    if constexpr (std::is_same_v<T, Path> || std::is_same_v<T, std::optional<Path>>) return LAMINA_PATH;
    if constexpr (is_each<T>) return LAMINA_PER_AXIS;
    if constexpr (std::is_same_v<T, Padding>) return LAMINA_PADDING;
    return 0;
  }
  template <class T>
  static Attribute initial(const char* name, const T& v) {
    return Attribute(name, v);
  }
  template <class T>
  static Attribute initial(const char* name, const Each<T>& v) {
    return Attribute(name, v.values);
  }
  static Attribute initial(const char* name, const Scalar& v) { return Attribute(name, v.value); }
  static Attribute initial(const char* name, const Path& v) { return Attribute(name, v.text); }
  static Attribute initial(const char* name, const Padding& v) { return Attribute(name, v.code); }
  template <class T>
  static Attribute initial(const char* name, const std::optional<T>&) {  // the type, and no value
    return forgotten(initial(name, T{}));
  }
  static Attribute forgotten(Attribute a) {
    a.integers.clear(), a.reals.clear(), a.texts.clear();
    return a;
  }

  static void wanted(const lamina_attribute& a, uint32_t type) {
    if ((a.type & ~uint32_t(LAMINA_LIST)) != type)
      throw Error(describe("the setting \"", a.name, "\" arrived with another type than declared"));
  }
  static int64_t integer(const lamina_attribute& a, uint32_t i) { return static_cast<const int64_t*>(a.data)[i]; }
  static double real(const lamina_attribute& a, uint32_t i) {
    if ((a.type & ~uint32_t(LAMINA_LIST)) == LAMINA_INTEGER) return double(integer(a, i));
    return wanted(a, LAMINA_REAL), static_cast<const double*>(a.data)[i];
  }
  static const char* text(const lamina_attribute& a, uint32_t i) {
    return wanted(a, LAMINA_TEXT), static_cast<const char* const*>(a.data)[i];
  }
  static void read(const lamina_attribute& a, bool& m) { wanted(a, LAMINA_BOOLEAN), m = integer(a, 0) != 0; }
  static void read(const lamina_attribute& a, int64_t& m) { wanted(a, LAMINA_INTEGER), m = integer(a, 0); }
  static void read(const lamina_attribute& a, double& m) { m = real(a, 0); }
  static void read(const lamina_attribute& a, Scalar& m) { m.value = real(a, 0); }
  static void read(const lamina_attribute& a, std::string& m) { m = text(a, 0); }
  static void read(const lamina_attribute& a, Path& m) { m.text = text(a, 0); }
  static void read(const lamina_attribute& a, Padding& m) { read(a, m.code); }
  static void read(const lamina_attribute& a, Shape& m) {
    wanted(a, LAMINA_INTEGER), m.assign(a.count, 0);
    for (uint32_t i = 0; i < a.count; ++i) m[i] = integer(a, i);
  }
  static void read(const lamina_attribute& a, std::vector<double>& m) {
    m.assign(a.count, 0);
    for (uint32_t i = 0; i < a.count; ++i) m[i] = real(a, i);
  }
  static void read(const lamina_attribute& a, std::vector<std::string>& m) {
    m.clear();
    for (uint32_t i = 0; i < a.count; ++i) m.push_back(text(a, i));
  }
  template <class T>
  static void read(const lamina_attribute& a, Each<T>& m) {
    read(a, m.values);
  }
  template <class T>
  static void read(const lamina_attribute& a, std::optional<T>& m) {
    read(a, m.emplace());
  }
};

namespace border {

template <class T>
concept Declares = requires(T t, Declaration d) {
  t.declare(d);
};

/// Runs `body`; whatever it throws becomes a status here and a text in the host.
template <class Body>
lamina_status guard(const lamina_host* host, lamina_scope* handle, Body body) noexcept {
  try {
    body();
    return 0;
  } catch (const Error& e) {
    if (!e.text.empty()) host->fail(handle, e.text.c_str());
    if (!e.setting.empty() && host->size > offsetof(lamina_host, point_at) && host->point_at)
      host->point_at(handle, e.setting.c_str(), e.place.c_str());
  } catch (const std::exception& e) {
    host->fail(handle, e.what());
  } catch (...) {
    host->fail(handle, "the plugin threw something that is no std::exception");
  }
  return 1;
}

/// A T whose members hold the settings. `graph` binds its Scalars; null where nothing is recorded (initializers, schedules, datasets,
/// backends).
template <class T>
T configured(const lamina_attribute* settings, uint32_t count, Scope* graph = nullptr) {
  T t;
  Declaration d;
  d.filling = true, d.graph = graph, d.settings = settings, d.setting_count = count;
  if constexpr (Declares<T>) t.declare(d);
  return t;
}

/// The descriptor that lamina_plugin_v1 returns. Border: {Plugin (the author's struct), table, complete(Declaration&) (checks and finishes
/// the ports)}. A declaration that is wrong in itself gives a descriptor without name, whose doc says what is wrong.
template <class Border>
const lamina_plugin* descriptor(const char* kind, const char* name, const char* doc, const char* version) noexcept {
  static Declaration kept;
  static lamina_plugin plugin{};
  static std::string wrong;
  if (plugin.size) return &plugin;
  plugin.size = sizeof plugin, plugin.major = LAMINA_MAJOR, plugin.minor = LAMINA_MINOR;
  plugin.kind = kind, plugin.doc = doc, plugin.version = version;
  try {
    typename Border::Plugin t;
    if constexpr (Declares<typename Border::Plugin>) t.declare(kept);
    Border::complete(kept);
    for (size_t i = 0; i < kept.parameters.size(); ++i) kept.parameters[i].initial = kept.defaults[i].view();
  } catch (const std::exception& e) {
    wrong = e.what();
    return plugin.doc = wrong.c_str(), &plugin;
  }
  plugin.name = name, plugin.table = &Border::table;
  plugin.parameters = kept.parameters.data(), plugin.parameter_count = uint32_t(kept.parameters.size());
  plugin.inputs = kept.inputs.data(), plugin.input_count = uint32_t(kept.inputs.size());
  plugin.results = kept.results.data(), plugin.result_count = uint32_t(kept.results.size());
  plugin.example = kept.example_settings, plugin.example_shape = kept.example_shapes, plugin.formula = kept.formula_text,
  plugin.details = kept.details_text, plugin.source = kept.source_text;
  return &plugin;
}

}  // namespace border
}  // namespace lamina

#ifndef LAMINA_PLUGIN_VERSION
#define LAMINA_PLUGIN_VERSION "1.0.0"
#endif
/// The one symbol that a plugin exports. `...` is the border of its kind, for example lamina::border::Layer<Type>.
#define LAMINA_PLUGIN(kind, name, doc, ...)                                                       \
  extern "C" __attribute__((visibility("default"))) const lamina_plugin* lamina_plugin_v1(void) { \
    return lamina::border::descriptor<__VA_ARGS__>(kind, name, doc, LAMINA_PLUGIN_VERSION);       \
  }
