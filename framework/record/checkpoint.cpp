#include "record/checkpoint.hpp"

#include "base/sha256.hpp"
#include "record/hdf5.hpp"

#include <algorithm>

namespace lamina {
namespace {

constexpr size_t longest_attribute = 32 * 1024;  // bytes; longer texts of the state become datasets of the same name

void add(Sha256& hash, const void* data, uint64_t bytes) {
  // Lengths first, so that no two contents give the same stream of bytes.
  hash.update(&bytes, sizeof bytes);
  hash.update(data, bytes);
}

void add(Sha256& hash, const std::string& text) { add(hash, text.data(), text.size()); }

std::vector<const NamedArray*> sorted(const std::vector<NamedArray>& tensors) {
  std::vector<const NamedArray*> order;
  for (const NamedArray& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  return order;
}

std::string checksum(const Checkpoint& checkpoint) {
  Sha256 hash;
  add(hash, "lamina-checkpoint 1");
  const uint64_t counts[2] = {checkpoint.tensors.size(), checkpoint.state.size()};
  add(hash, counts, sizeof counts);
  for (const NamedArray* tensor : sorted(checkpoint.tensors)) {
    const Array& array = tensor->array;
    const uint32_t dtype = uint32_t(array.dtype);
    add(hash, tensor->name);
    add(hash, &dtype, sizeof dtype);
    add(hash, array.shape.data(), array.shape.size() * sizeof(int64_t));
    add(hash, array.bytes.data(), array.bytes.size());
  }
  for (const auto& [name, value] : checkpoint.state) {
    const uint64_t type = value.index();
    add(hash, name);
    add(hash, &type, sizeof type);
    if (const auto* text = std::get_if<std::string>(&value)) add(hash, *text);
    if (const auto* integer = std::get_if<int64_t>(&value)) add(hash, integer, sizeof *integer);
    if (const auto* real = std::get_if<double>(&value)) add(hash, real, sizeof *real);
  }
  return hash.hex();
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  for (const NamedArray& tensor : checkpoint.tensors)
    if (tensor.name.starts_with('/') || tensor.name.starts_with("state/"))
      throw FileError("A tensor of a checkpoint cannot be named \"" + tensor.name + "\".");
  H5Writer file(path);
  file.group("/", {{"format", "lamina-checkpoint"}, {"format_version", int64_t(1)}});
  file.group("state", {{"checksum", checksum(checkpoint)}});
  for (const auto& [name, value] : checkpoint.state) {
    if (name.empty() || name == "checksum" || name.find('/') != std::string::npos)
      throw FileError("The state of a checkpoint cannot have the name \"" + name + "\".");
    const auto* text = std::get_if<std::string>(&value);
    if (text && text->size() > longest_attribute)
      file.write_text("state/" + name, *text);
    else
      std::visit([&](const auto& plain) { file.attribute("state", name, plain); }, value);
  }
  for (const NamedArray& tensor : checkpoint.tensors) file.write(tensor.name, tensor.array);
  file.commit();
}

Checkpoint read_checkpoint(const std::filesystem::path& path, ReadLimits limits) {
  const H5Reader file(path, limits);
  if (!file.has_attribute("", "format") || file.attribute_text("", "format") != "lamina-checkpoint")
    throw FileError("\"" + path.string() + "\" is not a checkpoint of Lamina.");
  if (const int64_t version = file.attribute_integer("", "format_version"); version != 1)
    throw FileError("\"" + path.string() + "\" is a checkpoint of version " + std::to_string(version) + "; this program reads version 1.");
  Checkpoint checkpoint;
  for (const std::string& name : file.names()) {
    if (name.starts_with("state/"))
      checkpoint.state[name.substr(6)] = file.read_text(name);
    else
      checkpoint.tensors.push_back({name, file.read(name)});
  }
  std::string stored;
  for (auto& [name, value] : file.attributes("state")) {
    if (name == "checksum" && std::holds_alternative<std::string>(value))
      stored = std::get<std::string>(value);
    else if (auto* text = std::get_if<std::string>(&value))
      checkpoint.state[name] = std::move(*text);
    else if (auto* integer = std::get_if<int64_t>(&value))
      checkpoint.state[name] = *integer;
    else if (auto* real = std::get_if<double>(&value))
      checkpoint.state[name] = *real;
  }
  if (const std::string found = checksum(checkpoint); found != stored)
    throw FileError("The checkpoint \"" + path.string() + "\" is damaged: its content has the SHA-256 " + found + ", but " +
                    (stored.empty() ? "it stores none" : "it stores " + stored) + ".");
  return checkpoint;
}

}  // namespace lamina
