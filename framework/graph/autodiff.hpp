/// Reverse-mode differentiation of a recorded graph. Source: Griewank & Walther, Evaluating Derivatives, 2nd ed. 2008, chapter 3.
#pragma once
#include <vector>

#include "graph/recorder.hpp"

namespace lamina::graph {

/// Records the gradients of `of` (times `seed`, which has its shape; absent: 1) with respect to each of `with_respect_to`.
/// absent where `of` does not depend on it. Only what lies between is differentiated: nothing is recorded for frozen parts.
std::vector<ValueId> differentiate(lamina_scope& scope, ValueId of, const std::vector<ValueId>& with_respect_to, ValueId seed = absent);

}  // namespace lamina::graph
