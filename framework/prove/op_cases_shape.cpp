#include "prove/op_cases.hpp"

namespace lamina::prove {
namespace {

const std::vector<Range> plain = {Range::general};
const std::vector<Range> kept = {Range::general, Range::special};
const std::vector<Range> summed = {Range::general, Range::near_zero, Range::near_one, Range::thirty, Range::special};
const std::vector<Range> chosen = {Range::general, Range::near_zero, Range::thirty, Range::ties, Range::special};

}  // namespace

std::vector<OpCase> shape_cases() {
  std::vector<OpCase> list;
  for (auto& [from, to] :
       std::vector<std::pair<Shape, Shape>>{{{}, {1, 1}}, {{1}, {}}, {{3, 5, 7}, {15, -1}}, {{2, 3, 4, 5}, {2, 60}}, {{6}, {1, 2, 3}}})
    list.push_back({"reshape", {real(from)}, {{"shape", to}}, kept});
  for (auto& [shape, axes] : std::vector<std::pair<Shape, Shape>>{{{}, {}},
                                                                  {{7}, {0}},
                                                                  {{3, 5}, {1, 0}},
                                                                  {{2, 3, 5, 7}, {0, 2, 3, 1}},
                                                                  {{2, 3, 5, 7}, {-1, -2, 0, 1}},
                                                                  {{1, 4, 1, 3, 2}, {4, 2, 0, 1, 3}}})
    list.push_back({"transpose", {real(shape)}, {{"axes", axes}}, kept});
  // Two layouts whose digits do not divide each other.
  for (const Operand& x : {real({4, 6}), whole({4, 6}, 0, 200, DType::uint8)})
    list.push_back({"reshape", {x}, {}, plain, [](Scope&, const Tensors& t) -> Tensors {
                      return {slice(reshape(transpose(t[0], {1, 0}), {1, 8, 3}), 1, 1, 7)};
                    }});
  list.push_back({"slice", {real({7})}, {{"end", Shape{5}}}, kept});
  list.push_back({"slice", {real({3, 5, 7})}, {{"begin", Shape{1, 0, 2}}, {"end", Shape{3, 5, 7}}, {"stride", Shape{1, 2, 3}}}, kept});
  list.push_back({"slice", {real({2, 11})}, {{"begin", Shape{0, 1}}, {"end", Shape{1, 10}}, {"stride", Shape{5, 4}}}, kept});
  list.push_back({"slice", {real({1, 1})}, {{"begin", Shape{0, 0}}, {"end", Shape{1, 1}}}, kept});
  list.push_back({"pad", {real({5})}, {{"low", Shape{2}}, {"high", Shape{3}}, {"value", 1.5}}, kept});
  list.push_back({"pad", {real({2, 3, 1})}, {{"low", Shape{0, 1, 2}}, {"high", Shape{1, 0, 0}}, {"interior", Shape{0, 2, 3}}}, kept});
  list.push_back({"pad", {real({1})}, {{"high", Shape{1}}}, kept});
  list.push_back({"pad", {real({7})}, {{"low", Shape{3}}, {"high", Shape{6}}, {"mode", "reflect"}}, kept});
  list.push_back({"pad", {real({2, 3, 5})}, {{"low", Shape{1, 2, 0}}, {"high", Shape{0, 1, 4}}, {"mode", "reflect"}}, kept});
  list.push_back({"pad", {real({2, 3, 5})}, {{"low", Shape{1, 4, 0}}, {"high", Shape{3, 1, 7}}, {"mode", "edge"}}, kept});
  list.push_back({"pad", {real({1, 1})}, {{"low", Shape{2, 1}}, {"high", Shape{1, 0}}, {"mode", "edge"}}, kept});
  list.push_back({"concat", {real({3})}, {{"axis", 0}}, kept});
  list.push_back({"concat", {real({2, 3, 5}), real({2, 1, 5}), real({2, 7, 5})}, {{"axis", 1}}, kept});
  list.push_back({"concat", {real({2, 3}), real({2, 1})}, {{"axis", -1}}, kept});
  list.push_back({"concat", {whole({3, 2}, -9, 9), whole({1, 2}, -9, 9)}, {{"axis", 0}}, plain});
  list.push_back({"concat", {real({5}), real({5})}, {{"axis", 0}}, plain, [](Scope&, const Tensors& x) -> Tensors {
                    return {concat({x[0], x[1], x[0]}, 0)};
                  }});
  list.push_back({"split", {real({3})}, {{"axis", 0}, {"sizes", Shape{3}}}, kept});
  list.push_back({"split", {real({2, 7, 5})}, {{"axis", 1}, {"sizes", Shape{1, 4, 2}}}, kept});
  list.push_back({"split", {real({3, 5})}, {{"axis", -1}, {"sizes", Shape{3, 1, 1}}}, kept});
  list.push_back({"split", {whole({4, 2}, -9, 9)}, {{"axis", 0}, {"sizes", Shape{1, 3}}}, plain});
  list.push_back({"split", {real({5, 2})}, {}, plain, [](Scope& s, const Tensors& x) -> Tensors {  // a part that nothing reads
                    const Tensors parts = s.emit("split", {x[0]}, {{"axis", 0}, {"sizes", Shape{2, 1, 2}}});
                    return {parts[0] * parts[2]};
                  }});
  for (auto& [shape, axes] : std::vector<std::pair<Shape, Shape>>{{{7}, {0}}, {{3, 1, 5}, {-1, 0}}, {{2, 3, 4}, {1}}})
    list.push_back({"reverse", {real(shape)}, {{"axes", axes}}, kept});
  list.push_back({"gather", {real({7}), whole({5}, 0, 6)}, {{"axis", 0}}, kept});
  list.push_back({"gather", {real({3, 5, 2}), whole({2, 4}, -2, 6)}, {{"axis", 1}}, kept});
  list.push_back({"gather", {real({3, 5}), whole({1}, 0, 4)}, {{"axis", -1}}, kept});
  list.push_back({"gather", {real({3, 5}), whole({}, 0, 2)}, {{"axis", 0}}, kept});
  list.push_back({"scatter_add", {real({5}), whole({5}, 0, 2)}, {{"axis", 0}, {"shape", Shape{3}}}, kept});
  list.push_back({"scatter_add", {real({3, 2, 4, 2}), whole({2, 4}, -2, 6)}, {{"axis", 1}, {"shape", Shape{3, 5, 2}}}, kept});
  list.push_back({"scatter_add", {real({3, 1}), whole({1}, 0, 6)}, {{"axis", -1}, {"shape", Shape{3, 7}}}, kept});
  list.push_back({"scatter_add", {real({5}), whole({}, 0, 2)}, {{"axis", 0}, {"shape", Shape{3, 5}}}, kept});

  list.push_back({"scatter_add", {real({23, 8}), whole({23}, -1, 10)}, {{"axis", 0}, {"shape", Shape{10, 8}}}, kept});
  const Shape many = {2, 3, 2, 3, 2, 3, 2, 3};
  list.push_back({"slice", {real(many)}, {{"begin", Shape{0, 1, 0, 1, 0, 1, 0, 1}}, {"end", Shape{1, 3, 2, 2, 2, 3, 1, 3}}}, kept});
  list.push_back({"reverse", {real(many)}, {{"axes", Shape{1, 3, 5, 7}}}, kept});

  // Elements of one byte, whose rows fill words and do not.
  for (const Shape& shape : {Shape{2, 3, 5, 7}, Shape{2, 4, 5, 8}}) {
    const auto bytes = [](Shape s) { return whole(std::move(s), 0, 200, DType::uint8); };
    const Shape low = {0, 1, 2, 1}, high = {1, 0, 1, 3};
    list.push_back({"transpose", {bytes(shape)}, {{"axes", Shape{3, 1, 0, 2}}}, plain});
    list.push_back(
        {"slice", {bytes(shape)}, {{"begin", Shape{0, 0, 1, 2}}, {"end", Shape{2, 3, 4, 7}}, {"stride", Shape{1, 2, 1, 1}}}, plain});
    list.push_back({"pad", {bytes(shape)}, {{"low", low}, {"high", high}, {"interior", Shape{0, 0, 1, 2}}, {"value", 7.0}}, plain});
    list.push_back({"pad", {bytes(shape)}, {{"low", Shape{0, 0, 2, 1}}, {"high", Shape{0, 0, 1, 3}}}, plain});
    for (const char* mode : {"reflect", "edge"}) {
      list.push_back({"pad", {bytes(shape)}, {{"low", low}, {"high", high}, {"mode", mode}}, plain});
      list.push_back({"pad", {bytes({3, shape.back() + 1})}, {{"low", Shape{0, 4}}, {"high", Shape{1, 4}}, {"mode", mode}}, plain});
    }
    list.push_back({"reverse", {bytes(shape)}, {{"axes", Shape{0, 3}}}, plain});
    for (int axis : {0, 1, 3}) {
      Shape other = shape;
      other[size_t(axis)] = 3;
      list.push_back({"concat", {bytes(shape), bytes(other), bytes(shape)}, {{"axis", axis}}, plain});
      list.push_back({"gather", {bytes(shape), whole({2, 3}, -1, shape[size_t(axis)])}, {{"axis", axis}}, plain});
    }
  }

  const std::vector<std::pair<Shape, Shape>> reductions = {
      {{7}, {0}},    {{3, 5, 7}, {1}}, {{3, 5, 7}, {-1, 0}}, {{2, 3, 4, 5}, {0, 2, 3}}, {{2, 17, 1}, {0, 1, 2}},
      {{3, 1}, {1}}, {{67, 131}, {1}}, {{131, 13}, {0}}};
  for (auto& [shape, axes] : reductions) {
    list.push_back({"sum", {real(shape)}, {{"axes", axes}}, summed});
    list.push_back({"max", {real(shape)}, {{"axes", axes}}, chosen});
    list.push_back({"min", {real(shape)}, {{"axes", axes}}, chosen});
    list.push_back({"argmax", {real(shape)}, {{"axis", axes[0]}}, chosen});
  }
  list.push_back({"sum", {real({})}, {{"axes", Shape{}}}, kept});
  list.push_back({"sum", {whole({3, 5}, -9, 9)}, {{"axes", Shape{1}}}, plain});
  list.push_back({"max", {whole({3, 5}, -9, 9)}, {{"axes", Shape{0}}}, plain});

  const auto product = [&](Shape a, Shape b, bool ta, bool tb) {
    list.push_back({"matmul",
                    {real(std::move(a)), real(std::move(b))},
                    {{"transpose_a", ta}, {"transpose_b", tb}},
                    {Range::general, Range::near_zero, Range::thirty, Range::special}});
  };
  product({1, 1}, {1, 1}, false, false), product({3, 5}, {5, 7}, false, false), product({5, 3}, {5, 7}, true, false),
      product({3, 5}, {7, 5}, false, true);
  product({5, 3}, {7, 5}, true, true), product({2, 3, 5}, {2, 5, 1}, false, false), product({2, 3, 5, 4}, {2, 3, 7, 5}, true, true),
      product({17, 67}, {67, 33}, false, false);
  list.push_back({"matmul", {real({3, 5}), real({5, 7})}, {}, plain});
  list.push_back({"matmul", {real({70, 1300}), real({1300, 44})}, {}, {Range::general}});
  return list;
}

}  // namespace lamina::prove
