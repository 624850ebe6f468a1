/// A library's file as it is loaded: exactly the bytes that were checked and hashed.
#pragma once
#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace lamina {

/// The bytes lie in memory, sealed, under the file's name, and are loaded from there: whoever writes to the file afterwards, or builds it
/// anew, disturbs neither this load nor the run that goes on with it.
///
/// Debuggers and profilers do not find the symbols of such a library, and one that wants others from its own folder ($ORIGIN) would not
/// find them: the latter are loaded from the file itself, and all are where LAMINA_PLUGIN_COPY=no is set.
///
/// Whatever fails throws std::runtime_error with the end of a sentence that begins with the file's name.
class LibraryImage {
 public:
  /// Reads and hashes a regular file that not everyone may write to.
  explicit LibraryImage(const std::filesystem::path& file);
  ~LibraryImage();
  LibraryImage(const LibraryImage&) = delete;
  LibraryImage& operator=(const LibraryImage&) = delete;

  const std::string& bytes() const { return bytes_; }
  const std::string& sha256() const { return sha256_; }

  /// Before the first load: makes the sealed copy where there is to be one.
  void seal();
  bool is_copy() const { return memory_ >= 0; }
  int descriptor() const { return memory_; }  ///< of the copy, for a child; else -1
  /// What the system's loader is to load. In a process that knows the copy under another number, say which.
  std::string loadable() const { return loadable(memory_); }
  std::string loadable(int descriptor) const;
  /// Throws when the file itself is loaded and is no longer the one that was read.
  void check_unchanged() const;
  /// From now on the copy's number stays taken: the loader knows libraries by their names, and this one's is its number.
  void keep() { kept_ = true; }

 private:
  std::filesystem::path file_;
  struct stat stamp_ {};
  std::string bytes_, sha256_;
  int memory_ = -1;
  bool kept_ = false;
};

}  // namespace lamina
