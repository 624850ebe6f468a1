/// Lowered programs as the plain structs of the C ABI. The structs point into the lowered program: it must live and stay where it is.
#pragma once
#include <deque>
#include <vector>

#include "program/lowered.hpp"

namespace lamina::program {

class BorderProgram {
 public:
  explicit BorderProgram(const Lowered& program);
  BorderProgram(const BorderProgram&) = delete;
  BorderProgram& operator=(const BorderProgram&) = delete;
  const lamina_program* get() const { return &program_; }

 private:
  std::deque<std::vector<lamina_attribute>> attributes_;
  std::deque<std::vector<lamina_instruction>> instructions_;
  std::deque<std::vector<lamina_shape>> shapes_;
  std::deque<lamina_region> regions_;
  std::vector<lamina_program_value> values_;
  std::vector<lamina_program_op> ops_;
  std::vector<lamina_program_output> outputs_;
  lamina_program program_{};
};

lamina_program_value border_value(const LoweredValue& value);
std::vector<lamina_attribute> border_attributes(const std::vector<Attribute>& attributes);

}  // namespace lamina::program
