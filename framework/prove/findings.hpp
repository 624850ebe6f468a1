/// What one check of a plugin finds.
#pragma once
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <lamina/tensor.hpp>

namespace lamina::prove {

/// Sentences without end: a plugin that is wrong everywhere is told the first faults, and how many more there are.
class Findings {
 public:
  /// `told`: learns each `at` before it begins, so that whoever watches knows where a plugin was when it crashed.
  explicit Findings(std::function<void(const std::string&)> told = nullptr) : told_(std::move(told)) {}

  template <class... Parts>
  void fault(const Parts&... parts) {
    std::string sentence = describe(parts...);
    const bool known = std::find(faults.begin(), faults.end(), sentence) != faults.end();
    if (!known && faults.size() < most) faults.push_back(std::move(sentence));
    if (!known) ++count;
  }
  /// A fault unless `holds`.
  template <class... Parts>
  bool expect(bool holds, const Parts&... parts) {
    if (!holds) fault(parts...);
    return holds;
  }
  /// Begins something during which the plugin's code runs; its faults come without this text.
  void at(const std::string& what) {
    if (told_) told_(what);
  }
  /// Part of the check cannot be made here, and why.
  template <class... Parts>
  void leave_out(const Parts&... parts) {
    const std::string sentence = describe(parts...);
    if (std::find(left_out.begin(), left_out.end(), sentence) == left_out.end()) left_out.push_back(sentence);
  }
  /// What was looked at, for the reader of the table; parts are joined by ", ".
  template <class... Parts>
  void note(const Parts&... parts) {
    summary += (summary.empty() ? "" : ", ") + describe(parts...);
  }
  bool passed() const { return count == 0; }

  static constexpr size_t most = 20;
  std::vector<std::string> faults;
  size_t count = 0;  ///< of all faults
  std::vector<std::string> left_out;
  std::string summary;

 private:
  std::function<void(const std::string&)> told_;
};

}  // namespace lamina::prove
