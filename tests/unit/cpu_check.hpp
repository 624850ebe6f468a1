/// The same hand-written program on `reference` and on a backend under test.
#pragma once
#include <doctest/doctest.h>

#include <functional>

#include "cpu_bench.hpp"

namespace bench {

using Numbers = std::vector<double>;
inline const double not_a_number = std::numeric_limits<double>::quiet_NaN();

inline Session& reference_session() {
  static Session s(std::string(LAMINA_PLUGINS) + "/backends/reference.so");
  return s;
}
inline Session& cpu_session(int64_t threads) {
  static Session one(std::string(LAMINA_PLUGINS) + "/backends/cpu.so", {{"threads", int64_t(1)}});
  static Session three(std::string(LAMINA_PLUGINS) + "/backends/cpu.so", {{"threads", int64_t(3)}});
  return threads == 1 ? one : three;
}

/// A backend under test.
struct Tested {
  std::string name;
  Session* session;
};
inline std::vector<Tested> cpu_sessions() { return {{"cpu, 1 thread", &cpu_session(1)}, {"cpu, 3 threads", &cpu_session(3)}}; }

/// Numbers without pattern: most in [−2, 2], some near 0, 1 and ±30.
inline Array wild(const Shape& shape, uint32_t seed, DType dtype = DType::float32, double scale = 1) {
  Array a{shape, {}, dtype};
  uint64_t state = seed * 0x9E3779B97F4A7C15ull + 1;
  for (int64_t i = 0; i < lamina::element_count(shape); ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    const double u = double(state >> 40) / double(1 << 24), v = 4 * u - 2;
    const int kind = int(state >> 33) & 31;
    double x = kind == 0 ? 1 + 1e-5 * v : kind == 1 ? 1e-5 * v : kind == 2 ? 30 * (v > 0 ? 1 : -1) : v;
    x *= scale;
    if (dtype == DType::int32) x = std::floor(x * 10);
    if (dtype == DType::uint32 || dtype == DType::uint8) x = std::floor(std::fabs(x) * 7);
    if (dtype == DType::boolean) x = v > 0;
    a.data.push_back(dtype == DType::float32 ? double(float(x)) : x);
  }
  return a;
}

/// Builds the program anew for each run; all its outputs must agree within `tolerance`.
inline void agree(const std::string& what, const std::function<void(Program&)>& build, double tolerance,
                  const std::vector<Tested>& sessions = cpu_sessions()) {
  Program r;
  build(r);
  const auto wanted = r.run(reference_session(), 7, 3);
  for (const Tested& tested : sessions)
    for (const bool alias : {false, true}) {
      Program p;
      build(p);
      Planned planned(p, *tested.session, alias);
      for (int repeat = 0; repeat < 2; ++repeat) {
        const auto got = planned.run(7, 3);
        for (size_t o = 0; o < wanted.size(); ++o) {
          const double d = distance(got[o], wanted[o]);
          CHECK_MESSAGE(d <= tolerance,
                        what << ": output " << o << ", " << tested.name << ", alias " << alias << ", run " << repeat << ": " << d);
        }
      }
    }
}

/// One op on inputs; all its results are shown.
inline void op_agrees(const char* name, const std::vector<Array>& in, const std::vector<Array>& out,
                      const std::vector<Attribute>& attributes, double tolerance) {
  std::string what = name;
  for (auto& a : in) what += " " + lamina::piece(a.shape);
  agree(
      what,
      [&](Program& p) {
        std::vector<uint32_t> ins, outs;
        for (auto& a : in) ins.push_back(p.input(a));
        for (auto& a : out) outs.push_back(p.temporary(a.shape, a.dtype));
        p.op(name, ins, outs, attributes);
        for (uint32_t o : outs) p.show(o);
      },
      tolerance);
}
inline Array shaped(const Shape& shape, DType dtype = DType::float32) { return {shape, {}, dtype}; }

}  // namespace bench
