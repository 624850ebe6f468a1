/// Programs run as a user would: a child process, its exit code and what it printed. posix_spawn, because OpenMP hangs after a bare fork.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace lamina::test {

struct Finished {
  int exit = -1;    ///< the exit code; 128 + signal when a signal ended it
  std::string out, err;
};

/// Runs `program` with `arguments` to its end.
Finished run_program(const std::string& program, const std::vector<std::string>& arguments);

/// A fresh folder below the system's temporary one; removed with all it holds at the end.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  /// Writes a file in it and returns its path.
  std::filesystem::path write(const std::string& name, const std::string& bytes) const;

 private:
  std::filesystem::path path_;
};

}  // namespace lamina::test
