/// A metric is algebra to partial sums per batch, and a formula on them:
///   Tensors sums(Scope&, Tensor prediction, Tensor target, std::optional<Tensor> weight) const
///       sums of a size that does not depend on the batch; weight may be left out of the signature
///   double finish(std::span<const double> sums) const
///       all elements of the sums, one result after the other, added up in float64 over all batches
#pragma once
#include <span>

#include "signature.hpp"
#include "target.hpp"

namespace lamina::border {

template <class T>
struct Metric : Recorded<T, &T::sums> {
  static_assert(Metric::Call::inputs == 2 || Metric::Call::inputs == 3, "a metric takes prediction, target and perhaps weight");
  static lamina_status finish(const lamina_host* host, lamina_scope* handle, const lamina_attribute* settings, uint32_t setting_count,
                              const double* sums, uint64_t sum_count, double* result) {
    return guard(host, handle, [&] {
      const T plugin = configured<T>(settings, setting_count);
      *result = plugin.finish(std::span<const double>(sums, size_t(sum_count)));
    });
  }
  static constexpr lamina_metric table{sizeof(lamina_metric), Metric::record, finish};
};

}  // namespace lamina::border

#define LAMINA_METRIC(Type, name, doc) LAMINA_PLUGIN("metric", name, doc, lamina::border::Metric<Type>)
