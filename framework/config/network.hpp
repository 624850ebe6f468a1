/// The layers of the experiment: expanded, checked, joined to a graph without cycles.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "config/blocks.hpp"

namespace lamina {

class Network {
 public:
  /// `columns` are the dataset's, if it says which it has; `open`: any other name may be a column too (check_columns decides later).
  /// Faults of all kinds go to `reader`.
  Network(const Json& network, std::vector<std::string> columns, bool open, SectionReader& reader);

  /// In topological order, stable. Moved out once everything that refers to layers has been resolved.
  std::vector<LayerConfig> layers;

  /// What a name at the top of the network stands for: a layer, a block's result, "layer.result" or a column. A fault with the nearest name
  /// when it is nothing of these.
  Reference resolve(const std::string& name, const Place& place) { return resolve(name, place, 0); }
  /// The result of the last layer of the file.
  Reference last(const Place& place) const;

 private:
  Reference resolve(const std::string& name, const Place& place, size_t scope);
  std::optional<size_t> find(const std::string& path) const;
  void read(const ExpandedLayer& expanded);
  void read_inputs(const ExpandedLayer& expanded, LayerConfig& layer);
  void read_initializers(const ExpandedLayer& expanded, LayerConfig& layer);
  void read_regularize(const ExpandedLayer& expanded, LayerConfig& layer);
  void share(const ExpandedLayer& expanded, size_t index);
  void order();

  SectionReader& reader_;
  ExpandedNetwork expanded_;
  std::vector<std::string> columns_;
  bool open_;
  std::unordered_map<std::string, size_t> index_;  // path → index in layers
  size_t last_ = 0;
};

}  // namespace lamina
