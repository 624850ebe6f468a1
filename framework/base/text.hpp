/// Texts for people: escaping, quoting, joining, and the checks that UTF-8 from outside needs.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lamina {

/// `text` made safe for a terminal and a log: control characters and DEL as \n, \t or \u001b; bytes that are no UTF-8, C1 controls and
/// characters that reorder text (U+202A…E, U+2066…9) as \u….
std::string escaped(std::string_view text);

/// `"text"`, escaped and cut with … after `limit` bytes (at a character's border).
std::string in_quotes(std::string_view text, size_t limit = 80);

/// "a, b, c".
std::string joined(std::span<const std::string> parts, std::string_view between = ", ");

/// The lines of a text, without their ends.
std::vector<std::string> lines_of(std::string_view text);

/// "61,706"
std::string counted(int64_t value);
/// "1 fault", "2 faults", "3 libraries"; the plural is the noun with an s when it is not given.
std::string counted(int64_t value, const std::string& noun, const std::string& plural = "");

/// "512 B", "1.4 KiB", "12.3 MiB"
std::string bytes_text(uint64_t bytes);

/// "SIGINT", "signal 42"
std::string signal_name(int signal);

/// Bytes from `begin` to the first one that breaks UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF); text.size() when
/// none does.
size_t first_invalid_utf8(std::string_view text, size_t begin = 0);

/// Number of bytes of the UTF-8 character at text[at], 0 when it is broken or cut off.
size_t utf8_length(std::string_view text, size_t at);

/// True for a text of one or more characters out of a-z, 0-9 and _ that starts with a letter.
bool is_name(std::string_view text);

}  // namespace lamina
