/// What all parts of the experiment share while they are read: the catalogue, the faults, and how a plugin's object is read.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "config/keys.hpp"
#include "config/settings.hpp"

namespace lamina {

/// std::runtime_error with a sentence when the framework cannot read what a plugin declares: a domain that is none, a parameter named like
/// a key of the section.
void check_declaration(const Descriptor& plugin, const Section& section);

class SectionReader {
 public:
  SectionReader(Catalogue& catalogue, std::filesystem::path folder) : folder(std::move(folder)), catalogue_(catalogue) {}

  /// One object of the file: the framework's own values and the plugin that stands beside them.
  struct Part {
    std::vector<Attribute> values;
    PluginConfig plugin;                    ///< its plugin is null when the section has none or the fault is told
    std::vector<Attribute> overrides = {};  ///< the settings of a section with overrides
    // What the table declares is there with its type, unless a fault was told: then a zero stands for it.
    std::string text(std::string_view name) const;
    int64_t integer(std::string_view name) const;
    double real(std::string_view name) const;
    bool boolean(std::string_view name) const { return integer(name) != 0; }
    std::vector<std::string> texts(std::string_view name) const;  ///< of a list
    bool has(std::string_view name) const { return find_setting(values, name); }
  };

  /// Reads and checks `object` as a section of the table, with the settings of its plugin where it has one. A value that is no object is a
  /// fault. `extra` are more keys that are legal (the parameters of a block).
  Part part(const std::string& section_path, const Json& object, const std::string& pointer, const std::vector<std::string>& extra = {});
  /// The same of a section with overrides: the part's plugin is `around` with the settings that `object` gives in place of its own.
  Part overriding(const std::string& section_path, const Json& object, const std::string& pointer, const PluginConfig& around);

  Faults faults;
  const std::filesystem::path folder;

 private:
  /// The catalogue's descriptor; null, with a fault and the nearest name, when there is none or it does not load.
  const Descriptor* plugin(const Section& section, const std::string& name, const Place& place);

  Catalogue& catalogue_;
  std::map<std::string, std::vector<std::string>> names_;
  std::map<std::pair<std::string, std::string>, const Descriptor*> found_;  // null: told
};

}  // namespace lamina
