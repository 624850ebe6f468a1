// The only place that knows the JSON library. Its event interface (SAX) tells what a token is but not where: the positions come from a
// cursor of our own, which at each event skips what may stand between two tokens and so stands on the token's first byte.
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/files.hpp"
#include "base/text.hpp"
#include "config/faults.hpp"
#include "config/json.hpp"

namespace lamina {
namespace {

/// Line and column of a byte, counted once from the beginning to the end.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  size_t byte() const { return byte_; }
  uint32_t line() const { return line_; }
  uint32_t column() const { return column_; }
  char current() const { return byte_ < text_.size() ? text_[byte_] : '\0'; }
  std::string_view rest() const { return text_.substr(byte_); }
  bool comma = false, colon = false;  ///< what the last skip passed

  void move_to(size_t byte) {
    for (; byte_ < std::min(byte, text_.size()); ++byte_) {
      if (text_[byte_] == '\n')
        ++line_, column_ = 1;
      else if ((text_[byte_] & 0xC0) != 0x80)  // not inside a character
        ++column_;
    }
  }
  void skip_blanks() {
    for (size_t at = byte_;;) {
      while (at < text_.size() && std::strchr(" \t\r\n", text_[at]) && text_[at]) ++at;
      const std::string_view two = text_.substr(at, 2);
      if (two == "//")
        at = std::min(text_.find_first_of("\r\n", at), text_.size());
      else if (two == "/*" && text_.find("*/", at + 2) != text_.npos)  // one that never ends is a fault, and stays
        at = text_.find("*/", at + 2) + 2;
      else
        return move_to(at);
    }
  }
  /// To the next token; commas and colons at or after `end` are tokens of their own.
  void skip_between(size_t end = std::string_view::npos) {
    comma = colon = false;
    for (skip_blanks(); (current() == ',' || current() == ':') && byte_ + 1 < end; skip_blanks()) {
      (current() == ',' ? comma : colon) = true;
      move_to(byte_ + 1);
    }
  }
  /// From the first byte of a token that the library has accepted past its last.
  std::string_view take_token() {
    size_t at = byte_ + 1;
    const auto digits = [&] {
      while (at < text_.size() && text_[at] >= '0' && text_[at] <= '9') ++at;
    };
    const auto is = [&](const char* set) { return at < text_.size() && std::strchr(set, text_[at]); };
    switch (current()) {
      case '"':
        while (text_[at] != '"') at += text_[at] == '\\' ? 2 : 1;
        ++at;
        break;
      case 't':
      case 'n':
        at += 3;
        break;
      case 'f':
        at += 4;
        break;
      case '{':
      case '}':
      case '[':
      case ']':
        break;
      default:  // a number; what follows a leading 0 is not part of it
        if (current() == '-') ++at;
        if (text_[at - 1] != '0') digits();
        if (is(".")) ++at, digits();
        if (is("eE")) ++at, at += is("+-"), digits();
    }
    return take(at);
  }
  /// From a token that is none, past what a reader would take for it.
  std::string_view take_word() {
    size_t at = byte_ + 1;
    if (!std::strchr("{}[],:", current()))
      while (at < text_.size() && !std::strchr(" \t\r\n{}[],:\"/", text_[at])) ++at;
    return take(at);
  }

 private:
  std::string_view take(size_t end) {
    const size_t begin = byte_;
    move_to(end);
    return text_.substr(begin, byte_ - begin);
  }

  std::string_view text_;
  size_t byte_ = 0;
  uint32_t line_ = 1, column_ = 1;
};

class Reader {
 public:
  Reader(std::string_view text, std::shared_ptr<const SourceText> source, Faults& faults)
      : text_(text), source_(std::move(source)), faults_(faults), cursor_(text) {}
  Json result;

  // The events. They return false to stop.
  bool null() { return finish(begin(), nullptr); }
  bool boolean(bool v) { return finish(begin(), v); }
  bool number_integer(int64_t v) { return number(v); }
  bool number_unsigned(uint64_t v) {
    if (v <= uint64_t(INT64_MAX)) return number(int64_t(v));
    return integer_too_large();
  }
  bool number_float(double v, const std::string& raw) {
    if (raw.find_first_of(".eE") == raw.npos) return integer_too_large();
    if (v == 0 && raw.substr(0, raw.find_first_of("eE")).find_first_of("123456789") != raw.npos)
      return number(v, "the number is nearer to 0 than a 64-bit real can be");
    return number(v);
  }
  bool string(const std::string& v) {
    const Position position = begin();
    no_nul(position, v);
    return finish(position, v);
  }
  bool binary(const std::vector<uint8_t>&) { return false; }
  bool start_object(size_t) { return open(Json::object()); }
  bool start_array(size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(const std::string& name) {
    const Position position = begin();
    no_nul(position, name);
    Frame& frame = frames_.back();
    frame.dropping = !frame.keys.insert(name).second;
    if (frame.keys.size() > json_key_limit) return refuse(position, "the object has more than 10,000 keys");
    if (frame.dropping) {
      Position first;
      for (const Member& m : frame.value.members())
        if (m.key == name) first = m.position;
      faults_.add({position, pointer_to(pointer(), name)},
                  "the key " + in_quotes(name) + " stands twice in this object; the first is in line " + std::to_string(first.line));
    }
    frame.key = name, frame.key_position = position, frame.after_key = true;
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& error);

 private:
  struct Frame {
    Json value;
    std::string key;
    Position key_position;
    bool after_key = false, dropping = false;
    std::unordered_set<std::string> keys = {};
  };

  Position here() const { return {source_, cursor_.line(), cursor_.column(), uint32_t(cursor_.byte())}; }
  Position begin() {
    cursor_.skip_between();
    const Position position = here();
    token_ = cursor_.take_token();
    return position;
  }
  std::string pointer() const {
    std::string p;
    for (size_t i = 0; i + 1 < frames_.size(); ++i) p = step(p, frames_[i]);
    return p;
  }
  std::string inner_pointer() const {
    if (frames_.empty()) return "";
    const Frame& last = frames_.back();
    return last.value.is_object() && !last.after_key ? pointer() : step(pointer(), last);
  }
  static std::string step(const std::string& p, const Frame& f) {
    return f.value.is_object() ? pointer_to(p, f.key) : pointer_to(p, f.value.items().size());
  }
  bool refuse(const Position& position, const std::string& sentence) {
    faults_.add({position, inner_pointer()}, sentence);
    return false;
  }
  void no_nul(const Position& position, const std::string& text) {
    if (text.find('\0') != text.npos)
      faults_.add({position, inner_pointer()}, "the text contains NUL (\\u0000), which no name or path can");
  }
  template <class T>
  bool number(T value, const char* fault = nullptr) {
    const Position position = begin();
    if (token_.size() > json_number_limit)
      return refuse(position, "the number has " + std::to_string(token_.size()) + " characters; at most " +
                                  std::to_string(json_number_limit) + " are read");
    if (fault) faults_.add({position, inner_pointer()}, fault);
    return finish(position, value);
  }
  bool integer_too_large() { return number(nullptr, "the integer does not fit in 64 bits (−2^63 … 2^63−1)"); }
  bool open(Json container) {
    container.position = begin();
    if (frames_.size() == json_depth_limit)
      return refuse(container.position, "the text nests deeper than " + std::to_string(json_depth_limit) + " levels");
    frames_.push_back({std::move(container), "", {}});
    return true;
  }
  bool close() {
    begin();
    Json done = std::move(frames_.back().value);
    frames_.pop_back();
    const Position position = done.position;
    return finish(position, std::move(done));
  }
  bool finish(const Position& position, Json value) {
    if (++values_ > json_value_limit) return refuse(position, "the text holds more than a million values");
    value.position = position;
    if (frames_.empty()) {
      result = std::move(value), done_ = true;
      return true;
    }
    Frame& frame = frames_.back();
    frame.after_key = false;
    if (!frame.value.is_object())
      frame.value.push_back(std::move(value));
    else if (!frame.dropping)
      frame.value.members().push_back({std::move(frame.key), std::move(value), frame.key_position});
    return true;
  }
  std::string wanted() const;

  std::string_view text_, token_;
  std::shared_ptr<const SourceText> source_;
  Faults& faults_;
  Cursor cursor_;
  std::vector<Frame> frames_;
  size_t values_ = 0;
  bool done_ = false;
};

/// What could have stood where the cursor is.
std::string Reader::wanted() const {
  if (frames_.empty()) return done_ ? "nothing may follow the value" : "wanted a value";
  const Frame& frame = frames_.back();
  if (frame.value.is_object()) {
    if (frame.after_key) return cursor_.colon ? "wanted a value" : "wanted \":\" after the key";
    if (cursor_.comma) return "wanted another key after the comma";
    return frame.value.members().empty() && !frame.dropping ? "wanted a key in double quotes or \"}\"" : "wanted \",\" or \"}\"";
  }
  if (cursor_.comma) return "wanted another value after the comma";
  return frame.value.items().empty() ? "wanted a value or \"]\"" : "wanted \",\" or \"]\"";
}

bool Reader::parse_error(size_t position, const std::string&, const nlohmann::json::exception& error) {
  cursor_.skip_between(position);
  const Position start = here();
  if (cursor_.byte() >= text_.size()) {
    std::string sentence = "the text ends too early; " + wanted();
    if (!frames_.empty()) {
      const Position& open = frames_.back().value.position;
      sentence += std::string("; the ") + (frames_.back().value.is_object() ? "object" : "list") + " that begins at " +
                  std::to_string(open.line) + ":" + std::to_string(open.column) + " is not closed";
    }
    return refuse(start, sentence);
  }
  const std::string_view token = cursor_.take_word();
  if (error.id == 406) return refuse(start, "the number " + in_quotes(token, json_number_limit) + " is not finite as a 64-bit real");
  // The library puts the words of its scanner between the first " - " and "; last read: '"; syntax errors have no such end.
  const std::string message = error.what();
  const size_t from = message.find(" - "), to = message.find("; last read: '");
  if (from == message.npos || to == message.npos || to < from)
    return refuse(start, "unexpected " + (token[0] == '"' ? "text" : in_quotes(token, 40)) + "; " + wanted());
  const std::string words = message.substr(from + 3, to - from - 3);
  if (words.starts_with("invalid literal"))
    return refuse(start, in_quotes(token, 40) + " is no JSON value; " + wanted() +
                             " (texts stand in double quotes; the words are true, false and null)");
  if (words.find("missing closing quote") != words.npos) return refuse(start, "the text has no closing quote");
  if (words.starts_with("invalid string")) {  // told where inside the text
    cursor_ = Cursor(text_);
    cursor_.move_to(position ? position - 1 : 0);
    return refuse(here(), words);
  }
  return refuse(start, words);
}

bool check_encoding(std::string_view text, const std::shared_ptr<const SourceText>& source, Faults& faults) {
  const auto fault = [&](size_t byte, const char* sentence) {
    Cursor cursor(text);
    cursor.move_to(byte);
    faults.add({{source, cursor.line(), cursor.column(), uint32_t(byte)}, ""}, sentence);
    return false;
  };
  if (text.size() > json_byte_limit) return fault(0, "the text is larger than 16 MiB");
  if (text.starts_with("\xEF\xBB\xBF")) return fault(0, "the text begins with a byte order mark; save it as UTF-8 without one");
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return fault(0, "the text is UTF-16; save it as UTF-8");
  const size_t nul = text.find('\0'), broken = first_invalid_utf8(text);
  if (nul < broken) return fault(nul, "the text contains a NUL byte");
  if (broken < text.size()) return fault(broken, "the text is not valid UTF-8 here");
  return true;
}

}  // namespace

Json parse_json(std::string_view text, const SourceText& source, Faults& faults) {
  const auto shared = std::make_shared<const SourceText>(source);
  if (!check_encoding(text, shared, faults)) return {};
  Reader reader(text, shared, faults);
  if (!nlohmann::json::sax_parse(text.data(), text.data() + text.size(), &reader, nlohmann::json::input_format_t::json, true, true))
    return {};
  return std::move(reader.result);
}

Json read_json(const std::filesystem::path& path, const std::string& name, Faults& faults) {
  std::string text;
  try {
    text = read_file(path, json_byte_limit);
  } catch (const std::exception& error) {
    Place place;
    place.position.source = std::make_shared<const SourceText>(SourceText{name, false});
    faults.add(place, error.what());
    return {};
  }
  return parse_json(text, {name}, faults);
}

}  // namespace lamina
