#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "config/json.hpp"

namespace lamina {
namespace {

void write_text(std::string& out, std::string_view text) {
  out += '"';
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(text, at);
    const unsigned char c = static_cast<unsigned char>(text[at]);
    if (length == 0) {
      out += "\xEF\xBF\xBD";  // U+FFFD: strict JSON is UTF-8
    } else if (c == '"' || c == '\\') {
      out += '\\', out += char(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < 0x20 || c == 0x7F) {
      constexpr char digits[] = "0123456789abcdef";
      out += "\\u00", out += digits[c >> 4], out += digits[c & 15];
    } else {
      out.append(text, at, length);
    }
    at += length ? length : 1;
  }
  out += '"';
}

void write_real(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  const std::string_view digits(buffer, size_t(end - buffer));
  out += digits;
  if (digits.find_first_of(".e") == digits.npos) out += ".0";  // so that it reads back as a real
}

bool fits_one_line(const Json& value) {
  if (value.is_object()) return value.members().empty();
  if (!value.is_array()) return true;
  size_t width = 0;
  for (const Json& item : value.items()) {
    if (item.is_array() || item.is_object()) return false;
    width += item.is_text() ? item.text().size() + 4 : 8;
  }
  return width <= 120;
}

enum class Style { compact, line, pretty };

void write(std::string& out, const Json& value, Style style, size_t level) {
  const bool pretty = style == Style::pretty;
  const char *comma = style == Style::line ? ", " : ",", *colon = style == Style::compact ? ":" : ": ";
  const auto line = [&](size_t deep) {
    if (pretty) out += '\n', out.append(2 * deep, ' ');
  };
  switch (value.kind()) {
    case Json::Kind::null:
      out += "null";
      break;
    case Json::Kind::boolean:
      out += value.boolean() ? "true" : "false";
      break;
    case Json::Kind::integer:
      out += std::to_string(value.integer());
      break;
    case Json::Kind::real:
      write_real(out, value.number());
      break;
    case Json::Kind::text:
      write_text(out, value.text());
      break;
    case Json::Kind::array: {
      const bool flat = fits_one_line(value);
      out += '[';
      for (const Json& item : value.items()) {
        if (&item != value.items().data()) out += flat && pretty ? ", " : comma;
        if (!flat) line(level + 1);
        write(out, item, style, level + 1);
      }
      if (!flat) line(level);
      out += ']';
      break;
    }
    case Json::Kind::object:
      out += '{';
      for (const Member& m : value.members()) {
        if (&m != value.members().data()) out += comma;
        line(level + 1);
        write_text(out, m.key);
        out += colon;
        write(out, m.value, style, level + 1);
      }
      if (!value.members().empty()) line(level);
      out += '}';
      break;
  }
}

}  // namespace

std::string to_text(const Json& value, bool pretty) {
  std::string out;
  write(out, value, pretty ? Style::pretty : Style::compact, 0);
  if (pretty) out += '\n';
  return out;
}

std::string to_line(const Json& value) {
  std::string out;
  write(out, value, Style::line, 0);
  return out;
}

}  // namespace lamina
