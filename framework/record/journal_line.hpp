/// One line of a journal as text. Not for others: part of the journal.
#pragma once
#include "record/journal.hpp"

#include <string_view>

namespace lamina {

constexpr size_t longest_line = 64 * 1024;  // bytes, with the newline

/// Appends `{"kind":"step","step":1,"loss":0.5}` and a newline. Integers have digits only; doubles are the shortest text that reads back
/// to the same bits and always have a point or an exponent; "nan", "inf" and "-inf" are texts. JournalError for a name that may not be.
void format_line(const Row& row, std::string& line);

/// Reads what format_line wrote (without the newline) into `row`, reusing its memory. "" when done, else what is wrong.
std::string parse_line(std::string_view line, Row& row);

}  // namespace lamina
