#include <lamina/initializer.hpp>
using namespace lamina;

struct Orthogonal {
  double gain = 1;

  void declare(Declaration& d) {
    d.formula("w = gain · Q, Q with orthonormal rows (columns where there are more rows), from a matrix of normal numbers");
    d.details(
        "The first axis counts the rows, all others together the columns, so the filters of a convolution are orthogonal to each other. "
        "Q is that of the QR decomposition whose R has a positive diagonal: every such Q is equally likely. A tensor of one axis is one "
        "column. Cost: rows · columns · the smaller of both, on one thread.");
    d.source("Saxe, McClelland & Ganguli, ICLR 2014; the distribution: Mezzadri, Notices of the AMS 54 (2007)");
    d.optional("gain", gain, "(-inf, inf)", "how much longer than 1 each row (or column) is; √2 suits rectifiers");
    d.example(R"({"gain": 1.5})", "[[4, 3]]");
  }
  void fill(Randomness& random, const Shape& shape, int64_t, int64_t, std::span<double> values) const {
    const size_t rows = shape.empty() ? 1 : size_t(shape[0]), columns = values.size() / rows;
    const size_t count = std::min(rows, columns), length = std::max(rows, columns);
    std::vector<double> q(values.size());  // `count` vectors of `length`
    random.normal(q, 0, 1);
    for (size_t i = 0; i < count; ++i) {
      const std::span<double> v(q.data() + i * length, length);
      // Gram and Schmidt's process, each vector twice: once leaves rounding in it that is large beside a short remainder.
      for (int pass = 0; pass < 2; ++pass)
        for (size_t k = 0; k < i; ++k) add(v, -dot(v, q.data() + k * length), q.data() + k * length);
      const double scale = 1 / std::sqrt(dot(v, v.data()));
      for (double& x : v) x *= scale;
    }
    for (size_t i = 0; i < count; ++i)
      for (size_t k = 0; k < length; ++k) values[rows <= columns ? i * columns + k : k * columns + i] = gain * q[i * length + k];
  }

 private:
  static double dot(std::span<const double> a, const double* b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }
  static void add(std::span<double> a, double factor, const double* b) {
    for (size_t i = 0; i < a.size(); ++i) a[i] += factor * b[i];
  }
};
LAMINA_INITIALIZER(Orthogonal, "orthogonal", "rows or columns that are orthogonal and of one length")
