/// The journal of a run, metrics.jsonl: one JSON object per line, appended first; all else about the run's course is derived from it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace lamina {

using JournalValue = std::variant<int64_t, double>;

/// One record: {"kind":"step","step":1,"loss":2.5}. A row of kind k has an integer column named k (its number) that grows from row to row.
/// Column names: printable, without quotes, backslashes and slashes. All rows of a kind have the same columns in the same order and types.
struct Row {
  std::string kind;  // "step", "epoch"
  std::vector<std::pair<std::string, JournalValue>> columns;
};

struct Column {
  std::string name;
  bool real = false;              // which of the two below is filled
  std::vector<int64_t> integers;  // [rows]
  std::vector<double> reals;      // [rows]

  bool operator==(const Column&) const = default;
};

/// All rows of one kind, by column.
struct Rows {
  std::vector<Column> columns;

  size_t size() const { return columns.empty() ? 0 : columns[0].real ? columns[0].reals.size() : columns[0].integers.size(); }
  const Column* find(const std::string& name) const;
};

using JournalRows = std::map<std::string, Rows, std::less<>>;  // by kind

struct JournalError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Reads a journal, also one that is being written: a torn last line is left out. JournalError (file:line) for any other damage, for a
/// file that is not regular and for more than 4 GiB. sound_bytes: where the last whole line ends.
JournalRows read_journal(const std::filesystem::path& path, uint64_t* sound_bytes = nullptr);

/// Opens a journal for appending, with what it holds; a torn last line is cut off. One process at a time; one thread.
class Journal {
 public:
  explicit Journal(std::filesystem::path path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Takes a row in; it is on its way to the file with the next write(). After a resume, rows the journal holds already are compared
  /// instead, bit for bit but for wall_time, seconds and samples_per_second: JournalError names step and column of a difference, and rows
  /// out of order.
  void add(const Row& row);
  /// Writes what was added since, with one write(2).
  void write();
  void append(const Row& row) { add(row), write(); }

  const Rows& rows(const std::string& kind) const;  // empty for a kind without rows
  const JournalRows& all() const { return kinds_; }

  void sync();  // to disk
  /// Cuts off the first row of this kind whose number is larger, and all that follow it: what is done anew in another way. Nothing may be
  /// waiting for write().
  void forget_after(const std::string& kind, int64_t number);

 private:
  struct Place {
    size_t next = 0;       // the stored row that the next one of this kind is compared with
    bool started = false;  // before that, rows older than the checkpoint are passed over
  };
  bool replay(const Row& row, int64_t number, const Rows& rows, Place& place) const;

  std::filesystem::path path_;
  int file_ = -1;
  uint64_t size_ = 0;  // bytes
  JournalRows kinds_;
  std::map<std::string, Place, std::less<>> places_;
  std::string lines_;  // added, not written; kept between calls: adding allocates nothing once it has its size
};

}  // namespace lamina
