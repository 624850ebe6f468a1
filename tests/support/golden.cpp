#include "support/golden.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "config/faults.hpp"

namespace lamina::test {

Json golden_json(const std::string& name) {
  Faults faults;
  Json json = read_json(golden_folder / name, name, faults);
  faults.throw_if_any();
  return json;
}

std::vector<std::filesystem::path> golden_files(const std::string& stem) {
  std::vector<std::filesystem::path> files;
  for (auto& entry : std::filesystem::directory_iterator(golden_folder))
    if (entry.path().extension() == ".json" && entry.path().stem().string().starts_with(stem)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> names_below(const H5Reader& file, const std::string& group) {
  std::vector<std::string> names;
  for (auto& name : file.names())
    if (name.starts_with(group)) names.push_back(name.substr(group.size()));
  if (names.empty()) throw std::runtime_error("The golden file has nothing below " + group + ".");
  return names;
}

double norm(const std::vector<double>& a) {
  double squares = 0;
  for (double x : a) squares += x * x;
  return std::sqrt(squares);
}
std::vector<double> difference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) throw std::runtime_error("The difference of arrays of different lengths is none.");
  std::vector<double> c(a.size());
  for (size_t i = 0; i < a.size(); ++i) c[i] = a[i] - b[i];
  return c;
}
double relative_distance(const std::vector<double>& y, const std::vector<double>& reference) {
  if (y.size() != reference.size()) return std::numeric_limits<double>::infinity();
  const double size = norm(reference), off = norm(difference(y, reference));
  return !std::isfinite(off) ? std::numeric_limits<double>::infinity() : size > 0 ? off / size : off;
}

}  // namespace lamina::test
