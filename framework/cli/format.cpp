#include "cli/format.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.hpp"

namespace lamina::cli {
namespace {

template <class... Values>
std::string printed(const char* format, Values... values) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

char32_t character(std::string_view text, size_t at, size_t length) {
  const auto byte = [&](size_t i) { return char32_t(uint8_t(text[at + i])); };
  if (length < 2) return byte(0);
  char32_t code = byte(0) & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3F);
  return code;
}

/// Unicode's combining and East Asian wide blocks, as coarse as a table of names and sentences needs.
size_t columns_of(char32_t c) {
  if ((c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF) return 0;
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF && c != 0x303F) || (c >= 0xAC00 && c <= 0xD7A3) ||
                    (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                    (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

}  // namespace

std::string score(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const double size = std::fabs(value);
  return value == 0 || (size >= 1e-3 && size < 1e6) ? printed("%.4f", value) : printed("%.3e", value);
}

std::string brief(double value) { return std::isnan(value) ? "nan" : printed("%.6g", value); }

std::string duration(double seconds) {
  if (!(seconds >= 0) || seconds > 1e12) return "?";
  if (seconds < 59.95) return printed("%.1f s", seconds);
  const auto all = static_cast<long long>(std::llround(seconds));
  const long long s = all % 60, m = all / 60 % 60, h = all / 3600 % 24, d = all / 86400;
  if (d) return printed("%lld d %02lld:%02lld", d, h, m);
  return h ? printed("%lld:%02lld:%02lld", h, m, s) : printed("%02lld:%02lld", m, s);
}

std::string milliseconds(double seconds) { return printed("%.3f", seconds * 1e3); }

std::string iso_time(std::time_t time) {
  std::tm utc{};
  char buffer[40];
  if (!gmtime_r(&time, &utc) || !std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &utc)) return "?";
  return buffer;
}

std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

size_t width_of(std::string_view text) {
  size_t width = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(text, at);
    width += length ? columns_of(character(text, at, length)) : 1;
    at += std::max<size_t>(length, 1);
  }
  return width;
}

std::string cut(const std::string& text, size_t columns, bool unicode) {
  if (width_of(text) <= columns) return text;
  const std::string mark = unicode ? "…" : "...";
  const size_t marked = width_of(mark);
  if (columns < marked) return std::string(columns, '.');
  size_t end = 0, width = 0;
  while (true) {
    const size_t length = std::max<size_t>(utf8_length(text, end), 1);
    const size_t next = width_of(std::string_view(text).substr(end, length));
    if (width + next > columns - marked) break;
    width += next, end += length;
  }
  while (end && text[end - 1] == ' ') --end;
  return text.substr(0, end) + mark;
}

std::vector<std::string> wrapped(const std::string& text, size_t columns) {
  std::vector<std::string> lines;
  std::string line;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    if (!line.empty() && width_of(line) + 1 + width_of(word) > columns) lines.push_back(std::move(line)), line.clear();
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string shell_word(const std::string& text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
  if (!text.empty() && text.find_first_not_of(plain) == text.npos) return text;
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void Table::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = escaped(cell);
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text(const std::string& indent, size_t columns, bool unicode) const {
  constexpr size_t narrowest = 16, between = 2;
  std::vector<size_t> widths(columns_.size());
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  size_t total = width_of(indent) + between * (columns_.size() - 1);
  for (size_t w : widths) total += w;
  if (columns && total > columns) {
    size_t widest = columns_.size();
    for (size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i] == Side::left && (widest == columns_.size() || widths[i] > widths[widest])) widest = i;
    if (widest < columns_.size()) {
      const size_t over = total - columns, w = widths[widest];
      widths[widest] = w > over + narrowest ? w - over : std::min(w, narrowest);
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line = indent;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = cut(row[i], widths[i], unicode);
      const std::string fill(widths[i] - width_of(cell), ' ');
      line += (i ? "  " : "") + (columns_[i] == Side::left ? cell + fill : fill + cell);
    }
    const size_t end = line.find_last_not_of(' ');
    out += (end == line.npos ? "" : line.substr(0, end + 1)) + "\n";
  }
  return out;
}

}  // namespace lamina::cli
