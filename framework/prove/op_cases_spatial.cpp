#include "prove/op_cases.hpp"

namespace lamina::prove {
namespace {

const std::vector<Range> linear = {Range::general, Range::near_zero, Range::thirty};
const std::vector<Range> pooled = {Range::general, Range::near_one, Range::thirty, Range::ties, Range::special};

struct Convolution {
  Shape x, w, y;
  Shape stride, low, high, dilation;
  int64_t groups = 1;
};
struct Pool {
  Shape x, y, size, stride, low, high;
};

}  // namespace

std::vector<OpCase> spatial_cases() {
  std::vector<OpCase> list;
  const std::vector<Convolution> convolutions = {
      {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1}, {0}, {0}, {1}},
      {{2, 3, 11}, {5, 3, 3}, {2, 5, 6}, {2}, {1}, {2}, {1}},
      {{2, 4, 13}, {6, 2, 2}, {2, 6, 4}, {3}, {0}, {0}, {3}, 2},
      {{2, 3, 7, 5}, {4, 3, 3, 3}, {2, 4, 7, 5}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
      {{1, 6, 9, 8}, {6, 1, 3, 2}, {1, 6, 5, 8}, {2, 1}, {2, 0}, {0, 1}, {1, 1}, 6},
      {{2, 4, 8, 9}, {8, 2, 3, 1}, {2, 8, 3, 5}, {2, 2}, {0, 0}, {1, 0}, {2, 5}, 2},
      {{3, 17, 5, 5}, {19, 17, 1, 1}, {3, 19, 5, 5}, {1, 1}, {0, 0}, {0, 0}, {1, 1}},
      {{2, 4, 3}, {8, 4, 1}, {2, 8, 3}, {2}, {0}, {2}, {1}},  // as many results as positions, not the same
      {{1, 2, 4, 5, 3}, {3, 2, 2, 3, 1}, {1, 3, 4, 3, 2}, {1, 2, 2}, {0, 1, 0}, {1, 1, 0}, {1, 1, 1}},
      {{2, 2, 5, 4, 3}, {4, 1, 2, 2, 2}, {2, 4, 3, 4, 2}, {1, 1, 1}, {0, 1, 0}, {0, 0, 0}, {2, 1, 1}, 2},
  };
  // Larger: few channels, sums that are cut into parts, more than one tile either way.
  const std::vector<Convolution> large = {
      {{3, 1, 27, 30}, {6, 1, 5, 5}, {3, 6, 27, 30}, {1, 1}, {2, 2}, {2, 2}, {1, 1}},
      {{2, 68, 9, 12}, {36, 68, 3, 3}, {2, 36, 5, 6}, {2, 2}, {1, 1}, {1, 1}, {1, 1}},
      {{4, 12, 25, 21}, {40, 6, 3, 2}, {4, 40, 25, 20}, {1, 1}, {1, 0}, {1, 0}, {1, 1}, 2},
  };
  const auto add = [&](const Convolution& c, const std::vector<Range>& ranges) {
    std::vector<Attribute> a = {
        {"stride", c.stride}, {"padding_low", c.low}, {"padding_high", c.high}, {"dilation", c.dilation}, {"groups", c.groups}};
    list.push_back({"conv", {real(c.x), real(c.w)}, a, ranges});
    a.emplace_back("shape", c.x);
    list.push_back({"conv_backward_data", {real(c.y), real(c.w)}, a, ranges});
    a.back() = {"shape", c.w};
    list.push_back({"conv_backward_weights", {real(c.x), real(c.y)}, a, ranges});
  };
  for (auto& c : convolutions) add(c, linear);
  for (auto& c : large) add(c, {Range::general});
  list.push_back({"conv", {real({2, 3, 5}), real({4, 3, 2})}, {}, linear});

  const std::vector<Pool> pools = {
      {{1, 1, 1}, {1, 1, 1}, {1}, {1}, {0}, {0}},
      {{2, 3, 11}, {2, 3, 5}, {3}, {2}, {1}, {0}},
      {{2, 3, 7, 5}, {2, 3, 3, 2}, {2, 2}, {2, 2}, {0, 0}, {0, 0}},
      {{2, 17, 7, 6}, {2, 17, 4, 6}, {3, 2}, {2, 1}, {1, 0}, {1, 1}},
      {{1, 2, 5, 8}, {1, 2, 2, 2}, {2, 3}, {3, 5}, {0, 0}, {0, 0}},
      {{2, 3, 4, 5, 3}, {2, 3, 3, 2, 2}, {2, 3, 2}, {1, 2, 1}, {0, 1, 0}, {0, 0, 0}},
      {{2, 8, 7, 6}, {2, 8, 4, 3}, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
      {{2, 4, 6, 4}, {2, 4, 3, 2}, {2, 2}, {2, 2}, {0, 0}, {0, 0}},
  };
  for (auto& p : pools) {
    std::vector<Attribute> a = {{"size", p.size}, {"stride", p.stride}, {"padding_low", p.low}, {"padding_high", p.high}};
    list.push_back({"max_pool", {real(p.x)}, a, pooled});
    int64_t volume = 1;
    for (size_t i = 2; i < p.x.size(); ++i) volume *= p.x[i];
    list.push_back({"max_unpool", {real(p.y), whole(p.y, 0, volume - 1)}, {{"shape", p.x}}, linear});
    list.push_back({"max_take", {real(p.x), whole(p.y, 0, volume - 1)}, {}, linear});
    for (bool counted : {false, true}) {
      std::vector<Attribute> b = a;
      b.emplace_back("count_padding", counted);
      list.push_back({"average_pool", {real(p.x)}, b, {Range::general, Range::thirty, Range::special}});
      b.emplace_back("shape", p.x);
      list.push_back({"average_pool_backward", {real(p.y)}, b, linear});
    }
  }
  list.push_back({"max_pool", {real({1, 2, 6, 4})}, {{"size", Shape{3, 2}}}, pooled});
  // The winners' positions from the pool itself, windows overlapping.
  list.push_back({"max_pool", {real({2, 3, 9})}, {}, {Range::general, Range::ties}, [](Scope&, const Tensors& x) -> Tensors {
                    const auto [y, at] = max_pool(x[0], {3}, {{1}, {1}, {1}});
                    return {record("max_unpool", {y, at}, {{"shape", x[0].shape()}}), at};
                  }});
  return list;
}

}  // namespace lamina::prove
