#include "support/datasets.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>

#include <cstring>

#include "graph/recorder.hpp"
#include "plugin/describe.hpp"
#include "plugin/registry.hpp"
#include "program/session.hpp"

namespace lamina::test {

Files::Files() {
  std::string name = (std::filesystem::temp_directory_path() / "lamina-test-XXXXXX").string();
  root = mkdtemp(name.data());
}
std::string Files::write_gz(const std::string& name, const std::string& bytes) const {
  gzFile f = gzopen(path(name).c_str(), "wb");
  if (!f || gzwrite(f, bytes.data(), unsigned(bytes.size())) != int(bytes.size()) || gzclose(f) != Z_OK)
    throw std::runtime_error("cannot write " + path(name));
  return path(name);
}
std::string Files::pipe(const std::string& name) const {
  std::filesystem::remove_all(root / name);
  if (::mkfifo(path(name).c_str(), 0600)) throw std::runtime_error("cannot make the pipe " + path(name));
  return path(name);
}

static const Descriptor& plugin(const std::string& name) {
  static Registry registry({LAMINA_PLUGINS});
  return registry.find("dataset", name);
}
OpenDataset::OpenDataset(const std::string& name, const std::vector<Attribute>& settings)
    : table_(copy_sized<lamina_dataset>(plugin(name).table)) {
  lamina_scope scope;
  const auto given = program::views(settings);
  scope.check(table_.open(&graph::host_table(), &scope, given.data(), uint32_t(given.size()), &object_));
  table_.splits(object_, &splits_, &count_);
}
OpenDataset::~OpenDataset() {
  if (object_) table_.close(object_);
}
void OpenDataset::read(size_t split, size_t column, const std::vector<int64_t>& rows, void* out, size_t bytes_of_sample) const {
  if (const auto* data = static_cast<const char*>(splits_[split].columns[column].data)) {
    for (size_t i = 0; i < rows.size(); ++i)
      std::memcpy(static_cast<char*>(out) + i * bytes_of_sample, data + size_t(rows[i]) * bytes_of_sample, bytes_of_sample);
    return;
  }
  lamina_scope scope;
  scope.check(
      table_.read(&graph::host_table(), &scope, object_, uint32_t(split), uint32_t(column), rows.data(), uint32_t(rows.size()), out));
}
std::string refusal(const std::string& name, const std::vector<Attribute>& settings) {
  try {
    OpenDataset opened(name, settings);
  } catch (const Error& e) {
    return e.text;
  }
  return "";
}

}  // namespace lamina::test
