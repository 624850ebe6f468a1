// Faulty on purpose: it needs a symbol that nobody has.
extern "C" const void* lamina_nobody_has_this(void);
extern "C" __attribute__((visibility("default"))) const void* lamina_plugin_v1(void) { return lamina_nobody_has_this(); }
