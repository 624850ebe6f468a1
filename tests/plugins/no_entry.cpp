// Faulty on purpose: a library that is no plugin.
extern "C" __attribute__((visibility("default"))) int answer(void) { return 42; }
