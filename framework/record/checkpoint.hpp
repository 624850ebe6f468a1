/// Checkpoints: everything a run needs to go on with the same bits.
#pragma once
#include "record/array.hpp"
#include "record/hdf5_reader.hpp"

#include <filesystem>
#include <map>

namespace lamina {

using StateValue = std::variant<int64_t, double, std::string>;

struct Checkpoint {
  std::vector<NamedArray> tensors;          // model/c1/weight, optimizer/velocity/c1/weight; read back sorted by name
  std::map<std::string, StateValue> state;  // epoch, step, best value, …; names without "/", and not "checksum"

  bool operator==(const Checkpoint&) const = default;
};

/// Writes the file atomically, with a SHA-256 over names, types, shapes and bytes of the tensors and over the state.
/// FileError when it cannot be written, for two tensors of one name and for types that files do not hold.
void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// FileError when the file is no checkpoint, is damaged, or its checksum does not hold. limits: per tensor.
Checkpoint read_checkpoint(const std::filesystem::path& path, ReadLimits limits = {});

}  // namespace lamina
