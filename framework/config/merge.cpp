#include "config/merge.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/files.hpp"
#include "base/nearest.hpp"
#include "base/text.hpp"

namespace lamina {
namespace {

constexpr size_t chain_limit = 32, file_limit = 256;

struct Chain {
  std::vector<std::filesystem::path> files;  // canonical, from the experiment to the file being read
  std::string text(const std::string& end) const {
    std::string names;
    for (const auto& f : files) names += f.filename().string() + " → ";
    return names + end;
  }
};

class Extender {
 public:
  explicit Extender(Faults& faults) : faults_(faults) {}

  std::optional<Json> read(const std::string& text, const std::filesystem::path& file) {
    Json document = parse_json(text, {file.string()}, faults_);
    if (!document.is_object()) {
      if (!faults_.any()) faults_.add({document.position, ""}, std::string("an experiment is an object, this is ") + document.kind_text());
      return std::nullopt;
    }
    const Json* extends = document.find("extends");
    if (!extends) return document;
    std::error_code error;
    chain_.files.push_back(std::filesystem::weakly_canonical(file, error));
    std::optional<Json> merged = Json();  // null: the first file is taken as it stands, its nulls included; those of later ones erase
    if (extends->is_text()) {
      merged = add(std::move(merged), *extends, "/extends", file);
    } else if (extends->is_array()) {
      for (size_t i = 0; i < extends->items().size(); ++i)
        merged = add(std::move(merged), extends->items()[i], pointer_to("/extends", i), file);
    } else {
      faults_.add({extends->position, "/extends"},
                  std::string("\"extends\" is ") + extends->kind_text() + "; wanted a file or a list of files");
      merged.reset();
    }
    chain_.files.pop_back();
    if (!merged) return merged;
    document.erase("extends");
    merge_patch(*merged, document);
    merged->position = document.position;
    return merged;
  }

 private:
  /// `merged` with the file that `name` names laid over it; nothing when either is nothing.
  std::optional<Json> add(std::optional<Json> merged, const Json& name, const std::string& pointer, const std::filesystem::path& file) {
    const auto refuse = [&](const std::string& sentence) -> std::optional<Json> {
      faults_.add({name.position, pointer}, sentence);
      return std::nullopt;
    };
    if (!name.is_text()) return refuse(std::string("an extended file is ") + name.kind_text() + "; wanted a path");
    const std::filesystem::path base = (file.parent_path() / name.text()).lexically_normal();
    std::error_code error;
    const auto canonical = std::filesystem::weakly_canonical(base, error);
    if (std::ranges::find(chain_.files, canonical) != chain_.files.end())
      return refuse("\"extends\" runs in a circle: " + chain_.text(canonical.filename().string()));
    if (chain_.files.size() >= chain_limit || ++files_ > file_limit)
      return refuse("more than " + std::to_string(chain_limit) + " files in a chain or " + std::to_string(file_limit) +
                    " in all are extended");
    std::string text;
    try {
      text = read_file(base, json_byte_limit);
    } catch (const std::exception& reason) {
      return refuse(std::string(reason.what()) + " It is wanted by " + chain_.text(base.filename().string()));
    }
    std::optional<Json> document = read(text, base);
    if (!document || !merged) return std::nullopt;
    if (merged->is_null()) return document;
    merge_patch(*merged, *document);
    return merged;
  }

  Faults& faults_;
  Chain chain_;
  size_t files_ = 0;
};

/// One step of an override's path: a key, or what stands between [ and ].
struct Step {
  std::string text;
  bool element;
};

std::optional<std::vector<Step>> steps_of(const std::string& path) {
  std::vector<Step> steps;
  for (size_t at = 0; at < path.size();) {
    if (path[at] == '[') {
      const size_t end = path.find(']', at);
      if (steps.empty() || end == path.npos || end == at + 1) return std::nullopt;
      steps.push_back({path.substr(at + 1, end - at - 1), true});
      at = end + 1;
      if (at < path.size() && path[at] != '[' && path[at] != '.') return std::nullopt;
    } else {
      if (path[at] == '.' && steps.empty()) return std::nullopt;
      at += path[at] == '.';
      const size_t end = std::min(path.find_first_of(".[", at), path.size());
      if (end == at) return std::nullopt;
      steps.push_back({path.substr(at, end - at), false});
      at = end;
    }
  }
  if (steps.empty() || steps.size() > json_depth_limit) return std::nullopt;
  return steps;
}

}  // namespace

void merge_patch(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Json::object(), target.position = patch.position;
  for (const Member& m : patch.members()) {
    if (m.value.is_null()) {
      target.erase(m.key);
      continue;
    }
    Json* there = target.find(m.key);
    if (!there) {
      target.members().push_back({m.key, Json(), m.position});
      there = &target.members().back().value;
    }
    merge_patch(*there, m.value);
  }
}

std::optional<Json> read_extended(const std::string& text, const std::filesystem::path& file, Faults& faults) {
  return Extender(faults).read(text, file);
}

std::vector<std::string> element_names(const Json& list) {
  std::vector<std::string> names;
  std::map<std::string, int> numbers;
  for (const Json& element : list.items()) {
    const Json* name = element.given("name");
    const Json* type = element.given("type");
    if (!type) type = element.given("block");
    const std::string stem = type && type->is_text() ? type->text() : element.is_text() ? element.text() : "layer";
    const int number = ++numbers[stem];
    names.push_back(name && name->is_text() ? name->text() : element.is_text() ? stem : stem + "_" + std::to_string(number));
  }
  return names;
}

void apply_override(Json& document, const std::string& assignment, Faults& faults) {
  const auto source = std::make_shared<const SourceText>(SourceText{"--set " + assignment, false});
  const Position position{source, 0, 0, 0};
  const auto refuse = [&](const std::string& pointer, const std::string& sentence) { faults.add({position, pointer}, sentence); };
  const size_t equals = assignment.find('=');
  const auto steps = equals == assignment.npos ? std::nullopt : steps_of(assignment.substr(0, equals));
  if (!steps) return refuse("", "an override is path=value, with a path like training.epochs or network.layers[c1].filters");

  const std::string text = assignment.substr(equals + 1);
  Faults no_json;
  Json value = parse_json(text, *source, no_json);
  if (no_json.any()) value = Json(text), value.position = position;

  Json* at = &document;
  std::string pointer;
  for (size_t i = 0; i < steps->size(); ++i) {
    const Step& step = (*steps)[i];
    const bool last = i + 1 == steps->size();
    if (step.element) {
      if (!at->is_array()) return refuse(pointer, "[" + step.text + "] wants a list here, this is " + at->kind_text());
      const std::vector<std::string> names = element_names(*at);
      size_t index = names.size();
      const auto end = std::from_chars(step.text.data(), step.text.data() + step.text.size(), index);
      if (end.ec != std::errc() || end.ptr != step.text.data() + step.text.size())
        index = size_t(std::ranges::find(names, step.text) - names.begin());
      if (index >= names.size())
        return refuse(pointer, "there is no element [" + step.text + "] in this list of " + std::to_string(names.size()) +
                                   did_you_mean(step.text, names));
      pointer = pointer_to(pointer, index);
      at = &at->items()[index];
      if (last) *at = std::move(value);
      continue;
    }
    if (!at->is_object()) return refuse(pointer, "the key " + in_quotes(step.text) + " wants an object here, this is " + at->kind_text());
    pointer = pointer_to(pointer, step.text);
    if (last && value.is_null()) return at->erase(step.text);
    Json* next = at->find(step.text);
    if (!next) {
      at->members().push_back({step.text, Json::object(), position});
      next = &at->members().back().value;
      next->position = position;
    }
    at = next;
    if (last) *at = std::move(value);
  }
}

}  // namespace lamina
