#include "kernels.hpp"

#include <cstdlib>
#include <cstring>

namespace lamina::cpu {

#define LAMINA_CPU_TABLE(isa)     \
  namespace isa {                 \
  extern const KernelTable table; \
  }
LAMINA_CPU_TABLE(baseline)
#ifdef LAMINA_CPU_X86
LAMINA_CPU_TABLE(avx2)
LAMINA_CPU_TABLE(avx512)
#endif

static const KernelTable& choose() {
#ifdef LAMINA_CPU_X86
  const char* wanted = std::getenv("LAMINA_CPU_ISA");
  const auto allowed = [&](const char* isa) { return !wanted || !std::strcmp(wanted, isa); };
  __builtin_cpu_init();
  if (allowed("avx512") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
    return avx512::table;
  if ((allowed("avx2") || allowed("avx512")) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2::table;
#endif
  return baseline::table;
}

const KernelTable& kernels() {
  static const KernelTable& chosen = choose();
  return chosen;
}

}  // namespace lamina::cpu
