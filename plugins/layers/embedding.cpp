#include <lamina/layer.hpp>
using namespace lamina;

struct Embedding {
  int64_t entries = 0, units = 0;
  std::optional<int64_t> padding;

  void declare(Declaration& d) {
    d.formula("y[…, u] = weight[x[…], u]");
    d.details(
        "weight [entries, units] starts from `lecun` on fan_in = 1: normal numbers of variance 1. A number that names no row, below 0 or "
        "from `entries` on, gives zeros, and so does `padding`; neither gets a gradient. x takes fractions towards zero. Its numbers "
        "arrive in the type that the program computes in, which has all whole ones up to 16,777,216, the most entries there may be.");
    d.source("Bengio, Ducharme, Vincent & Jauvin, JMLR 3 (2003)");
    d.required("entries", entries, "[1, 16777216]", "number of rows to choose from: words of a vocabulary, categories");
    d.required("units", units, "[1, 1073741824]", "numbers per row");
    d.optional("padding", padding, "[0, 16777215]", "row number that stands for nothing; absent: there is none");
    d.input("x", "[batch, …], whole numbers that name rows");
    d.result("y", "[batch, …, units]");
    d.example(R"({"entries": 4, "units": 3, "padding": 1})", "[[3, 5]]");
  }
  Tensor forward(Scope& s, Tensor x) const {
    const Tensor ids = cast(x, DType::int32), rows = gather(s.parameter("weight", {entries, units}, {"lecun", 1, units}), ids, 0);
    if (!padding) return rows;
    Shape one = x.shape();
    one.push_back(1);
    return select(equal(reshape(ids, one), double(*padding)), 0.0, rows);
  }
};
LAMINA_LAYER(Embedding, "embedding", "a learned row of numbers for each whole number")
