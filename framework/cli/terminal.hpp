/// Where a command writes: what the two streams can show, and how much is wanted.
#pragma once
#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "config/json.hpp"

namespace lamina::cli {

enum class ColorMode { automatic, always, never };

/// The value of an environment variable, or nothing.
using Environment = std::function<std::optional<std::string>(const std::string&)>;

/// What can be shown on one stream.
struct Terminal {
  bool redraws = false;  ///< a line may be drawn over: a terminal, and not TERM=dumb
  bool color = false;
  bool unicode = false;  ///< the locale's characters are UTF-8
  int descriptor = -1;   ///< asked for its width; -1: `width` holds
  int width = 80;

  int columns() const;
  std::string bold(const std::string& text) const { return colored("1", text); }
  std::string dim(const std::string& text) const { return colored("2", text); }
  std::string red(const std::string& text) const { return colored("1;31", text); }
  std::string yellow(const std::string& text) const { return colored("33", text); }
  std::string green(const std::string& text) const { return colored("32", text); }
  std::string cyan(const std::string& text) const { return colored("36", text); }

 private:
  std::string colored(const char* code, const std::string& text) const;
};

/// Looks at the stream and the environment. --color wins; then NO_COLOR (set and not empty), CLICOLOR_FORCE (set and not 0), TERM=dumb.
Terminal terminal(int descriptor, bool is_terminal, ColorMode color, const Environment& environment);

struct Console {
  std::ostream& out;  ///< results
  std::ostream& err;  ///< progress, warnings, errors
  Terminal out_terminal = {}, err_terminal = {};
  bool json = false, quiet = false, verbose = false;

  /// One document on `out`.
  void document(const Json& value);
  /// One line on `out`, there at once.
  void line(const Json& value);
};

}  // namespace lamina::cli
