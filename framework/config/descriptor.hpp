/// What a plugin says of itself, in the host's own copies, and where the host finds plugins.
#pragma once
#include <lamina/tensor.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lamina {

/// One declared parameter.
struct Parameter {
  std::string name;
  uint32_t type = LAMINA_REAL;  ///< LAMINA_BOOLEAN, … or'ed with LAMINA_LIST
  uint32_t flags = 0;           ///< LAMINA_REQUIRED, LAMINA_PER_STEP, LAMINA_PER_AXIS, LAMINA_PATH, LAMINA_PADDING
  std::string domain;           ///< "[0, 1)" or "same | valid"; of a list: of each element; "" = anything
  std::string doc, unit;
  std::optional<Attribute> initial;  ///< the default; a parameter that is neither required nor has one may be absent
  /// Not empty: an object with keys of the user's choosing, and what stands under each, none a list. A plain value under a key stands for
  /// the first. Its settings are the keys as NAME.* and lists with one element per key as NAME.*.FIELD.
  std::vector<Parameter> fields = {};
};

/// An input or a result.
struct Port {
  std::string name, doc;
  uint32_t flags = 0;  ///< LAMINA_OPTIONAL_INPUT, LAMINA_MANY
};

struct Descriptor {
  std::string kind, name, doc, version;
  std::string example, example_shape;    ///< JSON texts, or ""
  std::string formula, details, source;  ///< for documents; each may be ""
  std::vector<Parameter> parameters;
  std::vector<Port> inputs, results;
  std::string file, sha256;  ///< of the library it came from
  uint16_t minor = 0;        ///< of the interface it was built for
  const void* table =
      nullptr;  ///< of its kind (lamina_layer, …), size first: copy the smaller size before use; lives as long as the process
};

/// Of a layer's results, number i: the name of its port, or where the last one repeats "part_0", "part_1", ….
std::string result_name(const Descriptor& plugin, size_t i);
/// Which result has this name; where the last port repeats, a number that no call has given yet too. Nothing: none.
std::optional<size_t> result_number(const Descriptor& plugin, const std::string& name);
/// Whether a call that gave `count` results gave what is declared.
bool declares_results(const Descriptor& plugin, size_t count);

/// Where experiments find their plugins. A Descriptor lives as long as its Catalogue.
class Catalogue {
 public:
  virtual ~Catalogue() = default;
  /// All names of one kind ("layer", "loss", …) without loading anything, sorted.
  virtual std::vector<std::string> names(const std::string& kind) = 0;
  /// Loads it when it is not loaded yet. Throws a std::exception whose what() is one sentence naming the file and the reason.
  virtual const Descriptor& find(const std::string& kind, const std::string& name) = 0;
};

}  // namespace lamina
