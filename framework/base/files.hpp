/// Bounded reading of files that nobody vouches for.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace lamina {

/// A regular file, open for reading until this dies. Throws std::runtime_error with a sentence for folders, FIFOs, devices and files that
/// cannot be opened or read. Never waits on a FIFO.
class RegularFile {
 public:
  explicit RegularFile(const std::filesystem::path& path);
  ~RegularFile();
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;
  uint64_t size() const { return size_; }  ///< in bytes, when it was opened
  /// Reads on, at most `bytes`; 0 at the end.
  size_t read(void* to, size_t bytes);

 private:
  std::string name_;
  int file_ = -1;
  uint64_t size_ = 0;
};

/// The bytes of a regular file of at most `limit` bytes. std::runtime_error as above, and for files that are, or grow, longer.
std::string read_file(const std::filesystem::path& path, size_t limit);

/// All bytes to an open file, however many calls it takes; false, with errno set, where one fails.
bool write_all(int file, std::string_view bytes);

/// Writes a file whole: to a temporary one beside it that takes its place; where a link leads, and to devices and pipes as they are.
/// Failure with a sentence.
void write_file(const std::filesystem::path& path, const std::string& bytes);

}  // namespace lamina
