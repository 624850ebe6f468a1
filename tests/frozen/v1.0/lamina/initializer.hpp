/// An initializer is a struct with `void fill(Randomness&, const Shape&, int64_t fan_in, int64_t fan_out, std::span<double> values) const`.
/// It runs on the host in float64, so initial values are equal on every backend. It is pure: values depend on parameters, shape, fans and
/// the random numbers of the tensor's own stream. Fans are 0 where the layer has none to tell.
#pragma once
#include <numbers>
#include <span>

#include "plugin.hpp"

namespace lamina {

/// The random stream of one tensor. The same number always has the same index, however it is asked for.
class Randomness {
 public:
  Randomness(const lamina_host* host, lamina_scope* handle) : host_(host), handle_(handle) {}
  /// Numbers `first`, first + 1, …: uniform in [0, 1), 53 bits.
  void uniform(uint64_t first, std::span<double> out) {
    if (host_->uniform(handle_, first, out.size(), out.data())) throw Error();
  }
  /// Uniform in [low, high).
  void uniform(std::span<double> out, double low, double high) {
    uniform(0, out);
    for (double& v : out) v = low + (high - low) * v;
  }
  /// Normal numbers: number i is √(−2 ln(1 − u)) · cos(2π u′) of the uniform numbers u = 2i and u′ = 2i + 1.
  /// Source: Box & Muller, Ann. Math. Statist. 29 (1958).
  void normal(std::span<double> out, double mean, double deviation) {
    double u[2 * block];
    for (size_t from = 0; from < out.size(); from += block) {
      const size_t n = std::min(block, out.size() - from);
      uniform(2 * from, {u, 2 * n});
      for (size_t i = 0; i < n; ++i)
        out[from + i] = mean + deviation * std::sqrt(-2 * std::log1p(-u[2 * i])) * std::cos(2 * std::numbers::pi * u[2 * i + 1]);
    }
  }
  /// "normal" or "uniform" numbers of mean 0 and variance gain / fan.
  void scaled(std::span<double> out, const std::string& distribution, double gain, int64_t fan) {
    if (fan < 1)
      throw Error("this initializer scales by the fan of the layer, but the layer names none for this parameter; name another initializer");
    const double deviation = std::sqrt(gain / double(fan));
    if (distribution == "uniform") return uniform(out, -std::sqrt(3.0) * deviation, std::sqrt(3.0) * deviation);
    normal(out, 0, deviation);
  }

 private:
  static constexpr size_t block = 512;
  const lamina_host* host_;
  lamina_scope* handle_;
};

namespace border {

template <class T>
struct Filler {
  using Plugin = T;
  static lamina_status fill(const lamina_host* host, lamina_scope* handle, const lamina_attribute* settings, uint32_t setting_count,
                            const lamina_shape* shape, int64_t fan_in, int64_t fan_out, double* values) {
    return guard(host, handle, [&] {
      const T plugin = configured<T>(settings, setting_count);
      Randomness random(host, handle);
      size_t count = 1;  // the host has checked the product when it made room for the values
      for (uint32_t i = 0; i < shape->rank; ++i) count *= size_t(shape->dims[i]);
      plugin.fill(random, Shape(shape->dims, shape->dims + shape->rank), fan_in, fan_out, std::span<double>(values, count));
    });
  }
  static void complete(Declaration&) {}
  static constexpr lamina_initializer table{sizeof(lamina_initializer), fill};
};

}  // namespace border
}  // namespace lamina

#define LAMINA_INITIALIZER(Type, name, doc) LAMINA_PLUGIN("initializer", name, doc, lamina::border::Filler<Type>)
