// Values that come from outside the algebra: learned and kept tensors, inputs, numbers of the step, random bits, custom kernels.
#include "graph/op.hpp"

namespace lamina::graph {

static std::vector<TensorType> shaped(Inference& in) {
  checked_elements(in, in.list("shape"));
  auto* dtype = in.find("dtype");
  return {{dtype ? DType(dtype->integers.at(0)) : in.real, in.list("shape")}};
}
static std::vector<TensorType> host_number(Inference& in) {
  in.hosted = true;
  return {{DType::float64, {}}};
}

std::vector<Op> source_ops() {
  const AttributeRule name{"name", LAMINA_TEXT, true}, shape{"shape", integer_list, true}, dtype{"dtype", LAMINA_DTYPE, false};
  return {
      {"parameter",
       "A learned tensor of the layer.",
       OpKind::source,
       0,
       0,
       {name,
        shape,
        {"initializer", LAMINA_TEXT, true},
        {"fan_in", LAMINA_INTEGER, false},
        {"fan_out", LAMINA_INTEGER, false},
        {"initializer.value", LAMINA_REAL, false}},
       shaped},
      {"state",
       "A tensor that is kept from step to step but not learned.",
       OpKind::source,
       0,
       0,
       {name, shape, {"value", LAMINA_REAL, false}},
       shaped},
      {"input", "A batch of one column of the data set, in its stored type.", OpKind::source, 0, 0, {name, shape, dtype}, shaped},
      {"scalar", "A number of the step table: the learning rate, the step, a per-step setting.", OpKind::source, 0, 0, {name}, host_number},
      {"constant", "A number.", OpKind::source, 0, 0, {{"value", LAMINA_REAL, true}}, host_number},
      {"assign",
       "(current, next): next becomes the current version of the state; committed when the step ends.",
       OpKind::source,
       2,
       2,
       {},
       [](Inference& in) -> std::vector<TensorType> {
         if (in.in[1]->hosted) in.refuse("the next version is a lone number; broadcast it to the state's shape ", in.shape(0));
         if (in.type(0) != in.type(1)) in.refuse("the state is ", to_text(in.type(0)), ", its next version ", to_text(in.type(1)));
         return {in.type(0)};
       }},
      {"kernel", "A kernel of the plugin's own; see lamina/kernel.hpp.", OpKind::primitive, 0, many, {}, nullptr},
  };
}

}  // namespace lamina::graph
