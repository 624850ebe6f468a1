/// The golden files of tests/golden, which PyTorch computed.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "config/json.hpp"
#include "prove/arrays.hpp"
#include "record/hdf5_reader.hpp"

namespace lamina::test {

inline const std::filesystem::path golden_folder = std::filesystem::path(LAMINA_SOURCE) / "tests/golden";
/// One of its JSON files, without faults.
Json golden_json(const std::string& name);
/// Its JSON files whose names begin so, in order: layers.json, layers_….json.
std::vector<std::filesystem::path> golden_files(const std::string& stem);
/// Names of the arrays below `group` ("lenet/train/"), without it.
std::vector<std::string> names_below(const H5Reader& file, const std::string& group);

double norm(const std::vector<double>& a);
std::vector<double> difference(const std::vector<double>& a, const std::vector<double>& b);
/// ‖y − reference‖ / ‖reference‖, the absolute distance where the reference is 0; infinite where the lengths differ or y is not finite.
double relative_distance(const std::vector<double>& y, const std::vector<double>& reference);

}  // namespace lamina::test
