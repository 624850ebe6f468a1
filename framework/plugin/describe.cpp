#include "plugin/describe.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

#include "base/text.hpp"
#include "config/domain.hpp"

namespace lamina {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error(why); }

constexpr uint32_t most_entries = 4096;               // parameters, ports, elements of a default
constexpr size_t longest_text = 1 << 20;              // bytes
constexpr size_t first_function = 2 * sizeof(void*);  // of a table: size, and the function that every version of its kind has

std::string text(const char* t) {
  if (!t) return {};
  const size_t length = strnlen(t, longest_text);
  if (length == longest_text) refuse("has a text without end");
  std::string copy(t, length);
  if (first_invalid_utf8(copy) != copy.size()) refuse("has a text that is no UTF-8");
  return copy;
}
std::string wanted(const char* t, const std::string& what) {
  const std::string copy = text(t);
  if (copy.empty()) refuse("has " + what);
  return copy;
}

/// Element i of an array whose stride is the writer's size of its struct.
template <class T>
T element(const T* array, uint32_t i, size_t least) {
  const auto check = [&](uint32_t size) {
    if (least > size || size > (1 << 16)) refuse("has a table whose entries are " + std::to_string(size) + " bytes long");
  };
  check(array->size);  // the stride; each entry has a size of its own
  check(reinterpret_cast<const T*>(reinterpret_cast<const char*>(array) + size_t(i) * array->size)->size);
  return border::item_sized(array, i);
}

Attribute default_of(const lamina_attribute& a, const std::string& name) {
  Attribute copy(name, false);
  copy.type = a.type, copy.integers.clear();
  if (a.count > most_entries || (a.count && !a.data)) refuse("gives parameter " + in_quotes(name) + " a default that cannot be read");
  for (uint32_t i = 0; i < a.count; ++i) {
    if ((a.type & 0xff) == LAMINA_REAL)
      copy.reals.push_back(static_cast<const double*>(a.data)[i]);
    else if ((a.type & 0xff) == LAMINA_TEXT)
      copy.texts.push_back(text(static_cast<const char* const*>(a.data)[i]));
    else
      copy.integers.push_back(static_cast<const int64_t*>(a.data)[i]);
  }
  return copy;
}

/// A default that the experiment file would refuse cannot be written into the record of a run and read again.
void check_default(const Parameter& p) {
  if (!p.initial || p.flags & LAMINA_PATH) return;
  const DomainText domain = [&] {
    try {
      return DomainText(p.domain);
    } catch (const std::exception&) {
      refuse("gives parameter " + in_quotes(p.name) + " the domain " + in_quotes(p.domain) + ", which is neither an interval nor a choice");
    }
  }();
  const auto want = [&](bool inside, const std::string& value) {
    if (!inside) refuse("gives parameter " + in_quotes(p.name) + " the default " + value + ", which is outside of its domain " + p.domain);
  };
  for (double v : p.initial->reals) want(domain.contains(v), piece(v));
  for (auto& v : p.initial->texts) want(domain.contains(v), in_quotes(v));
  if ((p.type & ~uint32_t(LAMINA_LIST)) == LAMINA_INTEGER)
    for (size_t i = p.flags & LAMINA_PADDING && p.initial->integers[0] < 0; i < p.initial->integers.size(); ++i)  // behind its code
      want(domain.contains(double(p.initial->integers[i])), piece(p.initial->integers[i]));
}

Parameter parameter_of(const lamina_parameter& p) {
  Parameter copy;
  copy.name = wanted(p.initial.name, "a parameter without name");
  const std::string here = "parameter " + in_quotes(copy.name);
  const uint32_t type = p.initial.type & ~uint32_t(LAMINA_LIST);
  if (type < LAMINA_BOOLEAN || type > LAMINA_TEXT) refuse("gives " + here + " an unknown type");
  if ((p.flags & LAMINA_PADDING) && p.initial.type != (uint32_t(LAMINA_INTEGER) | LAMINA_LIST))
    refuse("declares " + here + ", a padding, other than as a list of integers");
  copy.type = p.initial.type, copy.flags = p.flags;
  copy.doc = wanted(p.doc, here + " without documentation");
  copy.domain = text(p.domain), copy.unit = text(p.unit);
  if (p.initial.count) copy.initial = default_of(p.initial, copy.name);
  check_default(copy);
  return copy;
}

/// Takes the next declared parameter into the list: NAME.* opens an object of names (`open`), each NAME.*.FIELD behind it is a field of
/// that.
void take(Parameter p, std::vector<Parameter>& parameters, bool& open) {
  const std::string here = "parameter " + in_quotes(p.name);
  const size_t star = p.name.find(".*");
  const std::string name = p.name.substr(0, star), behind = star == p.name.npos ? "" : p.name.substr(star + 2);
  const bool is_field = !behind.empty();
  if (!is_name(name) || (is_field && (behind[0] != '.' || !is_name(behind.substr(1)))))
    refuse("names a " + here + "; wanted lower case letters, digits and _");
  if (is_field && (!open || parameters.back().name != name))
    refuse("declares " + here + " elsewhere than behind " + in_quotes(name + ".*"));
  if (!is_field && open && parameters.back().fields.empty()) refuse("does not say what stands in " + in_quotes(parameters.back().name));
  std::vector<Parameter>& list = is_field ? parameters.back().fields : parameters;
  if (!is_field) open = star != p.name.npos;
  p.name = is_field ? behind.substr(1) : name;
  if (std::ranges::find(list, p.name, &Parameter::name) != list.end()) refuse("declares " + here + " twice");
  if (is_field) {
    const size_t defaults = p.initial ? p.initial->count() : 0, wanted = p.flags & LAMINA_REQUIRED ? 0 : 1;
    if (!(p.type & LAMINA_LIST) || (p.flags & LAMINA_PER_AXIS) || defaults != wanted)
      refuse("declares " + here + " other than as a list whose default is one element, or none where it is required");
    p.type &= ~uint32_t(LAMINA_LIST);
    if (p.initial) p.initial->name = p.name, p.initial->type = p.type;
  } else if (open && p.type != (uint32_t(LAMINA_TEXT) | LAMINA_LIST)) {
    refuse("declares " + here + " other than as a list of texts");
  }
  list.push_back(std::move(p));
}

std::vector<Port> ports_of(const lamina_port* ports, uint32_t count, const char* what) {
  std::vector<Port> copies;
  if (count > most_entries || (count && !ports)) refuse(std::string("has ") + what + "s that cannot be read");
  for (uint32_t i = 0; i < count; ++i) {
    const auto port = element(ports, i, sizeof(lamina_port));
    Port copy{wanted(port.name, std::string("an ") + what + " without name"), {}, port.flags};
    copy.doc = wanted(port.doc, what + (" " + in_quotes(copy.name)) + " without documentation");
    copies.push_back(std::move(copy));
  }
  return copies;
}

}  // namespace

Descriptor describe_plugin(const lamina_plugin* plugin, const std::string& kind, const std::string& name) {
  if (!plugin) refuse("gives no description of itself");
  if (plugin->size < offsetof(lamina_plugin, version))
    refuse("describes itself in " + std::to_string(plugin->size) + " bytes; wanted " + std::to_string(sizeof *plugin));
  const auto p = copy_sized<lamina_plugin>(plugin);
  if (p.major != LAMINA_MAJOR)
    refuse("is made for version " + std::to_string(p.major) + " of the plugin interface, this program has version " +
           std::to_string(LAMINA_MAJOR));
  if (!p.name) refuse("has a wrong declaration: " + text(p.doc));
  Descriptor d;
  d.kind = text(p.kind), d.name = text(p.name), d.version = text(p.version), d.minor = p.minor;
  if (!kind.empty() && d.kind != kind) refuse("says that it is a " + in_quotes(d.kind) + "; its folder is for the kind " + in_quotes(kind));
  if (!name.empty() && d.name != name) refuse("says that its name is " + in_quotes(d.name) + "; the file is named " + in_quotes(name));
  d.doc = wanted(p.doc, "no documentation");
  // The first function stands at the same place in the tables of all kinds.
  const auto* table = static_cast<const lamina_layer*>(p.table);
  if (!table || table->size < first_function || !table->forward) refuse("has no functions");
  d.table = p.table;
  d.example = text(p.example), d.example_shape = text(p.example_shape);
  d.formula = text(p.formula), d.details = text(p.details), d.source = text(p.source);
  if (p.parameter_count > most_entries || (p.parameter_count && !p.parameters)) refuse("has parameters that cannot be read");
  bool open = false;
  for (uint32_t i = 0; i < p.parameter_count; ++i)
    take(parameter_of(element(p.parameters, i, offsetof(lamina_parameter, unit))), d.parameters, open);
  if (open && d.parameters.back().fields.empty()) refuse("does not say what stands in " + in_quotes(d.parameters.back().name));
  d.inputs = ports_of(p.inputs, p.input_count, "input");
  d.results = ports_of(p.results, p.result_count, "output");
  return d;
}

}  // namespace lamina
