// Faulty on purpose: made for another version, and its static initialiser ends whoever loads it.
#include <cstdlib>
static const bool trap = (std::abort(), true);
extern "C" __attribute__((visibility("default"))) const void* lamina_plugin_v2(void) { return &trap; }
