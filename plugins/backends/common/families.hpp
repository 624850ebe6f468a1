/// Which ops are lowered by one function: the op list as backends see it.
#pragma once
#include <map>
#include <string>

#include <lamina/program.hpp>

namespace lamina::backends {

/// A backend's functions; null for a family that it leaves to be decomposed.
template <class Lowering>
struct Families {
  using Lower = void (*)(Lowering&, const Op&);
  const char* backend;
  Lower map, matmul, conv, pool, shape, index, softmax, normalize, kernel;

  /// Null for an op that is not lowered.
  Lower find(const std::string& op) const {
    using Self = Families;
    static const std::map<std::string, Lower Self::*, std::less<>> all = {
        {"map", &Self::map},
        {"matmul", &Self::matmul},
        {"conv", &Self::conv},
        {"conv_backward_data", &Self::conv},
        {"conv_backward_weights", &Self::conv},
        {"max_pool", &Self::pool},
        {"max_unpool", &Self::pool},
        {"max_take", &Self::pool},
        {"average_pool", &Self::pool},
        {"average_pool_backward", &Self::pool},
        {"reshape", &Self::shape},
        {"transpose", &Self::shape},
        {"slice", &Self::shape},
        {"pad", &Self::shape},
        {"concat", &Self::shape},
        {"reverse", &Self::shape},
        {"reorder", &Self::shape},
        {"copy", &Self::shape},
        {"argmax", &Self::index},
        {"gather", &Self::index},
        {"scatter_add", &Self::index},
        {"softmax", &Self::softmax},
        {"log_softmax", &Self::softmax},
        {"softmax_cross_entropy", &Self::softmax},
        {"softmax_cross_entropy_backward", &Self::softmax},
        {"normalize", &Self::normalize},
        {"normalize_backward", &Self::normalize},
        {"kernel", &Self::kernel},
    };
    const auto found = all.find(op);
    return found == all.end() ? nullptr : this->*found->second;
  }
  /// Error for an op that is not lowered.
  void lower(Lowering& l, const Op& op) const {
    const Lower family = find(op.name);
    if (!family) op.fail("the backend '", backend, "' does not know this op");
    l.begin(op);
    family(l, op);
    l.end(op);
  }
};

}  // namespace lamina::backends
