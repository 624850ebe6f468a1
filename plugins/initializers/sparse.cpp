#include <lamina/initializer.hpp>

#include <algorithm>
#include <numeric>
using namespace lamina;

struct Sparse {
  double sparsity = 0.5, deviation = 0.01;

  void declare(Declaration& d) {
    d.formula("w = deviation · z, z normal, and 0 in ⌈sparsity · rows⌉ rows of each column, drawn anew for each column");
    d.details(
        "The first axis counts the rows, all others together the columns. For `dense` the rows are units: each feature goes to some units "
        "only, and always to the same number of them.");
    d.source("Martens, ICML 2010, section 5");
    d.required("sparsity", sparsity, "[0, 1]", "part of each column that is 0");
    d.optional("deviation", deviation, "[0, inf)", "standard deviation of what is not 0");
    d.example(R"({"sparsity": 0.3, "deviation": 0.1})", "[[4, 3]]");
  }
  void fill(Randomness& random, const Shape& shape, int64_t, int64_t, std::span<double> values) const {
    random.normal(values, 0, deviation);
    const size_t rows = shape.empty() ? 1 : size_t(shape[0]), columns = values.size() / rows;
    const auto zeros = size_t(std::ceil(sparsity * double(rows)));
    std::vector<size_t> order(rows);
    std::vector<double> draw(zeros);
    for (size_t c = 0; c < columns; ++c) {
      random.uniform(2 * values.size() + c * zeros, draw);  // behind what the normal numbers were made of
      std::iota(order.begin(), order.end(), size_t(0));
      for (size_t i = 0; i < zeros; ++i) {  // the first steps of Fisher and Yates's shuffle
        std::swap(order[i], order[i + size_t(draw[i] * double(rows - i))]);
        values[order[i] * columns + c] = 0;
      }
    }
  }
};
LAMINA_INITIALIZER(Sparse, "sparse", "normal numbers, and the same number of zeros in each column")
