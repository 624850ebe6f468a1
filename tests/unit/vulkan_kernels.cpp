// Custom kernels in GLSL: what their bodies reach, and how their errors are told.
#include <doctest/doctest.h>
#include <lamina/kernel.hpp>

#include "support/evaluation.hpp"
#include "support/recording.hpp"

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

std::unique_ptr<program::Session> session() { return has_vulkan() ? Backend{"vulkan", "float32"}.open() : nullptr; }

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
