#include "config/network.hpp"

#include <algorithm>
#include <queue>

#include "base/nearest.hpp"
#include "base/text.hpp"

namespace lamina {
namespace {

std::vector<std::string> names_of(const std::vector<Port>& ports) {
  std::vector<std::string> names;
  for (const Port& p : ports) names.push_back(p.name);
  return names;
}

/// A cycle among the layers in `left`, each of which reads another one of them; in the direction of data.
std::vector<size_t> find_cycle(const std::vector<LayerConfig>& layers, const std::vector<bool>& left) {
  size_t at = size_t(std::ranges::find(left, true) - left.begin());
  std::vector<size_t> path;
  std::vector<bool> seen(layers.size());
  while (!seen[at]) {
    seen[at] = true;
    path.push_back(at);
    at = std::ranges::find_if(layers[at].inputs, [&](const Reference& r) { return !r.is_column() && left[r.layer]; })->layer;
  }
  path.erase(path.begin(), std::ranges::find(path, at));
  std::ranges::reverse(path);
  return path;
}

}  // namespace

Network::Network(const Json& network, std::vector<std::string> columns, bool open, SectionReader& reader)
    : reader_(reader), expanded_(expand_blocks(network, reader)), columns_(std::move(columns)), open_(open) {
  layers.reserve(expanded_.layers.size());
  for (const ExpandedLayer& e : expanded_.layers) {
    index_.emplace(e.path, layers.size());
    read(e);
    if (std::ranges::find(columns_, e.path) != columns_.end())
      reader_.faults.add(layers.back().layer.place, "the layer " + in_quotes(e.path) + " is named like a column of the dataset");
  }
  for (size_t i = 0; i < layers.size(); ++i) {
    read_inputs(expanded_.layers[i], layers[i]);
    share(expanded_.layers[i], i);
  }
  order();
}

std::optional<size_t> Network::find(const std::string& path) const {
  const std::string* at = &path;
  for (auto block = expanded_.results.find(path); block != expanded_.results.end(); block = expanded_.results.find(*at))
    at = &block->second;
  const auto layer = index_.find(*at);
  return layer == index_.end() ? std::nullopt : std::optional(layer->second);
}

Reference Network::resolve(const std::string& name, const Place& place, size_t scope_index) {
  const BlockScope& scope = expanded_.scopes[scope_index];
  const bool inside = !scope.prefix.empty();
  if (inside && name == "in") {
    if (!scope.input.empty()) return resolve(scope.input, scope.input_place, scope.parent);
    return scope.parent ? resolve("in", place, scope.parent) : resolve("input", scope.input_place, 0);
  }
  Reference reference{"", 0, 0, place};
  std::optional<size_t> layer = find(scope.prefix + name);
  const size_t dot = name.rfind('.');
  if (!layer && dot != name.npos && (layer = find(scope.prefix + name.substr(0, dot)))) {
    const std::string wanted = name.substr(dot + 1);
    if (const Descriptor* d = layers[*layer].layer.plugin) {
      if (const auto number = result_number(*d, wanted)) {
        reference.result = uint32_t(*number);
      } else {
        std::vector<std::string> results;
        for (size_t i = 0; i < d->results.size(); ++i) results.push_back(result_name(*d, i));
        reader_.faults.add(
            place, "the layer " + in_quotes(name.substr(0, dot)) + " has no result " + in_quotes(wanted) + suggestion(wanted, results));
      }
    }
  }
  if (layer) {
    reference.layer = *layer;
    return reference;
  }
  if (!inside && !name.empty() && (open_ || std::ranges::find(columns_, name) != columns_.end())) {
    reference.column = name;
    return reference;
  }
  reference.column = name.empty() ? "?" : name;  // no layer: it must not seem part of a circle
  std::vector<std::string> known;
  if (reader_.faults.full() || expanded_.broken.contains(scope.prefix + name)) return reference;
  for (const ExpandedLayer& e : expanded_.layers)
    if (e.path.starts_with(scope.prefix) && e.path.find('/', scope.prefix.size()) == std::string::npos)
      known.push_back(e.path.substr(scope.prefix.size()));
  for (const auto& [path, result] : expanded_.results)
    if (path.starts_with(scope.prefix) && path.find('/', scope.prefix.size()) == std::string::npos)
      known.push_back(path.substr(scope.prefix.size()));
  if (inside)
    known.push_back("in");
  else
    known.insert(known.end(), columns_.begin(), columns_.end());
  reader_.faults.add(place, std::string(inside             ? "this block has no layer "
                                        : columns_.empty() ? "there is no layer "
                                                           : "there is no layer or dataset column ") +
                                in_quotes(name) + (columns_.empty() && !open_ && !inside ? "; the experiment has no dataset" : "") +
                                (inside && name == "input" ? "; a block's own input is called \"in\"" : did_you_mean(name, known)));
  return reference;
}

Reference Network::last(const Place& place) const { return {"", last_, 0, place}; }

void Network::read(const ExpandedLayer& e) {
  const SectionReader::Part part = reader_.part("network.layers[]", e.object, e.pointer);
  LayerConfig& layer = layers.emplace_back();
  layer.path = e.path;
  layer.layer = part.plugin;
  layer.trainable = part.boolean("trainable") && e.trainable;
  layer.training = part.boolean("training") && e.training;
  layer.learning_rate_scale = part.real("learning_rate_scale") * e.learning_rate_scale;
  read_initializers(e, layer);
  read_regularize(e, layer);
}

void Network::read_inputs(const ExpandedLayer& e, LayerConfig& layer) {
  const Descriptor* d = layer.layer.plugin;
  const Json* given = e.object.find("inputs");
  Place place = layer.layer.place;
  if (given && given->is_array()) {
    place = {given->position, pointer_to(e.pointer, "inputs")};
    for (size_t i = 0; i < given->items().size(); ++i) {
      const Json& name = given->items()[i];
      if (name.is_text()) layer.inputs.push_back(resolve(name.text(), {name.position, pointer_to(place.pointer, i)}, e.scope));
    }
  } else if (d && !d->inputs.empty()) {
    layer.inputs.push_back(resolve(!e.previous.empty() ? e.previous : e.scope ? "in" : "input", place, e.scope));
  }
  if (!d) return;
  const std::vector<Port>& ports = d->inputs;
  const size_t least = size_t(std::ranges::count_if(ports, [](const Port& p) { return !(p.flags & LAMINA_OPTIONAL_INPUT); }));
  const bool many = !ports.empty() && (ports.back().flags & LAMINA_MANY);
  if (layer.inputs.size() >= least && (many || layer.inputs.size() <= ports.size())) return;
  const std::string count = std::to_string(least) + (many ? " or more" : ports.size() > least ? " to " + std::to_string(ports.size()) : "");
  reader_.faults.add(place, "layer " + in_quotes(d->name) + " takes " + count + (count == "1" ? " input" : " inputs") +
                                (ports.empty() ? "" : " (" + joined(names_of(ports)) + ")") + ", got " +
                                std::to_string(layer.inputs.size()));
}

void Network::read_initializers(const ExpandedLayer& e, LayerConfig& layer) {
  const Json* given = e.object.given("initializer");
  if (!given) return;
  const std::string pointer = pointer_to(e.pointer, "initializer");
  const auto add = [&](const std::string& parameter, const Json& object, const std::string& at) {
    layer.initializers.push_back({parameter, reader_.part("network.layers[].initializer", object, at).plugin});
  };
  if (!given->is_object() || section("network.layers[].initializer").is_one(*given)) return add("weight", *given, pointer);
  for (const Member& m : given->members()) add(m.key, m.value, pointer_to(pointer, m.key));
}

void Network::read_regularize(const ExpandedLayer& e, LayerConfig& layer) {
  const Json* given = e.object.given("regularize");
  if (!given) return;
  const std::string path = "network.layers[].regularize", pointer = pointer_to(e.pointer, "regularize");
  const auto add = [&](const std::string& parameter, const Json& object, const std::string& at) {
    const SectionReader::Part part = reader_.part(path, object, at);
    layer.regularize.push_back({parameter, part.real("l1"), part.real("l2"), part.plugin.place});
  };
  if (!given->is_object() || section(path).is_one(*given)) return add("weight", *given, pointer);
  for (const Member& m : given->members()) add(m.key, m.value, pointer_to(pointer, m.key));
}

void Network::share(const ExpandedLayer& e, size_t index) {
  const Json* given = e.object.find("share");
  if (!given || !given->is_text()) return;
  const Place place{given->position, pointer_to(e.pointer, "share")};
  const Reference other = resolve(given->text(), place, e.scope);
  const LayerConfig& source = layers[other.layer];
  if (other.is_column())
    reader_.faults.add(place, "there is no layer " + in_quotes(given->text()) + " to share with");
  else if (other.layer == index)
    reader_.faults.add(place, "a layer cannot share with itself");
  else if (const Json* next = expanded_.layers[other.layer].object.given("share"))
    reader_.faults.add(place, "the layer " + in_quotes(source.path) + " itself shares with " +
                                  in_quotes(next->is_text() ? next->text() : "") + "; share with that one");
  else if (layers[index].layer.plugin && source.layer.plugin && layers[index].layer.plugin != source.layer.plugin)
    reader_.faults.add(place,
                       "only layers of one type share; " + in_quotes(source.path) + " is of type " + in_quotes(source.layer.plugin->name));
  layers[index].share = other.layer;
}

/// Kahn's algorithm (1962), always taking the ready layer that comes first in the file.
void Network::order() {
  const size_t count = layers.size();
  std::vector<std::vector<size_t>> readers(count);
  std::vector<size_t> waits(count);
  for (size_t i = 0; i < count; ++i)
    for (const Reference& input : layers[i].inputs)
      if (!input.is_column()) readers[input.layer].push_back(i), ++waits[i];
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < count; ++i)
    if (!waits[i]) ready.push(i);
  std::vector<size_t> rank(count);
  std::vector<LayerConfig> ordered;
  std::vector<bool> left(count, true);
  while (!ready.empty()) {
    const size_t i = ready.top();
    ready.pop();
    left[i] = false;
    rank[i] = ordered.size();
    ordered.push_back(layers[i]);
    for (const size_t reader : readers[i])
      if (!--waits[reader]) ready.push(reader);
  }
  if (ordered.size() < count) {
    const std::vector<size_t> cycle = find_cycle(layers, left);
    std::string text;
    for (size_t i = 0; i < std::min<size_t>(cycle.size(), 12); ++i) text += layers[cycle[i]].path + " → ";
    if (cycle.size() > 12) text += "… → ";
    reader_.faults.add(layers[*std::ranges::min_element(cycle)].layer.place, "the layers form a cycle: " + text + layers[cycle[0]].path);
    return;
  }
  for (LayerConfig& layer : ordered) {
    for (Reference& input : layer.inputs)
      if (!input.is_column()) input.layer = rank[input.layer];
    if (layer.share) layer.share = rank[*layer.share];
  }
  layers = std::move(ordered);
  for (auto& [path, index] : index_) index = rank[index];
  const std::string& end = expanded_.scopes[0].previous;
  last_ = find(end).value_or(0);
}

}  // namespace lamina
