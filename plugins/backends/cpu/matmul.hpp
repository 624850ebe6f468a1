#pragma once
#include "lowering.hpp"
#include "onednn.hpp"

namespace lamina::cpu {

/// The step of a product: oneDNN for large ones, own loops for tiny ones.
void add_matmul(Lowering& l, const MatmulShape& shape, const Operand& a, const Operand& b, const Operand& c);

}  // namespace lamina::cpu
