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

namespace {

/// A directory or file of its own; closes itself.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

/// To the disk, so that a folder that stands after a power cut is whole.
void write_text(const fs::path& path, const std::string& text) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  size_t done = 0;
  while (file.number >= 0 && done < text.size()) {
    const ssize_t n = ::write(file.number, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += size_t(n);
  }
  if (file.number < 0 || done < text.size() || fsync(file.number))
    throw Failure(Exit::failed, in_quotes(path.string()) + " cannot be written: " + std::strerror(errno));
}

constexpr const char* unfinished = ".new-";

/// Folders that were being made when their process was killed: nobody holds their lock, and they are no newer than a minute (a fresh one
/// might not be locked yet).
void remove_unfinished(const fs::path& runs) {
  std::error_code ignored;
  for (auto& entry : fs::directory_iterator(runs, ignored)) {
    if (!entry.path().filename().string().starts_with(unfinished)) continue;
    if (fs::file_time_type::clock::now() - entry.last_write_time(ignored) < std::chrono::minutes(1)) continue;
    const Descriptor folder{::open(entry.path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (folder.number >= 0 && !flock(folder.number, LOCK_EX | LOCK_NB)) fs::remove_all(entry.path(), ignored);
  }
}

/// One more than the largest number of a run of this name.
int64_t next_number(const fs::path& runs, const std::string& prefix) {
  int64_t number = 1;
  for (auto& entry : fs::directory_iterator(runs)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const std::string tail = name.substr(prefix.size());
    if (!tail.empty() && tail.size() < 10 && tail.find_first_not_of("0123456789") == std::string::npos)
      number = std::max<int64_t>(number, std::stoll(tail) + 1);
  }
  return number;
}

}  // namespace

RunFolder::RunFolder(fs::path path, bool alone) : path_(std::move(path)) {
  if (!alone) return;
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) throw Failure(Exit::usage, in_quotes(path_.string()) + " cannot be opened: " + std::strerror(errno));
  if (flock(lock_, LOCK_EX | LOCK_NB)) {
    ::close(std::exchange(lock_, -1));
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
  remove_unfinished(runs);
  const fs::path fresh = runs / (unfinished + experiment.name + "-" + std::to_string(getpid()));
  fs::remove_all(fresh, error);
  fs::create_directories(fresh / "checkpoints", error);
  if (error) throw Failure(Exit::failed, in_quotes(fresh.string()) + " cannot be made: " + error.message());
  RunFolder folder(fresh, true);  // the lock stays when the folder gets its name
  write_text(fresh / "experiment.json", experiment.source);
  write_text(fresh / "resolved.json", to_text(experiment.resolved) + "\n");
  const std::string prefix = experiment.name + "-";
  for (int64_t number = next_number(runs, prefix);; ++number) {  // another run may take the number first
    folder.path_ = runs / (prefix + std::to_string(number));
    if (!fs::exists(folder.path_) && !std::rename(fresh.c_str(), folder.path_.c_str())) return folder;
    if (!fs::exists(folder.path_))
      throw Failure(Exit::failed, in_quotes(folder.path_.string()) + " cannot be made: " + std::strerror(errno));
  }
}
RunFolder RunFolder::open(const fs::path& folder) {
  RunFolder opened = look(folder);
  return RunFolder(std::move(opened.path_), true);
}
RunFolder RunFolder::look(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_regular_file(folder / "resolved.json", ignored))
    throw Failure(Exit::usage, in_quotes(folder.string()) + " is no run folder: it has no resolved.json");
  return RunFolder(folder, false);
}
void RunFolder::remove_leftovers() const {
  std::error_code ignored;
  for (auto& place : {path_, path_ / "checkpoints", path_ / "record"})
    for (auto& entry : fs::directory_iterator(place, ignored)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with('.') && name.ends_with(".tmp")) fs::remove(entry.path(), ignored);
    }
}
std::string RunFolder::source() const { return read_file(path_ / "experiment.json", json_byte_limit); }

namespace {

/// "000004220.h5"
std::string step_file(int64_t step) {
  std::string number = std::to_string(step);
  number.insert(0, number.size() < 9 ? 9 - number.size() : 0, '0');
  return number + ".h5";
}
/// The steps that have a file in `folder`, in order.
std::vector<int64_t> steps_in(const fs::path& folder) {
  std::vector<int64_t> steps;
  std::error_code error;
  for (auto& entry : fs::directory_iterator(folder, error)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() == ".h5" && !stem.empty() && stem.size() < 18 && stem.find_first_not_of("0123456789") == std::string::npos)
      steps.push_back(std::stoll(stem));
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

}  // namespace

fs::path RunFolder::checkpoint(int64_t step) const { return path_ / "checkpoints" / step_file(step); }
std::vector<int64_t> RunFolder::checkpoints() const {
  auto steps = steps_in(path_ / "checkpoints");
  std::reverse(steps.begin(), steps.end());
  return steps;
}
std::vector<int64_t> RunFolder::recorded() const { return steps_in(path_ / "record"); }
fs::path RunFolder::recorded(int64_t step) const { return path_ / "record" / step_file(step); }
void RunFolder::write_recorded(int64_t step, const Checkpoint& tensors) const {
  std::error_code error;
  fs::create_directories(path_ / "record", error);
  if (error) throw Failure(Exit::failed, in_quotes((path_ / "record").string()) + " cannot be made: " + error.message());
  write_checkpoint(recorded(step), tensors);
}
void RunFolder::forget_recorded_after(int64_t step) const {
  for (int64_t later : recorded())
    if (later > step) fs::remove(recorded(later));
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
