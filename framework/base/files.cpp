#include "base/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/text.hpp"

namespace lamina {
namespace {

struct OpenFile {  // closes itself
  int number;
  ~OpenFile() {
    if (number >= 0) ::close(number);
  }
};

std::string size_text(size_t bytes) { return bytes % (1 << 20) ? std::to_string(bytes) + " bytes" : std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

std::string read_file(const std::filesystem::path& path, size_t limit) {
  const std::string name = in_quotes(path.string(), 400);
  // O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever; on regular files it changes nothing.
  const OpenFile file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  if (file.number < 0) throw std::runtime_error("The file " + name + " cannot be opened: " + std::strerror(errno) + ".");
  struct stat info {};
  if (::fstat(file.number, &info)) throw std::runtime_error("The file " + name + " cannot be examined: " + std::strerror(errno) + ".");
  if (!S_ISREG(info.st_mode))
    throw std::runtime_error("The file " + name + (S_ISDIR(info.st_mode) ? " is a folder" : " is not a regular file") + ".");
  const auto refuse_size = [&] { throw std::runtime_error("The file " + name + " is larger than " + size_text(limit) + "."); };
  if (uint64_t(info.st_size) > limit) refuse_size();
  std::string bytes(size_t(info.st_size) + 1, '\0');  // one more shows whether the file has grown
  size_t have = 0;
  while (true) {
    const ssize_t got = ::read(file.number, bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::runtime_error("The file " + name + " cannot be read: " + std::strerror(errno) + ".");
    if (got == 0) break;
    have += size_t(got);
    if (have > limit) refuse_size();
    if (have == bytes.size()) bytes.resize(std::min(limit + 1, bytes.size() * 2));
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace lamina
