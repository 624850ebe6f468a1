// Shapes, types and attributes that make no sense are refused with a sentence; nothing is recorded, nothing crashes.
#include <doctest/doctest.h>

#include "prove/recording.hpp"

using namespace lamina;
using namespace lamina::prove;

namespace {

struct Wrong {
  std::string op;
  std::vector<Shape> in;
  std::vector<Attribute> attributes;
  std::string sentence;  ///< a part of it
};
constexpr int64_t huge = int64_t(1) << 40, most = INT64_MAX;

}  // namespace

TEST_CASE("nonsense is refused with a sentence") {
  const std::vector<Wrong> wrong = {
      {"no_such_op", {}, {}, "no op is called"},
      {"sofmax", {{3}}, {{"axis", 0}}, "softmax"},
      {"add", {{3}}, {}, "wants 2 operands"},
      {"add", {{3}, {4}}, {}, "do not broadcast"},
      {"add", {{3}, {3}}, {{"axis", 0}}, "no attribute 'axis'"},
      {"add", {{huge, 1}, {1, huge}}, {}, "more elements than can be counted"},
      {"logical_not", {{3}}, {}, "bool"},
      {"select", {{3}, {3}, {3}}, {}, "must be bool"},
      {"shift_right", {{3}}, {{"bits", 1}}, "uint32"},
      {"cast", {{3}}, {{"dtype", 99}}, "no type"},
      {"iota", {}, {{"shape", Shape{3}}, {"axis", 0}, {"dtype", 77}}, "no type"},
      {"iota", {}, {{"shape", Shape{3}}, {"axis", 1}}, "outside"},
      {"iota", {}, {{"shape", Shape{0}}, {"axis", 0}}, "at least 1"},
      {"iota", {}, {{"axis", 0}}, "'shape' is missing"},
      {"broadcast", {{3}}, {{"shape", Shape{2}}}, "does not broadcast"},
      {"broadcast", {{1}}, {{"shape", Shape{huge, huge}}}, "more elements"},
      {"broadcast", {{1}}, {{"shape", Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}}}, "more than 8 axes"},
      {"broadcast", {{1}}, {{"shape", Shape{-3}}}, "axis of size -3"},
      {"sum", {{3}}, {{"axes", Shape{1}}}, "outside"},
      {"sum", {{3, 4}}, {{"axes", Shape{1, -1}}}, "twice"},
      {"sum", {{3, 4}}, {{"axes", 1}}, "wrong type"},
      {"reverse", {{3, 4}}, {{"axes", Shape{0, 0}}}, "twice"},
      {"argmax", {{3, 4}}, {{"axis", 2}}, "outside"},
      {"reshape", {{3, 4}}, {{"shape", Shape{5, -1}}}, "does not reshape"},
      {"reshape", {{3, 4}}, {{"shape", Shape{-1, -1}}}, "two axes open"},
      {"reshape", {{3, 4}}, {{"shape", Shape{huge, huge, 0}}}, "not possible"},
      {"transpose", {{3, 4}}, {{"axes", Shape{0}}}, "every axis"},
      {"transpose", {{3, 4}}, {{"axes", Shape{0, -2}}}, "twice"},
      {"slice", {{3}}, {{"begin", Shape{2}}, {"end", Shape{2}}}, "leaves nothing"},
      {"slice", {{3}}, {{"end", Shape{4}}}, "leaves"},
      {"slice", {{3}}, {{"end", Shape{3}}, {"stride", Shape{0}}}, "leaves"},
      {"slice", {{3}}, {{"end", Shape{3, 3}}}, "one number per axis"},
      {"pad", {{3}}, {{"low", Shape{-1}}}, "negative"},
      {"pad", {{3}}, {{"low", Shape{3}}, {"mode", "reflect"}}, "needs an axis"},
      {"pad", {{3}}, {{"mode", "mirror"}}, "not 'mirror'"},
      {"pad", {{3}}, {{"interior", Shape{most}}}, "larger than can be counted"},
      {"pad", {{3}}, {{"low", Shape{most}}, {"high", Shape{most}}}, "larger than can be counted"},
      {"concat", {{3, 4}, {4, 3}}, {{"axis", 0}}, "does not continue"},
      {"concat", {}, {{"axis", 0}}, "wants 1 or more"},
      {"gather", {{3}, {3}}, {{"axis", 0}}, "int32"},
      {"matmul", {{3, 4}, {3, 4}}, {}, "does not multiply"},
      {"matmul", {{3}, {3}}, {}, "wants the shape"},
      {"matmul", {{2, 3, 4}, {4, 3}}, {}, "does not multiply"},
      {"conv", {{1, 2}, {1, 2}}, {}, "of one rank"},
      {"conv", {{1, 2, 1, 1, 1, 1}, {1, 2, 1, 1, 1, 1}}, {}, "1, 2 or 3 spatial axes"},
      {"conv", {{1, 3, 5}, {4, 2, 3}}, {}, "3 channels"},
      {"conv", {{1, 4, 5}, {3, 2, 3}}, {{"groups", 2}}, "multiple of the groups"},
      {"conv", {{1, 4, 5}, {3, 2, 3}}, {{"groups", 0}}, "groups must be at least 1"},
      {"conv", {{1, 4, 5}, {3, 2, 3}}, {{"groups", most}}, "channels"},
      {"conv", {{1, 2, 5}, {4, 2, 6}}, {}, "does not fit"},
      {"conv", {{1, 2, 5}, {4, 2, 3}}, {{"stride", Shape{0}}}, "stride must be at least 1"},
      {"conv", {{1, 2, 5}, {4, 2, 3}}, {{"dilation", Shape{most}}}, "dilation must"},
      {"conv", {{1, 2, 5}, {4, 2, 3}}, {{"padding_low", Shape{-1}}}, "padding must"},
      {"conv", {{1, 2, 5}, {4, 2, 3}}, {{"padding_low", Shape{1, 1}}}, "wants 1 numbers"},
      {"conv_backward_data", {{1, 4, 4}, {4, 2, 3}}, {{"shape", Shape{1, 2, 5}}}, "is no result"},
      {"conv_backward_weights", {{1, 2, 5}, {1, 4, 3}}, {{"shape", Shape{4, 2, 2}}}, "is no result"},
      {"conv_backward_weights", {{1, 2, 5}, {1, 4, 3}}, {{"shape", Shape{4, 0, 3}}}, "at least 1"},
      {"max_pool", {{1, 2, 5}}, {{"size", Shape{6}}}, "does not fit"},
      {"max_pool", {{1, 2, 5}}, {{"size", Shape{2, 2}}}, "size wants 1"},
      {"max_pool", {{1, 2, 5}}, {{"size", Shape{2}}, {"padding_low", Shape{2}}}, "smaller than the window"},
      {"average_pool", {{1, 2, 5}}, {{"size", Shape{0}}}, "at least 1"},
      {"max_pool",
       {{1, 1, 1, 1, 1}},
       {{"size", Shape(3, 1 << 30)},
        {"stride", Shape(3, 1)},
        {"padding_low", Shape(3, (1 << 30) - 1)},
        {"padding_high", Shape(3, (1 << 30) - 1)}},
       "more elements than can be counted"},
      {"argmax", {{huge}}, {{"axis", 0}}, "no int32 position"},
      {"softmax", {{3}}, {{"axis", 1}}, "outside"},
      {"softmax_cross_entropy", {{3, 4}, {3}}, {}, "labels must be int32"},
      {"normalize", {{3, 4}, {4}, {4}}, {{"axes", Shape{0}}, {"epsilon", 1e-5}}, "does not broadcast"},
      {"normalize", {{3, 4}, {1, 4}, {1, 4}}, {{"axes", Shape{}}, {"epsilon", 1e-5}}, "at least one axis"},
      {"normalize", {{3, 4}, {1, 4}, {1, 4}}, {{"axes", Shape{0}}, {"epsilon", -1.0}}, "epsilon"},
      {"normalize", {{3, 4}, {1, 4}, {1, 4}}, {{"axes", Shape{0, -2}}, {"epsilon", 1e-5}}, "twice"},
  };
  for (auto& w : wrong) {
    Recording r;
    Tensors x;
    for (size_t i = 0; i < w.in.size(); ++i) x.push_back(r.parameter(("x" + std::to_string(i)).c_str(), w.in[i]));
    const size_t nodes = r.graph->nodes.size(), values = r.graph->values.size();
    const std::string text = r.refusal([&] { r.scope.emit(w.op.c_str(), x, w.attributes); });
    CHECK_MESSAGE(text.find(w.sentence) != std::string::npos, w.op, ": '", text, "' lacks '", w.sentence, "'");
    CHECK(r.graph->nodes.size() == nodes);
    CHECK(r.graph->values.size() == values);
  }
}
TEST_CASE("operands of different types are refused") {
  Recording r;
  const Tensor x = r.parameter("x", {3}), n = r.input("n", {3}, DType::int32), bytes = r.input("b", {3}, DType::uint8);
  CHECK(r.refusal([&] { x + n; }).find("float64 [3] and int32 [3]; cast one") != std::string::npos);
  CHECK(r.refusal([&] { bytes + bytes; }).find("uint8") != std::string::npos);
  CHECK(r.refusal([&] { exp(n); }).find("real numbers") != std::string::npos);
  CHECK(r.refusal([&] { sum(bytes, {0}); }).find("cast it first") != std::string::npos);
  CHECK(r.refusal([&] { matmul(reshape(n, {1, 3}), reshape(n, {3, 1})); }).find("real numbers") != std::string::npos);
  CHECK(r.refusal([&] { gather(x, x, 0); }).find("int32") != std::string::npos);
  CHECK(r.refusal([&] { normalize(x, x, cast(x, DType::int32), {0}, 1e-5); }).find("int32 [3], but operand 0 float64") !=
        std::string::npos);
  CHECK(r.refusal([&] {
           r.scope.emit("softmax_cross_entropy_backward",
                        {reshape(x, {1, 3}), r.input("l", {1}, DType::int32), r.input("d", {1}, DType::float32)});
         }).find("float32 [1], but operand 0 float64") != std::string::npos);
  CHECK(r.refusal([&] { r.parameter("x", {4}); }).find("one shape") != std::string::npos);
}
TEST_CASE("names of one part are not taken for another's") {
  Recording r;
  r.parameter("x", {3});
  CHECK(r.refusal([&] { r.scope.state("x", {3}); }).find("a parameter of one and a state of another") != std::string::npos);
  const std::vector<Attribute> of_layer = {{"momentum", 0.5}}, of_optimizer = {{"momentum", 0.9}};
  r.handle.path = "optimizer", r.handle.settings = &of_layer, r.updating.settings = &of_optimizer;
  r.scope.emit("scalar", {}, {{"name", "momentum"}}), r.number("momentum");
  REQUIRE(r.graph->scalars.size() == 2);
  CHECK(r.graph->scalars[0].value == 0.5);
  CHECK(r.graph->scalars[1].value == 0.9);
}
TEST_CASE("values of rank 0 and lone numbers go through every kind of op") {
  Recording r;
  const Tensor rate = r.number("learning_rate");
  CHECK(reshape(rate, {1, 1}).shape() == Shape{1, 1});
  CHECK(concat({reshape(rate, {1}), reshape(r.tensor(r.id(2.0)), {1})}, 0).shape() == Shape{2});
  CHECK(sum(rate, {}).dtype() == DType::float64);
  CHECK(total(r.parameter("x", {})).shape() == Shape{});
}
