#include <lamina/layer.hpp>
using namespace lamina;

struct Constant {
  std::vector<double> values;
  Shape shape;

  void declare(Declaration& d) {
    d.formula("y = values");
    d.details(
        "A source of the network, without input, that is not learned: numbers to multiply or add by, which broadcast. At most 1024 "
        "values; more belong into a `parameter` with \"trainable\": false, whose numbers come from a file of weights.");
    d.required("values", values, "(-inf, inf)", "the elements in row-major order, or one for all");
    d.optional("shape", shape, "[1, inf)", "shape of y; absent: [number of values], of one value []");
    d.result("y", "as `shape` says");
    d.example(R"({"values": [1.5, -2, 0, 0, 3, 1], "shape": [2, 3]})", "[]");
  }
  Tensor forward(Scope& s) const {
    const int64_t count = int64_t(values.size());
    const Shape to = shape.empty() && count != 1 ? Shape{count} : shape;
    if (count < 1 || count > 1024) s.fail("\"values\" has ", count, " entries; wanted 1 to 1024");
    if (count != 1 && count != element_count(to)) s.fail("the shape ", to, " has ", element_count(to), " elements, \"values\" has ", count);
    if (count == 1) return number(s, values[0], to);
    Tensors parts;  // runs of equal numbers
    for (int64_t at = 0, next; at < count; at = next) {
      for (next = at + 1; next < count && values[next] == values[at];) ++next;
      parts.push_back(number(s, values[at], {next - at}));
    }
    return reshape(concat(parts, 0), to);
  }

 private:
  static Tensor number(Scope& s, double value, const Shape& to) { return s.emit("broadcast", {Tensor(value)}, {{"shape", to}})[0]; }
};
LAMINA_LAYER(Constant, "constant", "numbers of the experiment")
