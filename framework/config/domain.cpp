#include "config/domain.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <stdexcept>

#include "base/text.hpp"

namespace lamina {
namespace {

std::optional<double> bound(std::string_view text) {
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

DomainText::DomainText(const std::string& text) {
  if (text.empty()) return;
  const auto refuse = [&] {
    throw std::runtime_error("The domain " + in_quotes(text) + " is neither an interval like [0, 1) nor a choice like same | valid.");
  };
  if (text[0] == '[' || text[0] == '(') {
    const size_t comma = text.find(", ");
    const char last = text.back();
    if (comma == text.npos || (last != ']' && last != ')')) refuse();
    const auto low = bound(std::string_view(text).substr(1, comma - 1));
    const auto high = bound(std::string_view(text).substr(comma + 2, text.size() - comma - 3));
    if (!low || !high) refuse();
    interval_ = {*low, *high, text[0] == '[', last == ']'};
    return;
  }
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(" | ", begin), text.size());
    words_.push_back(text.substr(begin, end - begin));
    if (words_.back().empty()) refuse();
    begin = end == text.size() ? end + 1 : end + 3;
  }
}

bool DomainText::contains(double number) const {
  if (!interval_) return true;
  const auto& i = *interval_;
  return (i.low_included ? number >= i.low : number > i.low) && (i.high_included ? number <= i.high : number < i.high);
}

bool DomainText::contains(const std::string& word) const { return words_.empty() || std::ranges::find(words_, word) != words_.end(); }

}  // namespace lamina
