#include "cli/terminal.hpp"

#include <sys/ioctl.h>

#include <algorithm>

#include "base/text.hpp"

namespace lamina::cli {

int Terminal::columns() const {
  winsize size{};
  if (descriptor < 0 || ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return width;
  return size.ws_col;
}

std::string Terminal::colored(const char* code, const std::string& text) const {
  return color && !text.empty() ? std::string("\033[") + code + "m" + text + "\033[0m" : text;
}

Terminal terminal(int descriptor, bool is_terminal, ColorMode mode, const Environment& environment) {
  const auto value = [&](const char* name) { return environment(name).value_or(""); };
  const bool dumb = value("TERM") == "dumb";
  Terminal t;
  t.redraws = is_terminal && !dumb;
  t.descriptor = is_terminal ? descriptor : -1;
  if (mode != ColorMode::automatic)
    t.color = mode == ColorMode::always;
  else if (!value("NO_COLOR").empty())
    t.color = false;
  else if (const std::string force = value("CLICOLOR_FORCE"); !force.empty() && force != "0")
    t.color = true;
  else
    t.color = t.redraws;
  // The first of these that is set names the locale (POSIX).
  std::string locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (locale.empty()) locale = value(name);
  std::transform(locale.begin(), locale.end(), locale.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : char(c); });
  t.unicode = locale.find("utf-8") != locale.npos || locale.find("utf8") != locale.npos;
  return t;
}

namespace {
/// JSON that is safe to look at, too: what is left of control characters stands inside texts, where \u… means the same.
std::string safe(const std::string& json) {
  std::string text;
  for (size_t at = 0; at < json.size();) {
    const size_t end = std::min(json.find('\n', at), json.size());
    text += escaped(std::string_view(json).substr(at, end - at));
    if (end < json.size()) text += '\n';
    at = end + 1;
  }
  return text;
}
}  // namespace

void Console::document(const Json& value) { out << safe(to_text(value)) << std::flush; }
void Console::line(const Json& value) { out << safe(to_text(value, false)) + "\n" << std::flush; }

}  // namespace lamina::cli
