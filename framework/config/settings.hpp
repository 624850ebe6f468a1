/// From JSON to the settings a plugin declared, and back.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "config/descriptor.hpp"
#include "config/faults.hpp"

namespace lamina {

/// "an integer in [1, inf)", "\"same\" or \"valid\"", "a list of integers, each in [1, inf), or one for all axes": what a parameter takes.
std::string wanted(const Parameter& parameter);

/// The settings of `object`, complete with defaults, in the order of `parameters`; those without value and default are left out. Faults:
/// what is required and missing, of another type, outside its domain. Integers stand for reals too; null stands for the default. Relative
/// paths are seen from `folder`. `pointer` is the object's. Keys that no parameter has are not looked at: see check_keys. Those inside an
/// object of names are, as it is all the parameter's own.
std::vector<Attribute> read_settings(std::span<const Parameter> parameters, const Json& object, const std::string& pointer,
                                     const std::filesystem::path& folder, Faults& faults);

/// A fault with the nearest name for every key of `object` that is not in `known`. `owner` names who takes them: "layer \"conv\"".
void check_keys(const Json& object, const std::string& pointer, std::span<const std::string> known, const std::string& owner,
                Faults& faults);

const Attribute* find_setting(std::span<const Attribute> settings, std::string_view name);

/// The value as it is written in an experiment.
Json to_json(const Attribute& setting);
/// An object of settings; a list that takes one number for all axes is written as that number where it holds one.
Json to_json(std::span<const Parameter> parameters, std::span<const Attribute> settings);

/// "integer in [1, inf)", "list of texts", "integer in [1, 65536], for all axes or a list with one per axis", …: for documents.
std::string type_text(const Parameter& parameter, bool with_domain = true);
/// The words that a text may be, names of element types too; none where any text will do.
std::vector<std::string> words_of(const Parameter& parameter);
/// The default as it is written in an experiment; null where there is none.
Json default_of(const Parameter& parameter);
/// Type, domain, unit and default: "integer in [1, inf), in samples; default 1".
std::string facts_text(const Parameter& parameter);

}  // namespace lamina
