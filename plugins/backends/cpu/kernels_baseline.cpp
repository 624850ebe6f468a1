// The inner loops for baseline; CMakeLists.txt gives the flags.
#define LAMINA_CPU_ISA baseline
#define LAMINA_CPU_ISA_NAME "baseline"
#include "kernels.inc"
