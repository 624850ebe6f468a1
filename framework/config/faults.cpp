#include "config/faults.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/nearest.hpp"
#include "base/text.hpp"

namespace lamina {
namespace {

constexpr size_t shown_limit = 100;

std::string all_text(const std::vector<Fault>& faults) {
  std::string text;
  for (size_t i = 0; i < std::min(faults.size(), shown_limit); ++i) text += (i ? "\n" : "") + faults[i].text();
  if (faults.size() > shown_limit) text += "\n… and " + std::to_string(faults.size() - shown_limit) + " more";
  return text;
}

/// What all have in common; where they differ it is the experiment that is wrong.
Exit common(const std::vector<Fault>& faults) {
  const bool one = std::ranges::all_of(faults, [&](const Fault& f) { return f.exit == faults[0].exit; });
  return one && !faults.empty() ? faults[0].exit : Exit::experiment;
}

}  // namespace

std::string Fault::text() const {
  const std::string& moved = place.position.source ? place.position.source->pointer : place.pointer;
  std::string text = escaped(place.position.text());
  const std::string& pointer = moved.empty() ? place.pointer : moved;
  if (!pointer.empty()) text += (text.empty() ? "" : "  ") + escaped(pointer);
  return text + (text.empty() ? "" : ": ") + escaped(sentence);
}

ConfigError::ConfigError(std::vector<Fault> f) : Failure(common(f), all_text(f)), faults(std::move(f)) {}

void Faults::add(Place place, std::string sentence, Exit exit) {
  Fault fault{std::move(place), std::move(sentence), exit};
  // The layers of a block are checked once per use: the same fault is told once.
  if (!full() && seen_.insert(fault.text()).second) faults_.push_back(std::move(fault));
}

std::vector<Fault> Faults::sorted() const {
  std::map<std::string, size_t> order;  // sources by first appearance
  for (const Fault& f : faults_)
    if (f.place.position.source) order.emplace(f.place.position.source->name, order.size());
  const auto key = [&](const Fault& f) {
    return std::make_tuple(f.place.position.source ? order[f.place.position.source->name] + 1 : 0, f.place.position.byte);
  };
  std::vector<Fault> faults = faults_;
  std::ranges::stable_sort(faults, {}, key);
  return faults;
}

void Faults::throw_if_any() const {
  if (any()) throw ConfigError(sorted());
}

std::string suggestion(const std::string& word, std::vector<std::string> names) {
  constexpr size_t listed = 60;
  std::ranges::sort(names);
  const std::string guess = did_you_mean(word, names);
  const bool all = names.size() <= listed;
  if (!all) names.resize(listed);
  return (guess.empty() ? ";" : guess) + (names.empty() ? " there is none" : " known: " + joined(names) + (all ? "" : ", …"));
}

}  // namespace lamina
