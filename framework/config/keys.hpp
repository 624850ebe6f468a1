/// Every key of the experiment file that belongs to the framework, once: parsing, suggestions, defaults and documents come from this table.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "config/descriptor.hpp"
#include "config/json.hpp"

namespace lamina {

/// How the value of a key is written.
enum class Form {
  plain,                ///< a boolean, number or text, or a list of these: as its parameter says
  object,               ///< an object of the section KEY
  object_or_switch,     ///< the same, or true for one without keys, or false for none
  list,                 ///< a list of objects of the section KEY[]
  overrides,            ///< a list of objects of the section KEY[], beside whose keys settings of the plugin around may stand
  names_or_objects,     ///< the same, where a text stands for an object with that type
  objects_by_name,      ///< an object whose members are objects of the section KEY.*
  one_or_list,          ///< an object of the section KEY, or a list of such objects
  one_or_by_parameter,  ///< an object of the section KEY, or such objects by the name of a parameter
  block_layers,         ///< a list of layers in which ${name} may stand for a value
  values_by_name,       ///< an object of any values
  texts_by_name,        ///< an object of texts
  one_or_texts,         ///< a text, or a list of texts
  files                 ///< a path, or a list of paths
};

struct Key {
  Parameter parameter;  ///< its type is of no meaning where the form is not plain
  Form form = Form::plain;
  std::string pattern;  ///< ECMA 262 regular expression of a text, for editors; "" = any text
  std::string example;  ///< a value as JSON, for documents; "" where nobody has to write one
  bool single = false;  ///< belongs to a single layer, not to the use of a block
};

/// Two keys of which at most one is given; one must be where it is `needed`.
struct Choice {
  std::string first, second;
  bool needed = false;
};

/// The keys of one kind of object in the file.
struct Section {
  std::string path;       ///< where it stands: "training", "network.layers[]", …; "" is the file itself
  std::string owner;      ///< in messages: "the training section"
  std::string kind;       ///< the plugins whose settings stand beside these keys, or ""
  std::vector<Key> keys;  ///< all, in the order of the documents
  std::vector<Choice> choices;
  std::vector<Parameter> parameters;  ///< of the keys: those with a plain value
  std::vector<std::string> names;     ///< of all keys
  std::vector<std::string> required;  ///< those that must be there and have no plain value
  bool overrides = false;             ///< see Form::overrides
  /// Whether an object is one of this section, not such objects by name: some key of the section stands there, and no object under it.
  bool is_one(const Json& object) const;
};

/// All of them, the file itself first.
const std::vector<Section>& sections();
/// std::logic_error for a path that is not in the table.
const Section& section(const std::string& path);
/// The section whose keys stand beside the settings of plugins of a kind; null for a kind that experiments do not name.
const Section* section_of_kind(const std::string& kind);

/// The table as Markdown: key, type, default, meaning.
std::string config_reference();

}  // namespace lamina
