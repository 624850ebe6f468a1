#include "plugin/image.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "base/files.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"
#include "plugin/permissions.hpp"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // since Linux 6.3; the loader maps such memory all the same
#endif

namespace lamina {
namespace fs = std::filesystem;
namespace {

constexpr size_t largest_library = size_t(1) << 30;
constexpr size_t longest_memory_name = 249;  // as memfd_create wants it

[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error(why); }

struct stat stamp_of(const fs::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info)) refuse(std::string("cannot be read: ") + std::strerror(errno));
  return info;
}

bool same(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }
bool same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size && same(a.st_mtim, b.st_mtim) && same(a.st_ctim, b.st_ctim);
}

std::string content(const fs::path& file) {
  try {
    return read_file(file, largest_library);
  } catch (const std::exception& e) {
    // "The file "…" is a folder, not a regular file.": what follows the name, as the end of a sentence.
    const std::string text = e.what(), start = "The file " + in_quotes(file.string(), 400) + " ";
    if (!text.starts_with(start) || !text.ends_with('.')) refuse("cannot be read: " + text);
    refuse(text.substr(start.size(), text.size() - start.size() - 1));
  }
}

bool wants_copy() {
  const char* said = std::getenv("LAMINA_PLUGIN_COPY");
  if (!said || !*said || !std::strcmp(said, "yes")) return true;
  if (std::strcmp(said, "no")) refuse("is not loaded: LAMINA_PLUGIN_COPY is " + in_quotes(said) + "; wanted yes or no");
  return false;
}

/// Memory without a file, whose name shows in /proc/PID/maps.
int new_memory(const std::string& name) {
  const std::string end = name.size() > longest_memory_name ? name.substr(name.size() - longest_memory_name) : name;
  const int memory = ::memfd_create(end.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  return memory >= 0 || errno != EINVAL ? memory : ::memfd_create(end.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

bool fill(int memory, std::string_view bytes) {
  return write_all(memory, bytes) && ::fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0;
}

}  // namespace

LibraryImage::LibraryImage(const fs::path& file) : file_(file), stamp_(stamp_of(file)) {
  check_file_rights(file, stamp_);
  bytes_ = content(file);
  sha256_ = lamina::sha256(bytes_.data(), bytes_.size());
}

LibraryImage::~LibraryImage() {
  if (memory_ >= 0 && !kept_) ::close(memory_);
}

void LibraryImage::seal() {
  const bool wants_its_folder = bytes_.find("$ORIGIN") != bytes_.npos || bytes_.find("${ORIGIN}") != bytes_.npos;
  if (wants_its_folder || !wants_copy()) return;
  memory_ = new_memory(file_.string());
  if (memory_ < 0 || !fill(memory_, bytes_))
    refuse(std::string("cannot be copied to memory, which keeps it as it was checked: ") + std::strerror(errno) +
           "; with LAMINA_PLUGIN_COPY=no it is loaded from its file");
}

std::string LibraryImage::loadable(int descriptor) const {
  return is_copy() ? "/proc/self/fd/" + std::to_string(descriptor) : file_.string();
}

void LibraryImage::check_unchanged() const {
  if (!is_copy() && !same(stamp_, stamp_of(file_))) refuse("was changed while it was being loaded; try again when that is done");
}

}  // namespace lamina
