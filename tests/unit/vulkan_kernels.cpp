// Custom kernels in GLSL: what their bodies reach, and how their errors are told.
#include <doctest/doctest.h>
#include <lamina/kernel.hpp>

#include "support/plugins.hpp"
#include "prove/recording.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

using Numbers = std::vector<double>;

/// Rows of the first input at indices, weighted; every accessor is used beyond its end too.
struct Rows {
  static constexpr const char* name = "rows";
  static constexpr int inputs = 2, results = 2;
  static constexpr const char* glsl = R"(
    void item(uint i) {
      const uint width = in0_size(1), row = i / width;
      const float outside = in0(in0_count() + i) + in1(-1);
      out0(i, in0(uint(in1(row)) * width + i % width) * c1 + outside);
      out0(out0_count() + i, 77.0);
      out1(i, c0 + float(in0_rank() * 100 + out0_size(0) * 10 + in0_size(5)));
    })";
};
struct Misspelt {
  static constexpr const char* name = "misspelt";
  static constexpr int inputs = 1, results = 1;
  static constexpr const char* glsl = "void item(uint i) {\n  float x = in0(i);\n  out0(i, y);\n}";
};
struct WithoutItem : Misspelt {
  static constexpr const char* name = "without_item";
  static constexpr const char* glsl = "float twice(float x) { return 2 * x; }";
};
struct OfBool : Misspelt {
  static constexpr const char* name = "of_bool";
  static constexpr const char* glsl = "void item(bool i) { out0(0, 1.0); }";
};

/// One element behind out0, one before in1; of out1 all but the first.
struct Careless {
  static constexpr const char* name = "careless";
  static constexpr int inputs = 2, results = 2;
  static constexpr const char* glsl = "void item(uint i) { out0(i + 1, in0(i) + in1(i - 1)); if (i > 0) out1(i, c0); }";
};
/// All that it should, and NaN where it likes.
struct Careful : Careless {
  static constexpr const char* name = "careful";
  static constexpr const char* glsl =
      "void item(uint i) { out0(i, in0(i)); out1(i, i > 0 ? c0 + in1(i - 1) : uintBitsToFloat(0x7fc00000u)); }";
};

std::unique_ptr<program::Session> session() { return has_vulkan() ? backend("vulkan").open() : nullptr; }

}  // namespace

TEST_CASE("a GLSL kernel reaches elements, shapes and constants, and nothing beyond its buffers") {
  const auto vulkan = session();
  if (!vulkan) return;
  Recording r(DType::float32);
  const Tensor x = r.parameter("x", {3, 2}), at = r.parameter("at", {2});
  const Tensors y = run<Rows>(r.scope, {x, at}, {{2, 2}, {5}}, 5, {0.5, 2.0});
  r.fetch("rows", y[0]), r.fetch("facts", y[1]);
  Steps steps(*vulkan, r);
  write(*vulkan, "x", {1, 2, 3, 4, 5, 6}), write(*vulkan, "at", {2, 0});
  auto out = steps.run();
  CHECK(out["rows"].data == Numbers{10, 12, 2, 4});
  CHECK(out["facts"].data == Numbers(5, 221.5));
}

/// What planning says of a program with kernel K.
template <class K>
std::string refusal() {
  Recording r(DType::float32);
  r.fetch("a", run<K>(r.scope, {r.parameter("x", {3})}, {{3}}, 3)[0]);
  try {
    Steps(*session(), r);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

TEST_CASE("a GLSL kernel that does not compile is refused with kernel, layer and the author's line") {
  if (!session()) return;
  const std::string text = refusal<Misspelt>();
  for (const char* part : {"'layer'", "kernel 'misspelt'", "line 3: 'y' : undeclared identifier; in:   out0(i, y);"})
    CHECK_MESSAGE(text.find(part) != std::string::npos, text);
}

TEST_CASE("a GLSL kernel without its function is told what it wants") {
  if (!session()) return;
  for (const std::string& text : {refusal<WithoutItem>(), refusal<OfBool>()})
    CHECK_MESSAGE(text.ends_with("it must define void item(uint i), and no main, with every brace closed"), text);
}

namespace {

/// What a run of the steps says; "" where it says nothing.
std::string report(Steps& steps) {
  try {
    steps.run();
    return "";
  } catch (const std::exception& e) {
    return e.what();
  }
}

/// Kernel K on x = {1, 2, 3}, y = {4, 5, 6} and c0 = 0: what the second run says, and both results where it says nothing.
template <class K>
std::string outcome_of(const std::string& bounds, std::map<std::string, Array>& results) {
  const auto& vulkan = plugins().find("backend", "vulkan");
  program::Session session(vulkan, {{"bounds", bounds}});
  Recording r(DType::float32);
  const Tensors out = run<K>(r.scope, {r.parameter("x", {3}), r.parameter("y", {3})}, {{3}, {1, 3}}, 3, {0});
  r.fetch("a", out[0]), r.fetch("b", out[1]);
  Steps steps(session, r);
  write(session, "x", {1, 2, 3}), write(session, "y", {4, 5, 6});
  report(steps);
  std::string sentence = report(steps);
  if (sentence.empty()) results = steps.run();
  return sentence;
}

}  // namespace

TEST_CASE("a kernel that leaves its tensors is reported with layer, tensor, number and index") {
  if (!session()) return;
  std::map<std::string, Array> y;
  CHECK(outcome_of<Careless>("report", y) ==
        "backend 'vulkan': the kernel 'careless' of 'layer': in1 [3] is read outside once, at index -1 (its elements are 0 to 2); "
        "out0 [3] is written outside once, at index 3 (its elements are 0 to 2); "
        "out0 [3] is left unwritten in 1 of its 3 elements, the first at index 0; "
        "out1 [1, 3] is left unwritten in 1 of its 3 elements, the first at index 0");
  CHECK(outcome_of<Careless>("ignore", y) == "");
  CHECK(y["a"].data[1] == 1);
  CHECK(y["a"].data[2] == 6);
  CHECK(outcome_of<Careful>("report", y) == "");
  CHECK(y["a"].data == Numbers{1, 2, 3});
  CHECK(std::isnan(y["b"].data[0]));
  CHECK(y["b"].data[2] == 5);
}

TEST_CASE("every faulty kernel of a program is reported, once for each place it is used") {
  if (!session()) return;
  program::Session session(plugins().find("backend", "vulkan"), {{"bounds", "report"}});
  Recording r(DType::float32);
  const Tensor x = r.parameter("x", {3, 2}), at = r.parameter("at", {2});
  for (const double c0 : {1.0, 2.0}) {
    r.handle.path = c0 == 1 ? "first" : "second";
    r.fetch(r.handle.path, run<Rows>(r.scope, {x, at}, {{2, 2}, {5}}, 5, {c0, 2.0})[0]);
  }
  Steps steps(session, r);
  const std::string text = report(steps), second = "\nthe kernel 'rows' of 'second': in0 [3, 2] is read outside 5 times",
                    first =
                        "the kernel 'rows' of 'first': in0 [3, 2] is read outside 5 times, at indices from 6 to 10 (its elements are 0 "
                        "to 5); in1 [2] is read outside 6 times, at indices from -1 to 2 ";
  CHECK_MESSAGE(text.find(first) != text.npos, text);
  CHECK_MESSAGE(text.find(second) != text.npos, text);
}

TEST_CASE("a kernel that passes on what another never wrote is not reported") {
  if (!session()) return;
  program::Session session(plugins().find("backend", "vulkan"), {{"bounds", "report"}});
  Recording r(DType::float32);
  const Tensor x = r.parameter("x", {3});
  const Tensor y = run<Careless>(r.scope, {x, x}, {{3}, {3}}, 3, {1})[0];
  r.fetch("y", run<Careful>(r.scope, {y, x}, {{3}, {3}}, 3, {1})[0]);
  Steps steps(session, r);
  const std::string text = report(steps);
  CHECK(text.find("out0 [3] is left unwritten in 1 of its 3 elements") != text.npos);
  CHECK_MESSAGE(text.find("careful") == text.npos, text);
}
