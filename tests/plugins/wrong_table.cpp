// Faulty on purpose: the right symbol, but a descriptor of another major version, or one that is too short, or none.
#include <lamina/abi.h>
extern "C" __attribute__((visibility("default"))) const lamina_plugin* lamina_plugin_v1(void) {
  static lamina_plugin plugin{};
#if WRONG == 1
  plugin.size = sizeof plugin, plugin.major = 2;
#elif WRONG == 2
  plugin.size = 16, plugin.major = 1;
#else
  return nullptr;
#endif
  return &plugin;
}
