#include "base/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace lamina {
namespace {

std::string size_text(size_t bytes) { return bytes % (1 << 20) ? std::to_string(bytes) + " bytes" : std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

RegularFile::RegularFile(const std::filesystem::path& path) : name_(in_quotes(path.string(), 400)) {
  // O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever; on regular files it changes nothing.
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file_ < 0) throw std::runtime_error("The file " + name_ + " cannot be opened: " + std::strerror(errno) + ".");
  struct stat info {};
  const bool known = ::fstat(file_, &info) == 0;
  if (known && S_ISREG(info.st_mode)) {
    size_ = uint64_t(info.st_size);
    return;
  }
  const std::string reason = std::strerror(errno);
  ::close(file_);
  if (!known) throw std::runtime_error("The file " + name_ + " cannot be examined: " + reason + ".");
  throw std::runtime_error("The file " + name_ + (S_ISDIR(info.st_mode) ? " is a folder," : " is") + " not a regular file.");
}

RegularFile::~RegularFile() { ::close(file_); }

size_t RegularFile::read(void* to, size_t bytes) {
  ssize_t got;
  do got = ::read(file_, to, bytes);
  while (got < 0 && errno == EINTR);
  if (got < 0) throw std::runtime_error("The file " + name_ + " cannot be read: " + std::strerror(errno) + ".");
  return size_t(got);
}

std::string read_file(const std::filesystem::path& path, size_t limit) {
  RegularFile file(path);
  const auto check_size = [&](uint64_t size) {
    if (size > limit) throw std::runtime_error("The file " + in_quotes(path.string(), 400) + " is larger than " + size_text(limit) + ".");
  };
  check_size(file.size());
  std::string bytes(size_t(file.size()) + 1, '\0');  // one more shows whether the file has grown
  size_t have = 0;
  while (const size_t got = file.read(bytes.data() + have, bytes.size() - have)) {
    have += got;
    check_size(have);
    if (have == bytes.size()) bytes.resize(std::min(limit + 1, bytes.size() * 2));
  }
  bytes.resize(have);
  return bytes;
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(file, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(size_t(put));
  }
  return true;
}

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  // A device or a pipe is written to as it is; a link stays one.
  std::error_code failed;
  const bool whole = !std::filesystem::exists(path, failed) || std::filesystem::is_regular_file(path, failed);
  const std::filesystem::path target = std::filesystem::is_symlink(path, failed) ? std::filesystem::weakly_canonical(path, failed) : path;
  const std::string temporary = whole ? target.string() + "." + std::to_string(::getpid()) + ".part" : path.string();
  const auto refuse = [&](const char* what) {
    const std::string why = std::strerror(errno);
    if (whole) ::unlink(temporary.c_str());
    throw Failure(Exit::failed, "The file " + in_quotes(path.string(), 400) + " cannot be " + what + ": " + why + ".");
  };
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CLOEXEC | (whole ? O_CREAT | O_EXCL | O_NOFOLLOW : 0), 0666);
  if (file < 0) refuse("made");
  if (!write_all(file, bytes)) {
    const int why = errno;
    ::close(file);
    errno = why, refuse("written");
  }
  if (::close(file) || (whole && ::rename(temporary.c_str(), target.c_str()))) refuse("written");
}

}  // namespace lamina
