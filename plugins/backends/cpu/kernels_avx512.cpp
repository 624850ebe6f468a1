// The inner loops for AVX-512; CMakeLists.txt gives the flags.
#define LAMINA_CPU_ISA avx512
#define LAMINA_CPU_ISA_NAME "AVX-512"
#include "kernels.inc"
