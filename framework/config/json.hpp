/// JSON values that remember where they were written, strict reading and the one writer.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lamina {

class Faults;

/// The text a value came from.
struct SourceText {
  std::string name;          ///< a file as the user wrote it, or "--set path=value", or "(given by the program)"
  bool has_lines = true;     ///< false: a name alone says where
  std::string pointer = {};  ///< when not empty: the JSON pointer to report instead of where the value now stands (block arguments)
};

/// Where a value or key begins.
struct Position {
  std::shared_ptr<const SourceText> source;  ///< null: made by the program
  uint32_t line = 0, column = 0;             ///< from 1; columns count Unicode characters
  uint32_t byte = 0;                         ///< from the beginning of the text
  /// "file:line:column", the source's name alone when it has no lines, or "".
  std::string text() const;
};

struct Member;

/// null, boolean, integer (64-bit), real, text, array or object. Objects keep the order of their keys, and each key is there once.
/// Depth is bounded for values that were read; whoever builds values by program keeps to the same.
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;
  enum class Kind { null, boolean, integer, real, text, array, object };

  Json();
  Json(std::nullptr_t);
  Json(bool v);
  Json(int v);
  Json(int64_t v);
  Json(double v);
  Json(const char* v);
  Json(std::string v);
  Json(std::vector<Json> v);
  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;
  ~Json();
  static Json object();
  static Json array();

  Kind kind() const { return Kind(value_.index()); }
  bool is_null() const { return kind() == Kind::null; }
  bool is_boolean() const { return kind() == Kind::boolean; }
  bool is_integer() const { return kind() == Kind::integer; }
  bool is_number() const { return kind() == Kind::integer || kind() == Kind::real; }
  bool is_text() const { return kind() == Kind::text; }
  bool is_array() const { return kind() == Kind::array; }
  bool is_object() const { return kind() == Kind::object; }
  /// "an integer", "a text", …: for messages.
  const char* kind_text() const;

  // std::runtime_error when the value is of another kind.
  bool boolean() const;
  int64_t integer() const;
  double number() const;  ///< an integer or a real
  const std::string& text() const;
  const Array& items() const;
  Array& items();
  const Object& members() const;
  Object& members();

  /// The value of `key`, or null when there is none or this is no object.
  const Json* find(std::string_view key) const;
  Json* find(std::string_view key);
  const Member* find_member(std::string_view key) const;
  /// The same as find, but null too where the value is null: in an experiment, null stands for a key that is not there.
  const Json* given(std::string_view key) const;
  /// Replaces the value of `key`, or adds it at the end. This must be an object.
  Json& set(std::string key, Json value);
  void erase(std::string_view key);
  void push_back(Json value);
  /// Equality of content: positions do not count, the order of keys does not, 1 and 1.0 differ.
  bool operator==(const Json& other) const;

  Position position;

 private:
  std::variant<std::nullptr_t, bool, int64_t, double, std::string, Array, Object> value_;
};

struct Member {
  std::string key;
  Json value;
  Position position = {};  ///< of the key
};

/// Limits on what is read. A text past one of them is refused with a fault.
inline constexpr size_t json_depth_limit = 64, json_byte_limit = 16 << 20, json_number_limit = 40, json_value_limit = 1'000'000,
                        json_key_limit = 10'000;

/// Reads RFC 8259 JSON, and // and /* */ comments. Refused as faults with line and column: more than the limits above, a byte order mark,
/// invalid UTF-8, NUL (escaped too), integers outside 64 bits, reals that are not finite, duplicate keys, anything after the value.
/// Returns what was read, null when the text is no JSON; whether it may be used is told by `faults`.
Json parse_json(std::string_view text, const SourceText& source, Faults& faults);

/// The same of a regular file; `name` is how faults call it. One that cannot be read is a fault.
Json read_json(const std::filesystem::path& path, const std::string& name, Faults& faults);

/// Strict JSON. Numbers are the shortest text that reads back as the same value; reals that are not finite become null, because JSON has
/// no word for them. `pretty`: two spaces per level and a line per member, short arrays of scalars on one line; else one line without
/// spaces.
std::string to_text(const Json& value, bool pretty = true);
/// The same on one line, spaced as people write it: {"type": "relu", "inputs": ["a", "b"]}.
std::string to_line(const Json& value);

/// `pointer` + "/" + key, with ~ and / escaped (RFC 6901).
std::string pointer_to(const std::string& pointer, std::string_view key);
std::string pointer_to(const std::string& pointer, size_t index);

}  // namespace lamina
