/// Numbers, times and tables as people read them. Pure functions.
#pragma once
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace lamina::cli {

/// Four digits after the point where that says something: "0.4470", "1234.5000"; else "3.200e-05", "nan", "inf".
std::string score(double value);
/// As few digits as say it, six at most: "0.01", "1e-05".
std::string brief(double value);
/// "9.3 s", "03:38", "1:02:03", "3 d 04:05": a time that has passed or is left.
std::string duration(double seconds);
/// "1.234": thousandths of a second, with three digits after the point
std::string milliseconds(double seconds);
/// "2026-01-31T12:00:00Z"
std::string iso_time(std::time_t time);
/// "validation_loss" → "validation loss"
std::string spaced(std::string name);

/// Columns that `text` takes in a terminal: characters, those without width not counted, wide ones twice.
size_t width_of(std::string_view text);
/// At most `columns` wide; what is cut off is marked with … (three points without `unicode`).
std::string cut(const std::string& text, size_t columns, bool unicode = true);
/// Broken into lines of at most `columns` at spaces; words that are longer stay whole.
std::vector<std::string> wrapped(const std::string& text, size_t columns);
/// `text` for a shell, quoted where it must be.
std::string shell_word(const std::string& text);

/// Rows of cells under each other, two spaces between columns. Cells are escaped: nothing in them reaches a terminal as control.
class Table {
 public:
  enum class Side { left, right };
  explicit Table(std::vector<Side> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells);
  void rule() { rows_.emplace_back(); }  ///< an empty line
  /// Each line begins with `indent` and ends without spaces. `columns`, when not 0, is how wide a line may be: the widest left-sided column
  /// is cut until it fits, but not below 16.
  std::string text(const std::string& indent = "", size_t columns = 0, bool unicode = true) const;

 private:
  std::vector<Side> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace lamina::cli
