/// Datasets opened as the program opens them, and folders of files for them.
#pragma once
#include <lamina/abi.h>

#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include <lamina/tensor.hpp>

namespace lamina::test {

/// A folder for files, removed in the end.
struct Files {
  std::filesystem::path root;
  Files();
  ~Files() { std::filesystem::remove_all(root); }
  std::string path(const std::string& name) const { return (root / name).string(); }
  /// Below folders that are made where there are none; in place of what was there.
  std::string write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((root / name).parent_path());
    std::filesystem::remove_all(root / name);
    std::ofstream(root / name, std::ios::binary) << bytes;
    return path(name);
  }
  std::string write_gz(const std::string& name, const std::string& bytes) const;
  std::string pipe(const std::string& name) const;
};

/// An open dataset of the built-in plugin `name`. Throws Error with its refusal.
class OpenDataset {
 public:
  OpenDataset(const std::string& name, const std::vector<Attribute>& settings);
  ~OpenDataset();
  OpenDataset(const OpenDataset&) = delete;
  OpenDataset& operator=(const OpenDataset&) = delete;

  uint32_t size() const { return count_; }
  const lamina_split& operator[](size_t i) const { return splits_[i]; }
  bool reads() const { return table_.read; }
  const lamina_column& column(size_t split, size_t column) const { return splits_[split].columns[column]; }
  Shape sample(size_t column) const {
    const lamina_shape& s = splits_[0].columns[column].sample;
    return Shape(s.dims, s.dims + s.rank);
  }
  DType dtype(size_t column) const { return DType(splits_[0].columns[column].sample.dtype); }
  std::vector<std::string> classes() const {
    const lamina_column& c = splits_[0].columns[1];
    std::vector<std::string> names;
    for (uint32_t i = 0; c.classes && i < c.class_count; ++i) names.push_back(c.classes[i]);
    return names;
  }
  /// All samples of a column, those that are decoded on demand too; T as it is stored.
  template <class T>
  std::vector<T> values(size_t split, size_t column) const {
    std::vector<int64_t> all(size_t(splits_[split].samples));
    std::iota(all.begin(), all.end(), 0);
    return rows<T>(split, column, all);
  }
  template <class T>
  std::vector<T> rows(size_t split, size_t column, const std::vector<int64_t>& which) const {
    std::vector<T> v(which.size() * count(column));
    read(split, column, which, v.data(), count(column) * sizeof(T));
    return v;
  }

 private:
  void read(size_t split, size_t column, const std::vector<int64_t>& rows, void* out, size_t bytes_of_sample) const;
  size_t count(size_t column) const { return size_t(element_count(sample(column))); }
  lamina_dataset table_;
  void* object_ = nullptr;
  const lamina_split* splits_ = nullptr;
  uint32_t count_ = 0;
};

/// What a dataset says when it is refused; "" when it is not.
std::string refusal(const std::string& name, const std::vector<Attribute>& settings);

}  // namespace lamina::test
