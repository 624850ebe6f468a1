// Preloaded into programs under test: bringing a file to disk takes as long as LAMINA_TEST_SYNC_MICROSECONDS says and does nothing else. So
// a test can act while a file is being written, and does not wait for the disk. (A killed process loses nothing that it wrote, synced or
// not.)
#include <unistd.h>

#include <cstdlib>

extern "C" int fsync(int) {
  const char* text = std::getenv("LAMINA_TEST_SYNC_MICROSECONDS");
  if (text) usleep(useconds_t(std::atoi(text)));
  return 0;
}
