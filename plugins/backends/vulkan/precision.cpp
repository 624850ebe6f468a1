#include "precision.hpp"

#include <map>
#include <string>

#include "common/precision.hpp"
#include "pool.hpp"

namespace lamina::vulkan {

namespace {

const std::map<std::string, backends::Reach, std::less<>>& reaches() {
  static const std::map<std::string, backends::Reach, std::less<>> all = {
      {"conv", {1, true}},
      {"conv_backward_data", {1, true}},
      {"conv_backward_weights", {3, false}},
      {"matmul", {3, true}},
      {"max_pool", {1, true}},
      {"max_unpool", {1, true}},
      {"average_pool", {1, true}},
      {"average_pool_backward", {1, true}},
      {"reshape", {1, true, true}},  // a view
      {"map", {~0u, true}},
  };
  return all;
}

/// Without its pool an unpool adds element by element.
bool is_scattered(const backends::Planning& planning, const Op& op) {
  return op.name == "max_unpool" && !pool_of(planning, op.in(1), op.out(0).shape);
}

}  // namespace

std::vector<const Value*> narrow_values(const backends::Planning& planning, const Program& program) {
  const auto reach = [&](const Op& op) {
    const auto found = reaches().find(op.name);
    return found == reaches().end() || is_scattered(planning, op) ? backends::Reach{} : found->second;
  };
  return backends::narrow_values(program, reach, [](const Value& v) { return v.size(1) % 4 == 0; });  // vectors of four channels
}

}  // namespace lamina::vulkan
