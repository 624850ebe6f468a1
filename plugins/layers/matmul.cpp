#include <lamina/layer.hpp>
using namespace lamina;

struct Matmul {
  bool transpose_a = false, transpose_b = false;
  double scale = 1;

  void declare(Declaration& d) {
    d.formula("y = scale · a · b + bias");
    d.details(
        "The product of the matrices in the last two axes; the axes before them broadcast as in NumPy. With two axes and a bias it is "
        "ONNX's Gemm, without bias MatMul. scale = 1 / √inner is that of attention.");
    d.optional("transpose_a", transpose_a, "whether a comes as [batch…, inner, rows]");
    d.optional("transpose_b", transpose_b, "whether b comes as [batch…, columns, inner]");
    d.optional("scale", scale, "(-inf, inf)", "factor of the product");
    d.input("a", "[batch…, rows, inner]");
    d.input("b", "[batch…, inner, columns]");
    d.input("bias", "a shape that broadcasts to y's");
    d.result("y", "[batch…, rows, columns]");
    d.example(R"({"transpose_b": true, "scale": 0.5})", "[[2, 3, 4], [5, 4], [5]]");
  }
  Tensor forward(Scope& s, Tensor a, Tensor b, std::optional<Tensor> bias) const {
    const Shape left = a.shape(), right = b.shape();
    if (left.size() < 2 || right.size() < 2) s.fail("wanted matrices, [batch…, rows, columns], got the shapes ", left, " and ", right);
    Shape batch = {};  // of y, from the last axis backwards
    for (size_t i = 3; i <= std::max(left.size(), right.size()); ++i) {
      const int64_t l = i <= left.size() ? left[left.size() - i] : 1, r = i <= right.size() ? right[right.size() - i] : 1;
      if (l != r && l != 1 && r != 1) s.fail("the batch axes of ", left, " and ", right, " do not broadcast");
      batch.insert(batch.begin(), std::max(l, r));
    }
    const auto whole = [&](const Tensor& x, const Shape& shape) {
      Shape to = batch;
      to.insert(to.end(), shape.end() - 2, shape.end());
      return to == shape ? x : broadcast(x, to);
    };
    Tensor y;
    if (right.size() == 2 && left.size() > 2 && !transpose_a) {  // one matrix for all of the batch: all rows at once
      y = matmul(reshape(a, {-1, left.back()}), b, false, transpose_b);
      Shape to = left;
      to.back() = y.size(1);
      y = reshape(y, to);
    } else {
      y = matmul(whole(a, left), whole(b, right), transpose_a, transpose_b);
    }
    if (scale != 1) y = scale * y;
    if (!bias) return y;
    const Shape shape = y.shape();
    y = y + *bias;
    if (y.shape() != shape) s.fail("the bias ", bias->shape(), " does not broadcast to the product ", shape);
    return y;
  }
};
LAMINA_LAYER(Matmul, "matmul", "product of two matrices, or of batches of them")
