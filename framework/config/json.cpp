#include "config/json.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace lamina {

std::string Position::text() const {
  if (!source) return "";
  return source->has_lines ? source->name + ":" + std::to_string(line) + ":" + std::to_string(column) : source->name;
}

Json::Json() : value_(nullptr) {}
Json::Json(std::nullptr_t) : value_(nullptr) {}
Json::Json(bool v) : value_(v) {}
Json::Json(int v) : value_(int64_t(v)) {}
Json::Json(int64_t v) : value_(v) {}
Json::Json(double v) : value_(v) {}
Json::Json(const char* v) : value_(std::string(v)) {}
Json::Json(std::string v) : value_(std::move(v)) {}
Json::Json(std::vector<Json> v) : value_(std::move(v)) {}
Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(const Json&) = default;
Json& Json::operator=(Json&&) noexcept = default;
Json::~Json() = default;

Json Json::object() {
  Json j;
  j.value_ = Object();
  return j;
}
Json Json::array() { return Json(Array()); }

namespace {

constexpr const char* kind_texts[] = {"null", "a boolean", "an integer", "a real number", "a text", "a list", "an object"};

template <class T, class Variant>
auto& checked(Variant& value, const char* wanted) {
  if (auto* v = std::get_if<T>(&value)) return *v;
  throw std::runtime_error(std::string("A JSON value is ") + kind_texts[value.index()] + " where " + wanted + " was wanted.");
}

}  // namespace

const char* Json::kind_text() const { return kind_texts[value_.index()]; }
bool Json::boolean() const { return checked<bool>(value_, "a boolean"); }
int64_t Json::integer() const { return checked<int64_t>(value_, "an integer"); }
double Json::number() const { return is_integer() ? double(integer()) : checked<double>(value_, "a number"); }
const std::string& Json::text() const { return checked<std::string>(value_, "a text"); }
const Json::Array& Json::items() const { return checked<Array>(value_, "a list"); }
Json::Array& Json::items() { return checked<Array>(value_, "a list"); }
const Json::Object& Json::members() const { return checked<Object>(value_, "an object"); }
Json::Object& Json::members() { return checked<Object>(value_, "an object"); }

const Member* Json::find_member(std::string_view key) const {
  if (!is_object()) return nullptr;
  for (const Member& m : members())
    if (m.key == key) return &m;
  return nullptr;
}
const Json* Json::find(std::string_view key) const {
  const Member* m = find_member(key);
  return m ? &m->value : nullptr;
}
const Json* Json::given(std::string_view key) const {
  const Json* value = find(key);
  return value && !value->is_null() ? value : nullptr;
}
Json* Json::find(std::string_view key) { return const_cast<Json*>(std::as_const(*this).find(key)); }

Json& Json::set(std::string key, Json value) {
  if (Json* there = find(key)) return *there = std::move(value);
  return members().emplace_back(Member{std::move(key), std::move(value)}).value;
}
void Json::erase(std::string_view key) {
  if (is_object()) std::erase_if(members(), [&](const Member& m) { return m.key == key; });
}
void Json::push_back(Json value) { items().push_back(std::move(value)); }

bool Json::operator==(const Json& other) const {
  if (kind() != other.kind()) return false;
  switch (kind()) {
    case Kind::null:
      return true;
    case Kind::boolean:
      return boolean() == other.boolean();
    case Kind::integer:
      return integer() == other.integer();
    case Kind::real:
      return number() == other.number();
    case Kind::text:
      return text() == other.text();
    case Kind::array:
      return items() == other.items();
    case Kind::object:
      break;
  }
  return members().size() == other.members().size() && std::ranges::all_of(members(), [&](const Member& m) {
           const Json* twin = other.find(m.key);
           return twin && *twin == m.value;
         });
}

std::string pointer_to(const std::string& pointer, std::string_view key) {
  std::string result = pointer + "/";
  for (char c : key) result += c == '~' ? std::string("~0") : c == '/' ? std::string("~1") : std::string(1, c);
  return result;
}
std::string pointer_to(const std::string& pointer, size_t index) { return pointer + "/" + std::to_string(index); }

}  // namespace lamina
