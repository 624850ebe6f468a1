#include "config/blocks.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/merge.hpp"

namespace lamina {
namespace {

// What all substitutions together may write: a few texts that paste each other through sixteen blocks would otherwise fill any memory.
constexpr size_t substitution_limit = 64 << 20, text_limit = 64 << 10;

bool is_path(std::string_view text) {  // a-z 0-9 _, and / between names, as resolved files have it
  bool letter = false;
  for (char c : text) {
    if (c == '/' && !letter) return false;
    letter = c != '/';
    if (letter && !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  return letter;
}

struct Argument {
  const Json* value;
  std::string pointer;
};
using Arguments = std::map<std::string, Argument>;

class Expander {
 public:
  Expander(const Json& network, SectionReader& reader) : reader_(reader), blocks_(network.given("blocks")) {
    result.scopes.emplace_back();
    if (blocks_ && blocks_->is_object())
      for (const Member& m : blocks_->members()) known_.push_back(m.key);
  }
  ExpandedNetwork result;

  void network(const Json& layers, const std::string& pointer) { list(layers, pointer, 0, Inherited{}, nullptr); }
  void check_definitions() {
    if (!blocks_) return;
    if (!blocks_->is_object())
      return reader_.faults.add({blocks_->position, "/network/blocks"},
                                std::string("\"blocks\" is ") + blocks_->kind_text() + "; wanted an object of blocks by name");
    for (const Member& m : blocks_->members()) {
      const std::string pointer = pointer_to("/network/blocks", m.key);
      if (!is_name(m.key))
        reader_.faults.add({m.position, pointer},
                           "the block name " + in_quotes(m.key) + " is not made of a-z, 0-9 and _, beginning with a letter");
      reader_.part("network.blocks.*", m.value, pointer);
      if (!m.value.is_object()) continue;
      const Json* layers = m.value.given("layers");
      const auto fault = [&](const Json& at, const char* key, const std::string& sentence) {
        reader_.faults.add({at.position, pointer_to(pointer, key)}, sentence);
      };
      if (layers && (!layers->is_array() || layers->items().empty())) fault(*layers, "layers", "a block has a list of one or more layers");
      const Json* parameters = m.value.given("parameters");
      if (parameters && !parameters->is_object())
        fault(*parameters, "parameters", "the parameters of a block are an object of defaults by name");
      if (!parameters || !parameters->is_object()) continue;
      const auto& reserved = section("network.layers[]").names;
      for (const Member& p : parameters->members())
        if (!is_name(p.key) || std::ranges::find(reserved, p.key) != reserved.end())
          reader_.faults.add({p.position, pointer_to(pointer_to(pointer, "parameters"), p.key)},
                             "a block's parameter is named with a-z, 0-9 and _, and not like a key of layers");
    }
  }

 private:
  struct Inherited {
    bool trainable = true, training = true;
    double learning_rate_scale = 1;
  };

  void list(const Json& layers, const std::string& pointer, size_t scope, const Inherited& inherited, const Arguments* arguments) {
    if (!layers.is_array() || layers.items().empty()) {
      if (!arguments) reader_.faults.add({layers.position, pointer}, "\"layers\" is a list of one or more layers");
      return;  // of a block: told with its definition
    }
    std::vector<std::string> names;
    if (!arguments) names = element_names(layers);
    Json filled = Json::array();
    if (arguments) {
      for (size_t i = 0; i < layers.items().size(); ++i)
        filled.push_back(substitute(layers.items()[i], pointer_to(pointer, i), *arguments));
      if (full_) return;
      names = element_names(filled);
    }
    const Json::Array& elements = arguments ? filled.items() : layers.items();
    for (size_t i = 0; i < elements.size() && !full_; ++i) element(elements[i], pointer_to(pointer, i), names[i], scope, inherited);
  }

  void element(const Json& object, const std::string& pointer, const std::string& name, size_t scope, const Inherited& inherited) {
    if (++elements_ > layer_limit)
      return stop({object.position, pointer}, "the network has more than " + std::to_string(layer_limit) + " layers");
    if (!object.is_object()) {
      result.broken.insert(result.scopes[scope].prefix + name);
      result.scopes[scope].previous = name;
      reader_.faults.add({object.position, pointer}, std::string("a layer is an object, this is ") + object.kind_text());
      return;
    }
    const std::string path = result.scopes[scope].prefix + name;
    const Json* named = object.given("name");
    const Place place{(named ? *named : object).position, named ? pointer_to(pointer, "name") : pointer};
    const bool may_nest = scope == 0 && named && !object.given("block");  // a resolved file names its layers by path
    if (!is_path(name) || (!may_nest && name.find('/') != name.npos)) {
      if (!named || named->is_text()) reader_.faults.add(place, "the layer name " + in_quotes(name) + " is not made of a-z, 0-9 and _");
    } else if (name == "in") {
      reader_.faults.add(place, "no layer is named \"in\": that is the input of a block");
    } else if (const auto [first, fresh] = places_.emplace(path, place); !fresh) {
      const std::string where = first->second.position.text();
      reader_.faults.add(place, "a second layer is named " + in_quotes(path) + (where.empty() ? "" : "; the first is at " + where));
    }
    const Json* block = object.given("block");
    if (!block == !object.given("type")) result.broken.insert(path);
    if (block && object.given("type")) {
      reader_.faults.add({block->position, pointer_to(pointer, "block")}, "a layer has either \"type\" or \"block\", this has both");
    } else if (!block && !object.given("type")) {
      reader_.faults.add({object.position, pointer}, "\"type\" is missing; wanted the name of a layer plugin, or \"block\"");
    } else if (block) {
      use(object, *block, path, pointer, scope, inherited);
    } else {
      result.layers.push_back({object, path, pointer, result.scopes[scope].previous, scope, inherited.trainable, inherited.training,
                               inherited.learning_rate_scale});
    }
    result.scopes[scope].previous = name;
  }

  /// One use of a block.
  void use(const Json& object, const Json& block, const std::string& path, const std::string& pointer, size_t scope, Inherited inherited) {
    const Place place{block.position, pointer_to(pointer, "block")};
    const std::string type = block.is_text() ? block.text() : "";
    const auto at = std::ranges::find(known_, type);
    result.broken.insert(path);  // until it turns out well
    if (at == known_.end())
      return reader_.faults.add(place, block.is_text() ? "this network has no block " + in_quotes(type) + suggestion(type, known_)
                                                       : std::string("\"block\" is ") + block.kind_text() + "; wanted the name of a block");
    const auto open = std::ranges::find(chain_, type);
    if (open != chain_.end() || chain_.size() == block_depth_limit) {
      std::string text;
      for (auto link = open == chain_.end() ? chain_.begin() : open; link != chain_.end(); ++link) text += *link + " → ";
      reader_.faults.add(place, (open == chain_.end() ? "blocks nest deeper than " + std::to_string(block_depth_limit) + ": "
                                                      : "a block contains itself: ") +
                                    text + type);
      return;
    }
    const Json& definition = blocks_->members()[size_t(at - known_.begin())].value;
    if (!definition.is_object()) return;  // told with the definitions

    Arguments arguments;
    std::vector<std::string> names;
    bool complete = true;
    const std::string defaults_pointer = pointer_to(pointer_to("/network/blocks", type), "parameters");
    if (const Json* parameters = definition.find("parameters"); parameters && parameters->is_object()) {
      for (const Member& m : parameters->members()) {
        names.push_back(m.key);
        const Json* given = object.find(m.key);
        arguments[m.key] = given ? Argument{given, pointer_to(pointer, m.key)} : Argument{&m.value, pointer_to(defaults_pointer, m.key)};
        if (!arguments[m.key].value->is_null()) continue;
        complete = false;
        reader_.faults.add({object.position, pointer},
                           "the parameter " + in_quotes(m.key) + " of block " + in_quotes(type) + " is missing");
      }
    }
    const SectionReader::Part part = reader_.part("network.layers[]", object, pointer, names);
    for (const Key& key : section("network.layers[]").keys)
      if (const Member* m = key.single ? object.find_member(key.parameter.name) : nullptr)
        reader_.faults.add({m->position, pointer_to(pointer, m->key)},
                           in_quotes(m->key) + " belongs to a single layer, not to the use of a block");
    if (!complete) return;
    inherited.trainable &= part.boolean("trainable");
    inherited.training &= part.boolean("training");
    inherited.learning_rate_scale *= part.real("learning_rate_scale");

    BlockScope inner{path + "/", scope, result.scopes[scope].previous, {object.position, pointer}};
    if (const Json* inputs = object.find("inputs"); inputs && inputs->is_array()) {
      inner.input_place = {inputs->position, pointer_to(pointer, "inputs")};
      if (inputs->items().size() != 1)
        reader_.faults.add(inner.input_place, "a block has one input, this gives it " + std::to_string(inputs->items().size()));
      else if (inputs->items()[0].is_text())
        inner.input = inputs->items()[0].text();
    }
    result.scopes.push_back(std::move(inner));
    const size_t inside = result.scopes.size() - 1;
    chain_.push_back(type);
    if (const Json* layers = definition.find("layers"))
      list(*layers, pointer_to(pointer_to("/network/blocks", type), "layers"), inside, inherited, &arguments);
    chain_.pop_back();
    if (result.scopes[inside].previous.empty()) return;
    result.broken.erase(path);
    result.results[path] = path + "/" + result.scopes[inside].previous;
  }

  void stop(const Place& place, const std::string& sentence) {
    if (!full_) reader_.faults.add(place, sentence);
    full_ = true;
  }

  /// A copy of `value` with ${parameters} replaced.
  Json substitute(const Json& value, const std::string& pointer, const Arguments& arguments) {
    substituted_ += 1 + (value.is_text() ? value.text().size() / 64 : 0);
    if (substituted_ > substitution_limit / 64) stop({value.position, pointer}, "the arguments of the blocks make the network too large");
    if (full_) return {};
    Json copy;
    if (value.is_text()) return value.text().find("${") == std::string::npos ? value : filled(value, pointer, arguments);
    if (value.is_array()) {
      copy = Json::array();
      for (size_t i = 0; i < value.items().size() && !full_; ++i)
        copy.push_back(substitute(value.items()[i], pointer_to(pointer, i), arguments));
    } else if (value.is_object()) {
      copy = Json::object();
      for (const Member& m : value.members())
        if (!full_) copy.members().push_back({m.key, substitute(m.value, pointer_to(pointer, m.key), arguments), m.position});
    } else {
      return value;
    }
    copy.position = value.position;
    return copy;
  }

  /// A text with ${parameters}: alone it is the argument itself, else the arguments are pasted.
  Json filled(const Json& value, const std::string& pointer, const Arguments& arguments) {
    const std::string& text = value.text();
    std::string pasted;
    for (size_t at = 0; at < text.size();) {
      const size_t begin = text.find("${", at), end = begin == text.npos ? begin : text.find('}', begin);
      if (end == text.npos) {
        pasted.append(text, at);
        break;
      }
      const std::string name = text.substr(begin + 2, end - begin - 2);
      const auto argument = arguments.find(name);
      if (argument == arguments.end()) {
        std::vector<std::string> known;
        for (const auto& [key, unused] : arguments) known.push_back(key);
        reader_.faults.add({value.position, pointer}, "the block has no parameter " + in_quotes(name) + suggestion(name, known));
        return value;
      }
      const Json& given = *argument->second.value;
      if (begin == 0 && end + 1 == text.size()) return moved(given, argument->second.pointer);
      if (given.is_array() || given.is_object() || given.is_null()) {
        reader_.faults.add({value.position, pointer},
                           in_quotes(name) + " is " + given.kind_text() + ", which cannot be pasted into a text");
        return value;
      }
      pasted.append(text, at, begin - at);
      pasted += given.is_text() ? given.text() : to_text(given, false);
      if (pasted.size() > text_limit) {
        stop({value.position, pointer}, "the text with its arguments is longer than 64 KiB");
        return {};
      }
      at = end + 1;
    }
    substituted_ += pasted.size() / 64;
    Json result(std::move(pasted));
    result.position = value.position;
    return result;
  }

  /// The argument, which tells in faults where it was given.
  Json moved(const Json& argument, const std::string& pointer) {
    Json copy = substitute(argument, pointer, {});
    place_at(copy, pointer);
    return copy;
  }
  static void place_at(Json& value, const std::string& pointer) {
    if (value.position.source && value.position.source->pointer.empty()) {
      SourceText source = *value.position.source;
      source.pointer = pointer;
      value.position.source = std::make_shared<const SourceText>(std::move(source));
    }
    if (value.is_array())
      for (size_t i = 0; i < value.items().size(); ++i) place_at(value.items()[i], pointer_to(pointer, i));
    if (value.is_object())
      for (Member& m : value.members()) place_at(m.value, pointer_to(pointer, m.key));
  }

  SectionReader& reader_;
  const Json* blocks_;
  std::map<std::string, Place> places_;  // of all names
  std::vector<std::string> known_;       // names of blocks
  std::vector<std::string> chain_;       // of blocks being expanded
  size_t elements_ = 0, substituted_ = 0;
  bool full_ = false;
};

}  // namespace

ExpandedNetwork expand_blocks(const Json& network, SectionReader& reader) {
  Expander expander(network, reader);
  reader.part("network", network, "/network");
  expander.check_definitions();
  if (const Json* layers = network.find("layers")) expander.network(*layers, "/network/layers");
  return std::move(expander.result);
}

}  // namespace lamina
