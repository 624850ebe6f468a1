/// Custom kernels of plugins: one call over all work items.
#include "kernel.hpp"

namespace reference {
namespace {

using Body = void (*)(const lamina_kernel_call*);

Body body_of(const Op& op) {
  const Value& first = op.has_out(0) ? op.out(0) : op.in(0);
  if (first.dtype == DType::float64) return op.kernel.cpu_double;
  if (first.dtype == DType::float32) return op.kernel.cpu_float;
  return nullptr;
}
lamina_shape plain(const Value& v) {
  lamina_shape s{uint32_t(v.dtype), v.rank(), {}};
  std::copy(v.shape.begin(), v.shape.end(), s.dims);
  return s;
}

}  // namespace

bool has_body(const Op& op) { return body_of(op) != nullptr; }

Kernel make_custom(const Op& op) {
  const Body body = body_of(op);
  if (!body)
    op.fail("the kernel '", op.kernel.name ? op.kernel.name : "", "' has no body for ", lamina::name_of(op.out(0).dtype), " on a CPU");
  std::vector<lamina_shape> in, out;
  for (uint32_t i = 0; i < op.in_count(); ++i) in.push_back(plain(op.in(i)));
  for (uint32_t i = 0; i < op.out_count(); ++i) out.push_back(plain(op.out(i)));
  return [&op, body, in, out](const Memory& memory) {
    std::vector<const void*> reads;
    std::vector<void*> writes;
    for (uint32_t i = 0; i < op.in_count(); ++i) reads.push_back(memory.at<std::byte>(op.in(i)));
    for (uint32_t i = 0; i < op.out_count(); ++i) writes.push_back(memory.at<std::byte>(op.out(i)));
    lamina_kernel_call call{};
    call.size = sizeof call;
    call.in_count = op.in_count(), call.out_count = op.out_count(), call.constant_count = op.raw.constant_count;
    call.in = reads.data(), call.out = writes.data(), call.in_shapes = in.data(), call.out_shapes = out.data();
    call.constants = op.raw.constants, call.begin = 0, call.end = op.raw.items;
    body(&call);
  };
}

}  // namespace reference
