#include "train/run_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>

#include "base/failure.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "config/json.hpp"

namespace lamina {
namespace fs = std::filesystem;

std::string now_text() {
  const std::time_t t = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&t, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}
static void write_text(const fs::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.flush();
  if (!out) throw Failure(Exit::failed, path.string() + ": cannot be written: " + std::strerror(errno));
}

RunFolder::RunFolder(fs::path path) : path_(std::move(path)) {
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) throw Failure(Exit::usage, in_quotes(path_.string()) + " cannot be opened: " + std::strerror(errno));
  if (flock(lock_, LOCK_EX | LOCK_NB)) {
    ::close(lock_);
    lock_ = -1;
    throw Failure(Exit::usage, in_quotes(path_.string()) + ": another process is running there");
  }
}
RunFolder::RunFolder(RunFolder&& other) noexcept : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}
RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);
}

RunFolder RunFolder::create(const fs::path& runs, const Experiment& experiment) {
  std::error_code error;
  fs::create_directories(runs, error);
  if (error) throw Failure(Exit::failed, in_quotes(runs.string()) + " cannot be made: " + error.message());
  const fs::path fresh = runs / (".new-" + experiment.name + "-" + std::to_string(getpid()));
  fs::remove_all(fresh, error);
  fs::create_directories(fresh / "checkpoints", error);
  if (error) throw Failure(Exit::failed, in_quotes(fresh.string()) + " cannot be made: " + error.message());
  write_text(fresh / "experiment.json", experiment.source);
  write_text(fresh / "resolved.json", to_text(experiment.resolved) + "\n");
  int64_t number = 1;
  const std::string prefix = experiment.name + "-";
  for (auto& entry : fs::directory_iterator(runs)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(prefix, 0) != 0) continue;
    const std::string tail = name.substr(prefix.size());
    if (!tail.empty() && tail.size() < 10 && tail.find_first_not_of("0123456789") == std::string::npos) number = std::max<int64_t>(number, std::stoll(tail) + 1);
  }
  for (;; ++number) {  // another run may take the number first
    const fs::path path = runs / (prefix + std::to_string(number));
    if (!fs::exists(path) && !std::rename(fresh.c_str(), path.c_str())) return RunFolder(path);
    if (!fs::exists(path)) throw Failure(Exit::failed, in_quotes(path.string()) + " cannot be made: " + std::strerror(errno));
  }
}
RunFolder RunFolder::open(const fs::path& folder) {
  if (!fs::is_regular_file(folder / "resolved.json")) throw Failure(Exit::usage, in_quotes(folder.string()) + " is no run folder: it has no resolved.json");
  return RunFolder(folder);
}
std::string RunFolder::source() const { return read_file(path_ / "experiment.json", json_byte_limit); }

fs::path RunFolder::checkpoint(int64_t step) const {
  std::string number = std::to_string(step);
  number.insert(0, number.size() < 9 ? 9 - number.size() : 0, '0');
  return path_ / "checkpoints" / (number + ".h5");
}
std::vector<int64_t> RunFolder::checkpoints() const {
  std::vector<int64_t> steps;
  std::error_code error;
  for (auto& entry : fs::directory_iterator(path_ / "checkpoints", error)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() == ".h5" && !stem.empty() && stem.size() < 18 && stem.find_first_not_of("0123456789") == std::string::npos) steps.push_back(std::stoll(stem));
  }
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}
void RunFolder::write(int64_t step, const Checkpoint& c, int64_t keep) {
  write_checkpoint(checkpoint(step), c);
  const auto steps = checkpoints();
  std::error_code ignored;  // an old one that stays harms nothing
  for (size_t i = size_t(keep); i < steps.size(); ++i)
    if (steps[i] < step) fs::remove(checkpoint(steps[i]), ignored);
}
std::optional<Checkpoint> RunFolder::newest(std::vector<std::string>& damaged) const {
  for (int64_t step : checkpoints()) {
    try {
      return read_checkpoint(checkpoint(step));
    } catch (const FileError& e) {
      damaged.push_back(e.what());
    }
  }
  return std::nullopt;
}
void RunFolder::log(const std::string& line) const {
  std::ofstream out(path_ / "log.txt", std::ios::app);
  out << now_text() << "  " << escaped(line) << "\n";
}

}  // namespace lamina
