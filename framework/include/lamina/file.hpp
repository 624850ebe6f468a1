/// Files and folders that a dataset reads, hostile until checked: regular files only, and opening a pipe does not wait for its writer.
#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "dataset.hpp"

namespace lamina {

/// A regular file, open for reading. Error with its path where it is none, cannot be opened or read, or ends early.
class InputFile {
 public:
  explicit InputFile(std::string path) : path_(std::move(path)), file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (file_ < 0) throw Error(describe("cannot open ", path_, ": ", std::strerror(errno)));
    struct stat about {};
    if (!::fstat(file_, &about) && S_ISREG(about.st_mode)) {
      size_ = uint64_t(about.st_size);
      return;
    }
    ::close(file_);
    throw Error(path_ + " is no regular file");
  }
  ~InputFile() {
    if (file_ >= 0) ::close(file_);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }  ///< bytes, when it was opened
  /// Bytes offset … offset + count − 1. Any thread.
  void read(uint64_t offset, void* out, size_t count) const {
    for (size_t done = 0; done < count;) {
      const ssize_t got = ::pread(file_, static_cast<char*>(out) + done, count - done, off_t(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw Error(describe("cannot read ", path_, ": ", std::strerror(errno)));
      if (got == 0) throw Error(describe(path_, " ends early, after ", offset + done, " bytes"));
      done += size_t(got);
    }
  }
  /// Its descriptor, which the caller closes from now on.
  int release() { return std::exchange(file_, -1); }

 private:
  std::string path_;
  int file_;
  uint64_t size_ = 0;
};

/// All bytes of a regular file. Error where it has more than `most`.
inline std::string contents_of(const std::string& path, uint64_t most) {
  const InputFile file(path);
  if (file.size() > most) throw Error(describe(path, " has ", file.size(), " bytes; at most ", most, " are read"));
  std::string bytes(file.size(), '\0');
  file.read(0, bytes.data(), bytes.size());
  return bytes;
}

/// Whether something is there, and whether it is a folder; links are followed, and one that leads nowhere is nothing.
inline bool is_there(const std::string& path) { return !::access(path.c_str(), F_OK); }
inline bool is_folder(const std::string& path) {
  std::error_code unknown;
  return std::filesystem::is_directory(path, unknown);
}

struct FolderEntry {
  std::string name;
  bool folder = false;  ///< or what leads to one; else something else, perhaps not even a file
};
/// What a folder holds, by name; hidden entries are passed over. Error where it is no folder or holds more than 2²⁴ entries.
inline std::vector<FolderEntry> entries_of(const std::string& folder) {
  std::error_code failed;
  std::vector<FolderEntry> entries;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    std::string name = at->path().filename().string();
    if (name[0] == '.') continue;
    if (entries.size() == 1 << 24) throw Error(describe("the folder ", folder, " holds more than ", 1 << 24, " entries"));
    std::error_code unknown;  // a link that leads nowhere, or round
    entries.push_back({std::move(name), at->is_directory(unknown)});
  }
  if (failed) throw Error(describe("cannot read the folder ", folder, ": ", failed.message()));
  std::sort(entries.begin(), entries.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return entries;
}

/// "png" of "cat.PNG", "" of "cat".
inline std::string ending_of(const std::string& name) {
  std::string ending = std::filesystem::path(name).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return ending.empty() ? ending : ending.substr(1);
}

}  // namespace lamina
