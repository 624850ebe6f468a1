#include "base/text.hpp"

#include <cstdio>
#include <cstring>

namespace lamina {

size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return at + i < text.size() ? uint8_t(text[at + i]) : uint8_t(0); };
  const auto follows = [&](size_t i, uint8_t low = 0x80, uint8_t high = 0xBF) { return byte(i) >= low && byte(i) <= high; };
  const uint8_t b = byte(0);
  if (at >= text.size()) return 0;
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF) return follows(1) ? 2 : 0;
  if (b >= 0xE0 && b <= 0xEF) return follows(1, b == 0xE0 ? 0xA0 : 0x80, b == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
  if (b >= 0xF0 && b <= 0xF4) return follows(1, b == 0xF0 ? 0x90 : 0x80, b == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3) ? 4 : 0;
  return 0;
}

size_t first_invalid_utf8(std::string_view text, size_t begin) {
  for (size_t at = begin; at < text.size();) {
    const size_t length = utf8_length(text, at);
    if (!length) return at;
    at += length;
  }
  return text.size();
}

std::string escaped(std::string_view text) {
  std::string safe;
  const auto code = [&](unsigned value) {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, "\\u%04x", value);
    safe += buffer;
  };
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(text, at);
    const uint8_t b = uint8_t(text[at]);
    if (length == 0)
      code(b), ++at;
    else if (b == '\n')
      safe += "\\n", ++at;
    else if (b == '\t')
      safe += "\\t", ++at;
    else if (b < 0x20 || b == 0x7F)
      code(b), ++at;
    else {
      const uint8_t b1 = length > 1 ? uint8_t(text[at + 1]) : 0, b2 = length > 2 ? uint8_t(text[at + 2]) : 0;
      const bool c1 = length == 2 && b == 0xC2 && b1 < 0xA0;
      const bool reorders =
          length == 3 && b == 0xE2 && ((b1 == 0x80 && b2 >= 0xAA && b2 <= 0xAE) || (b1 == 0x81 && b2 >= 0xA6 && b2 <= 0xA9));
      if (c1)
        code(b1);
      else if (reorders)
        code((b1 & 0x3F) << 6 | (b2 & 0x3F) | 0x2000);
      else
        safe.append(text, at, length);
      at += length;
    }
  }
  return safe;
}

std::string in_quotes(std::string_view text, size_t limit) {
  if (text.size() <= limit) return "\"" + escaped(text) + "\"";
  size_t end = 0;
  while (true) {
    const size_t length = utf8_length(text, end);
    if (end + (length ? length : 1) > limit) break;
    end += length ? length : 1;
  }
  return "\"" + escaped(text.substr(0, end)) + "…\"";
}

std::string joined(std::span<const std::string> parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) {
    if (&part != parts.data()) text += between;
    text += part;
  }
  return text;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string counted(int64_t value) {
  std::string text = std::to_string(value);
  const size_t first = value < 0 ? 1 : 0;
  for (size_t at = text.size(); at > first + 3;) text.insert(at -= 3, ",");
  return text;
}

std::string counted(int64_t value, const std::string& noun, const std::string& plural) {
  return counted(value) + " " + (value == 1 ? noun : plural.empty() ? noun + "s" : plural);
}

std::string bytes_text(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = double(bytes);
  const char* unit = "";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}) {
    if (value < 1023.95) break;  // what would be printed as 1024.0 is one of the next
    value /= 1024, unit = next;
  }
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.1f ", value);
  return buffer + std::string(unit);
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

bool is_name(std::string_view text) {
  if (text.empty() || text[0] < 'a' || text[0] > 'z') return false;
  for (char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  return true;
}

}  // namespace lamina
