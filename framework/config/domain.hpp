/// The legal values of a parameter: the host's reading of a declaration's domain text.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace lamina {

/// An interval or a choice of words; std::runtime_error for a text that is neither. "" is all values.
class DomainText {
 public:
  explicit DomainText(const std::string& text);
  bool contains(double number) const;            ///< true when this is no interval
  bool contains(const std::string& word) const;  ///< true when this is no choice
  const std::vector<std::string>& words() const { return words_; }
  struct Interval {
    double low, high;  ///< infinite where there is no bound
    bool low_included, high_included;
  };
  const std::optional<Interval>& interval() const { return interval_; }

 private:
  std::optional<Interval> interval_;
  std::vector<std::string> words_;
};

}  // namespace lamina
