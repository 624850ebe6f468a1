#include "prove/op_cases.hpp"

namespace lamina::prove {

std::vector<OpCase> composite_cases() {
  std::vector<OpCase> list;
  const std::vector<Range> some = {Range::general, Range::near_zero, Range::near_one, Range::thirty, Range::ties};
  std::vector<Range> all = some;
  all.push_back(Range::special);
  for (const char* op : {"softmax", "log_softmax"})
    for (auto& [shape, axis] :
         std::vector<std::pair<Shape, int>>{{{1}, 0}, {{3, 10}, 1}, {{2, 7, 5}, 1}, {{5, 3, 2}, 0}, {{2, 3, 4, 5}, -1}, {{4, 131}, -1}})
      list.push_back({op, {real(shape)}, {{"axis", axis}}, all});
  for (auto& shape : std::vector<Shape>{{1, 1}, {5, 10}, {3, 7, 4}, {2, 3, 5, 2}, {67, 13}, {3, 300}}) {
    Shape labels = shape;
    labels.erase(labels.begin() + 1);
    list.push_back({"softmax_cross_entropy", {real(shape), whole(labels, 0, shape[1] - 1)}, {}, all});
    list.push_back({"softmax_cross_entropy_backward", {real(shape), whole(labels, 0, shape[1] - 1), real(labels)}, {}, some});
  }
  // Labels that name no class.
  list.push_back({"softmax_cross_entropy", {real({7, 3}), whole({7}, -1, 3)}, {}, {Range::special}});
  list.push_back({"softmax_cross_entropy_backward", {real({7, 3}), whole({7}, -1, 3), real({7})}, {}, {Range::special}});

  struct Normalization {
    Shape x, weight, axes, kept;
    double epsilon;
  };
  const std::vector<Normalization> normalizations = {
      {{5, 3}, {1, 3}, {0}, {1, 3}, 1e-5},                          // batch
      {{2, 3, 4, 5}, {1, 3, 1, 1}, {0, 2, 3}, {1, 3, 1, 1}, 1e-5},  // batch, spatial
      {{3, 7, 5}, {1, 7, 5}, {1, 2}, {3, 1, 1}, 1e-3},              // layer
      {{2, 3, 11}, {1, 3, 1}, {-1}, {2, 3, 1}, 1e-3},               // instance
      {{2, 2, 3, 4}, {1, 2, 3, 1}, {2, 3}, {2, 2, 1, 1}, 1e-2},     // groups: [batch, groups, channels / groups, …]
      {{3, 5}, {3, 5}, {1}, {3, 1}, 1e-3},                          // a weight of full shape
      {{7, 4}, {1, 1}, {0, 1}, {1, 1}, 1e-3},                       // one weight
  };
  for (auto& n : normalizations) {
    const std::vector<Attribute> a = {{"axes", n.axes}, {"epsilon", n.epsilon}};
    list.push_back({"normalize", {real(n.x), real(n.weight), real(n.weight)}, a, some});
    list.push_back({"normalize_backward",
                    {real(n.x), real(n.weight), real(n.kept), positive(n.kept), real(n.x)},
                    a,
                    {Range::general, Range::near_one}});
  }
  // A part of the decomposition is an operand (the gradient of a bias of full shape is dy), which something else reads too.
  list.push_back({"normalize_backward",
                  {real({3, 5}), real({3, 5}), real({3, 1}), positive({3, 1}), real({3, 5})},
                  {},
                  {Range::general},
                  [](Scope& scope, const Tensors& x) -> Tensors {
                    const Tensor dy = softmax(x[4], 1);
                    Tensors d = scope.emit("normalize_backward", {x[0], x[1], x[2], x[3], dy}, {{"axes", Shape{1}}, {"epsilon", 1e-3}});
                    d.push_back(exp(d[2]));
                    return d;
                  }});
  return list;
}

}  // namespace lamina::prove
