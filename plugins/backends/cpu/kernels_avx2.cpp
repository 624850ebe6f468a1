// The inner loops for AVX2; CMakeLists.txt gives the flags.
#define LAMINA_CPU_ISA avx2
#define LAMINA_CPU_ISA_NAME "AVX2"
#include "kernels.inc"
