#include "program/border.hpp"

namespace lamina::program {

lamina_program_value border_value(const LoweredValue& v) {
  lamina_program_value b{};
  b.size = sizeof b, b.kind = v.kind, b.dtype = uint32_t(v.type.dtype), b.rank = uint32_t(v.type.shape.size());
  std::copy(v.type.shape.begin(), v.type.shape.end(), b.dims);
  b.index = v.index, b.fixed = v.fixed, b.layout = v.layout, b.bytes = v.bytes, b.alignment = v.alignment, b.offset = v.offset;
  return b;
}
std::vector<lamina_attribute> border_attributes(const std::vector<Attribute>& attributes) {
  std::vector<lamina_attribute> views;
  for (auto& a : attributes) views.push_back(a.view());
  return views;
}

BorderProgram::BorderProgram(const Lowered& p) {
  for (auto& v : p.values) values_.push_back(border_value(v));
  for (auto& op : p.ops) {
    lamina_program_op b{};
    b.size = sizeof b, b.revision = 1, b.name = op.name.c_str(), b.path = op.path->c_str();
    b.in_count = uint32_t(op.in.size()), b.out_count = uint32_t(op.out.size()), b.in = op.in.data(), b.out = op.out.data();
    auto& attributes = attributes_.emplace_back(border_attributes(op.attributes));
    b.attribute_count = uint32_t(attributes.size()), b.attributes = attributes.data();
    b.kernel = op.kernel, b.constants = op.constants.data(), b.constant_count = uint32_t(op.constants.size()), b.items = op.items;
    b.scratch = op.scratch, b.scratch_bytes = op.scratch_bytes;
    if (op.region) {
      auto& instructions = instructions_.emplace_back();
      for (auto& i : op.region->instructions) {
        lamina_instruction n{sizeof(lamina_instruction), uint32_t(i.dtype), i.op.c_str(), uint32_t(i.in.size()), {}, 0, nullptr};
        std::copy(i.in.begin(), i.in.end(), n.in);
        auto& own = attributes_.emplace_back(border_attributes(i.attributes));
        n.attribute_count = uint32_t(own.size()), n.attributes = own.data();
        instructions.push_back(n);
      }
      auto& shapes = shapes_.emplace_back();
      for (auto& s : op.region->spaces) {
        lamina_shape shape{0, uint32_t(s.size()), {}};
        std::copy(s.begin(), s.end(), shape.dims);
        shapes.push_back(shape);
      }
      regions_.push_back({sizeof(lamina_region), op.region->operand_count, uint32_t(instructions.size()),
                          uint32_t(op.region->results.size()), instructions.data(), op.region->results.data(), uint32_t(shapes.size()),
                          shapes.data()});
      b.region = &regions_.back();
    }
    ops_.push_back(b);
  }
  for (auto& o : p.outputs) outputs_.push_back({sizeof(lamina_program_output), o.value, o.offset});
  program_.size = sizeof program_;
  program_.value_count = uint32_t(values_.size()), program_.op_count = uint32_t(ops_.size()),
  program_.output_count = uint32_t(outputs_.size());
  program_.feed_count = uint32_t(p.feeds.size()), program_.scalar_count = uint32_t(p.host.rows.size());
  program_.values = values_.data(), program_.ops = ops_.data(), program_.outputs = outputs_.data();
  program_.arena_bytes = p.arena_bytes, program_.output_bytes = p.output_bytes, program_.name = p.name.c_str();
}

}  // namespace lamina::program
