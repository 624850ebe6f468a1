// Reading and writing JSON: what is refused, and where each fault is said to be.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "config/faults.hpp"
#include "config/json.hpp"

using namespace lamina;

namespace {

/// All faults of a text, one per line.
std::string faults_of(const std::string& text) {
  Faults faults;
  parse_json(text, {"f.json"}, faults);
  std::string lines;
  for (const Fault& f : faults.sorted()) lines += f.text() + "\n";
  return lines;
}
Json good(const std::string& text) {
  Faults faults;
  Json value = parse_json(text, {"f.json"}, faults);
  for (const Fault& f : faults.sorted()) FAIL(f.text());
  return value;
}
std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

struct Case {
  const char *text, *fault;
};

}  // namespace

TEST_CASE("json: syntax faults say line, column and what was wanted") {
  const Case cases[] = {
      {"", "f.json:1:1: the text ends too early; wanted a value"},
      {"  // nothing\n", "f.json:2:1: the text ends too early; wanted a value"},
      {"{\"a\": 1,}", "f.json:1:9: unexpected \"}\"; wanted another key after the comma"},
      {"[1,]", "f.json:1:4  /1: unexpected \"]\"; wanted another value after the comma"},
      {"[1,,2]", "f.json:1:4  /1: unexpected \",\"; wanted another value after the comma"},
      {"{\"a\" 1}", "f.json:1:6  /a: unexpected \"1\"; wanted \":\" after the key"},
      {"{\"a\": 1\n \"b\": 2}", "f.json:2:2: unexpected text; wanted \",\" or \"}\""},
      {"{\n  \"a\": {\n    \"b\": [1, 2\n",
       "f.json:4:1  /a/b/2: the text ends too early; wanted \",\" or \"]\"; the list that begins at 3:10 is not closed"},
      {"{\"a\": 1} x", "f.json:1:10: \"x\" is no JSON value; nothing may follow the value"},
      {"{\"a\": 1} {}", "f.json:1:10: unexpected \"{\"; nothing may follow the value"},
      {"{\"ü\": tru}", "f.json:1:7  /ü: \"tru\" is no JSON value; wanted a value"},
      {"{'a': 1}", "f.json:1:2: \"'a'\" is no JSON value; wanted a key in double quotes or \"}\""},
      {"{\"a\": \"x}", "f.json:1:7  /a: the text has no closing quote"},
      {"{\"a\": \"x\ny\"}", "f.json:1:9  /a: invalid string: control character"},
      {"{\"a\": \"\\q\"}", "f.json:1:9  /a: invalid string: forbidden character after backslash"},
      {"[\"\\ud800\"]", "invalid string: surrogate U+D800..U+DBFF must be followed"},
      {"[01]", "f.json:1:3  /1: unexpected \"1\"; wanted \",\" or \"]\""},
      {"[1 /* open", "f.json:1:4  /1: invalid comment; missing closing"},
      {"[-]", "invalid number; expected digit after '-'"},
      {"}", "f.json:1:1: unexpected \"}\"; wanted a value"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const std::string got = faults_of(c.text);
    CAPTURE(got);
    CHECK(got.find(c.fault) != got.npos);
  }
}

TEST_CASE("json: encodings") {
  CHECK(faults_of("\xEF\xBB\xBF{}").find("f.json:1:1: the text begins with a byte order mark") == 0);
  CHECK(faults_of("\xFF\xFE{").find("UTF-16") != std::string::npos);
  CHECK(faults_of("{\n \"\xC3\xBC\": \"\xC3\"}") == "f.json:2:8: the text is not valid UTF-8 here\n");
  CHECK(faults_of("// \xFF\n{}") == "f.json:1:4: the text is not valid UTF-8 here\n");
  CHECK(faults_of("[\"\xED\xA0\x80\"]") == "f.json:1:3: the text is not valid UTF-8 here\n");
  CHECK(faults_of(std::string("[1,\0]", 5)) == "f.json:1:4: the text contains a NUL byte\n");
  CHECK(faults_of("{\"a\": \"x\\u0000\"}").find("f.json:1:7  /a: the text contains NUL") == 0);
  CHECK(faults_of("{\"\\u001b[31m\": 1, \"\\u001b[31m\": 2}").find('\x1b') == std::string::npos);
}

TEST_CASE("json: depth, size and special files") {
  CHECK(faults_of(nested(64)) == "");
  CHECK(faults_of(nested(65)).find("f.json:1:65") == 0);
  CHECK(faults_of(std::string(100'000, '[')).find("nests deeper than 64 levels") != std::string::npos);
  std::string objects;
  for (int i = 0; i < 70; ++i) objects += "{\"a\":";
  CHECK(faults_of(objects).find("f.json:1:321") == 0);
  CHECK(faults_of(std::string((16 << 20) + 1, ' ')).find("larger than 16 MiB") != std::string::npos);
  std::string many = "[0";
  for (int i = 0; i < 1'000'000; ++i) many += ",0";
  CHECK(faults_of(many + "]").find("more than a million values") != std::string::npos);

  const auto folder = std::filesystem::temp_directory_path() / ("lamina-json-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  const auto told = [&](const std::filesystem::path& path) {
    Faults faults;
    read_json(path, "f.json", faults);
    return faults.any() ? faults.sorted()[0].text() : "";
  };
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(told(folder / "fifo").find("is not a regular file") != std::string::npos);
  CHECK(told("/dev/zero").find("is not a regular file") != std::string::npos);
  CHECK(told(folder).find("is a folder") != std::string::npos);
  CHECK(told(folder / "absent").find("cannot be opened: No such file") != std::string::npos);
  std::ofstream(folder / "hole").close();
  std::filesystem::resize_file(folder / "hole", uint64_t(4) << 30);
  CHECK(told(folder / "hole").find("larger than 16 MiB") != std::string::npos);
  std::ofstream(folder / "good") << "{}";
  CHECK(told(folder / "good") == "");
  std::filesystem::remove_all(folder);
}

TEST_CASE("json: numbers are exact or refused") {
  CHECK(good("9223372036854775807").integer() == std::numeric_limits<int64_t>::max());
  CHECK(good("-9223372036854775808").integer() == std::numeric_limits<int64_t>::min());
  CHECK(good("0.1").number() == 0.1);
  CHECK(good("1e3").kind() == Json::Kind::real);
  CHECK(good("0e-999").number() == 0);
  for (const char* text : {"9223372036854775808", "-9223372036854775809", "18446744073709551616", "100000000000000000000000"})
    CHECK(faults_of(text).find("f.json:1:1: the integer does not fit in 64 bits") == 0);
  CHECK(faults_of("[1, 1e999]").find("f.json:1:5  /1: the number \"1e999\" is not finite") == 0);
  CHECK(faults_of("[1, -1e999]").find("not finite") != std::string::npos);
  CHECK(faults_of("[1e-999]").find("nearer to 0") != std::string::npos);
  CHECK(faults_of("[NaN]").find("\"NaN\" is no JSON value") != std::string::npos);
  CHECK(faults_of("[0." + std::string(39, '1') + "]").find("f.json:1:2  /0: the number has 41 characters") == 0);
  CHECK(faults_of(std::string(100'000, '9')) != "");
}

TEST_CASE("json: a key that stands twice is a fault at the second") {
  const std::string text = faults_of("{\n \"a\": {\"b\": 1,\n  \"b\": [2]},\n \"a\": 3, \"c\": 4\n}");
  CHECK(text ==
        "f.json:3:3  /a/b: the key \"b\" stands twice in this object; the first is in line 2\n"
        "f.json:4:2  /a: the key \"a\" stands twice in this object; the first is in line 2\n");
  CHECK(faults_of("{\"a\": 1, \"\\u0061\": 2}").find("f.json:1:10  /a") == 0);  // the same key, spelt otherwise
  Faults faults;
  const Json value = parse_json("{\"a\": 1, \"a\": {\"x\": 2}, \"b\": 3}", {"f"}, faults);
  CHECK(value == good("{\"b\": 3, \"a\": 1}"));
}

TEST_CASE("json: every value and key knows where it stands") {
  const std::string text =
      "// ä: comment with , : \" and {\n"
      "{ /* , */ \"ö\\\"/*\" /* : */ : /* { */ [ -1.5e3 , true,\r\n"
      "\tnull,\"a // no comment \\\\\" , {}],\n"
      "  \"n\":7}";
  const Json root = good(text);
  CHECK(root.position.text() == "f.json:2:1");
  const Member& first = root.members()[0];
  CHECK(first.position.text() == "f.json:2:11");
  const Json::Array& items = first.value.items();
  CHECK(first.value.position.text() == "f.json:2:37");
  CHECK(items[0].position.text() == "f.json:2:39");
  CHECK(items[1].position.text() == "f.json:2:48");
  CHECK(items[2].position.text() == "f.json:3:2");
  CHECK(items[3].position.text() == "f.json:3:7");
  CHECK(items[3].text() == "a // no comment \\");
  CHECK(items[4].position.text() == "f.json:3:30");
  CHECK(root.members()[1].value.position.text() == "f.json:4:7");
  // Wherever the cursor says a value begins, the text there begins with it.
  for (const Json& v : items) CHECK(std::strchr("-tn\"{", text[v.position.byte]) != nullptr);
}

TEST_CASE("json: written texts read back as the same value, in the shortest form") {
  const Json value = good(
      "{\"z\": [1, 2.5, -0.0, 1e300, 0.1], \"a\": {\"t\": \"\\u0001\\n\\\"\\\\ü\", \"e\": {}, \"l\": []}, \"o\": [{\"k\": null}], \"b\": "
      "[true, false]}");
  CHECK(good(to_text(value)) == value);
  CHECK(good(to_text(value, false)) == value);
  CHECK(to_text(Json(0.1), false) == "0.1");
  CHECK(to_text(Json(1.0), false) == "1.0");
  CHECK(to_text(Json(1e22), false) == "1e+22");
  CHECK(to_text(Json(std::nextafter(1.0, 2.0)), false) == "1.0000000000000002");
  CHECK(to_text(Json(NAN), false) == "null");
  CHECK(to_text(Json("\x1b\x7f\xff"), false) == "\"\\u001b\\u007f\xEF\xBF\xBD\"");
  CHECK(to_text(good("{\"a\":{\"b\":[1,2],\"c\":[{}]}}")) == "{\n  \"a\": {\n    \"b\": [1, 2],\n    \"c\": [\n      {}\n    ]\n  }\n}\n");
  Json built = Json::object();
  built.set("b", 1), built.set("a", "x"), built.set("b", true);
  CHECK(to_text(built, false) == "{\"b\":true,\"a\":\"x\"}");
  CHECK(pointer_to(pointer_to("", "a/b~"), 3) == "/a~1b~0/3");
}
