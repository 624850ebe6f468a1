/// The proof of one library, check by check, each in a child process of its own: a plugin that crashes, hangs or eats memory fails the
/// check that it was in, and the others are still made.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "config/json.hpp"
#include "plugin/child.hpp"

namespace lamina::prove {

/// One check as it came out.
struct Row {
  std::string name, claim;
  std::string summary;              ///< what was looked at
  std::vector<std::string> faults;  ///< at most Findings::most
  size_t fault_count = 0;
  std::vector<std::string> left_out;  ///< parts that could not be checked here, and why
  double seconds = 0;
  bool timed_out = false;
  bool passed() const { return fault_count == 0; }
};

struct Proof {
  std::string file, kind, name, version, doc;  ///< all but `file` empty where it could not be loaded
  std::vector<Row> rows;
  bool passed() const;
};

/// What a child needs: the library, and where other plugins are.
struct Request {
  std::filesystem::path file;
  std::vector<std::filesystem::path> folders;
  std::vector<std::string> only = {};    ///< names of checks; none: all of the plugin's kind
  double seconds = 60;                   ///< per check
  uint64_t memory = uint64_t(16) << 30;  ///< bytes of address space per check, drivers included
};

/// `told` learns each row when it is done. std::exception only where no child can be started.
Proof prove_library(const Request& request, const std::function<void(const Row&)>& told);

/// The child's side, by its name in child_jobs().
inline constexpr const char* job_name = "prove";
std::string job(const std::vector<std::string>& words);

}  // namespace lamina::prove
