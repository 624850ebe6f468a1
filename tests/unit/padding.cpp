// Padding: how an experiment writes it, and the places it stands for.
#include <doctest/doctest.h>

#include <lamina/members.hpp>

#include "config/settings.hpp"

using namespace lamina;

namespace {

Parameter padding_parameter() {
  Parameter p;
  p.name = "padding", p.type = uint32_t(LAMINA_INTEGER) | LAMINA_LIST, p.flags = LAMINA_PADDING, p.domain = "[0, 9]", p.doc = "places";
  p.initial = Attribute("padding", Shape{0});
  return p;
}
/// What is delivered for a value; nothing, and the fault's pointer and sentence, where it is refused.
std::optional<Shape> delivered(const std::string& value, std::string& fault) {
  const Parameter p = padding_parameter();
  Faults faults;
  const Json object = parse_json("{\"padding\": " + value + "}", SourceText{"test"}, faults);
  const auto settings = read_settings({&p, 1}, object, "", "/", faults);
  if (faults.any()) return fault = faults.sorted()[0].text(), std::nullopt;
  const std::string again = to_line(*to_json({&p, 1}, settings).find("padding"));
  CHECK_MESSAGE((again == value || (value == "\"valid\"" && again == "0")), again);
  return settings.at(0).integers;
}
Padding::Sides sides(Shape code, const Shape& size, const Shape& window, const Shape& stride, const Shape& dilation) {
  Padding p;
  p.code = std::move(code), p.name = "padding";
  return p.at(size, window, stride, dilation);
}

}  // namespace

TEST_CASE("padding is a number, a list, a list of pairs or a word") {
  std::string fault;
  CHECK(delivered("3", fault) == Shape{3});
  CHECK(delivered("[1, 2]", fault) == Shape{1, 2});
  CHECK(delivered("[[0, 1], [2, 3]]", fault) == Shape{LAMINA_PAD_SIDES, 0, 1, 2, 3});
  CHECK(delivered("\"same\"", fault) == Shape{LAMINA_PAD_SAME});
  CHECK(delivered("\"same_lower\"", fault) == Shape{LAMINA_PAD_SAME_LOWER});
  CHECK(delivered("\"valid\"", fault) == Shape{0});
  CHECK(fault.empty());

  const auto refused = [](const char* value, const char* pointer, const char* reason) {
    std::string why;
    CHECK_FALSE(delivered(value, why).has_value());
    CHECK_MESSAGE(why.find(pointer) != why.npos, why);
    CHECK_MESSAGE(why.find(reason) != why.npos, why);
  };
  refused("-1", "/padding", "is -1; wanted an integer in [0, 9] for all sides");
  refused("[-1]", "/padding/0", "is -1");
  refused("[-3, 1, 1]", "/padding/0", "is -3");
  refused("10", "/padding", "is 10");
  refused("[]", "/padding", "an empty list");
  refused("[1, [0, 1]]", "/padding/0", "is 1");
  refused("[[0, 1, 2]]", "/padding/0", "is a list");
  refused("[[0, 10]]", "/padding/0/1", "is 10");
  refused("\"sane\"", "/padding", "did you mean \"same\"");
  refused("true", "/padding", "is true");
}

TEST_CASE("\"same\" gives as many results as the size divided by the stride, rounded up") {
  for (int64_t size = 1; size <= 9; ++size)
    for (int64_t window = 1; window <= 5; ++window)
      for (int64_t stride = 1; stride <= 4; ++stride)
        for (int64_t dilation = 1; dilation <= 2; ++dilation) {
          CAPTURE(size);
          CAPTURE(window);
          CAPTURE(stride);
          CAPTURE(dilation);
          const auto upper = sides({LAMINA_PAD_SAME}, {size}, {window}, {stride}, {dilation});
          const auto lower = sides({LAMINA_PAD_SAME_LOWER}, {size}, {window}, {stride}, {dilation});
          const int64_t low = upper.low[0], high = upper.high[0], reach = (window - 1) * dilation + 1, padded = size + low + high;
          CHECK((high == low || high == low + 1));
          CHECK(padded >= reach);
          CHECK((padded - reach) / stride + 1 == (size + stride - 1) / stride);
          // No place more than that takes.
          if (low + high > 0) CHECK((padded - 1 < reach || (padded - 1 - reach) / stride + 1 < (size + stride - 1) / stride));
          CHECK(lower.low == upper.high);
          CHECK(lower.high == upper.low);
        }
}

TEST_CASE("padding per axis and per side") {
  const Shape two = {5, 6}, ones = {1, 1};
  CHECK(sides({2}, two, two, ones, ones).high == Shape{2, 2});
  CHECK(sides({1, 2}, two, two, ones, ones).low == Shape{1, 2});
  const auto pairs = sides({LAMINA_PAD_SIDES, 0, 1, 2, 3}, two, two, ones, ones);
  CHECK(pairs.low == Shape{0, 2});
  CHECK(pairs.high == Shape{1, 3});
  CHECK_THROWS_WITH_AS(sides({1, 2, 3}, two, two, ones, ones), "\"padding\" has 3 entries; wanted 2, one number for all, or a word", Error);
  CHECK_THROWS_AS(sides({LAMINA_PAD_SIDES, 0, 1}, two, two, ones, ones), Error);
}

TEST_CASE("results that repeat are numbered") {
  Descriptor d;
  d.results = {{"whole", "", 0}, {"part", "", LAMINA_MANY}};
  CHECK(result_name(d, 0) == "whole");
  CHECK(result_name(d, 1) == "part_0");
  CHECK(result_name(d, 12) == "part_11");
  CHECK(result_number(d, "whole") == 0);
  CHECK(result_number(d, "part_11") == 12);
  for (const char* wrong : {"part", "part_", "part_007", "part_-1", "part_99999999999", "parts_0"})
    CHECK_FALSE(result_number(d, wrong).has_value());
  CHECK_FALSE(declares_results(d, 1));
  CHECK(declares_results(d, 2));
  CHECK(declares_results(d, 9));
}
