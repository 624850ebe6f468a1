#include "record/journal.hpp"

#include "record/journal_line.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lamina {
namespace {

constexpr uint64_t largest_journal = uint64_t(4) << 30;

/// What may differ between a run and its replay.
bool is_time(std::string_view column) { return column == "wall_time" || column == "seconds" || column == "samples_per_second"; }

std::string text_of(const JournalValue& value) {
  std::string line;
  format_line({"x", {{"x", value}}}, line);
  return line.substr(16, line.size() - 18);  // without {"kind":"x","x": and }
}

/// NaNs are one value: their payload is not in the journal.
bool same_bits(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b) || (std::isnan(a) && std::isnan(b)); }

std::optional<int64_t> number_of(const Row& row) {
  for (const auto& [name, value] : row.columns)
    if (name == row.kind)
      if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  return std::nullopt;
}

const Column& number_column(const Rows& rows, const std::string& kind) { return *rows.find(kind); }

/// "" when the row fits the columns of its kind, which the first row lays down.
std::string misfit(const Row& row, const Rows& rows) {
  const auto named = [&] { return "the row of kind \"" + row.kind + "\" "; };
  if (!number_of(row)) return named() + "has no integer column \"" + row.kind + "\"";
  if (rows.columns.empty()) {
    for (size_t i = 0; i < row.columns.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        if (row.columns[i].first == row.columns[j].first) return named() + "has two columns \"" + row.columns[i].first + "\"";
    return "";
  }
  for (size_t i = 0; i < std::max(row.columns.size(), rows.columns.size()); ++i) {
    if (i >= row.columns.size()) return named() + "lacks the column \"" + rows.columns[i].name + "\"";
    if (i >= rows.columns.size()) return named() + "has a new column \"" + row.columns[i].first + "\"";
    const Column& column = rows.columns[i];
    const auto& [name, value] = row.columns[i];
    if (name != column.name) return named() + "has the column \"" + name + "\" where \"" + column.name + "\" is wanted";
    if (std::holds_alternative<double>(value) != column.real)
      return named() + "has " + (column.real ? "an integer" : "a real") + " in the column \"" + name + "\", which holds " +
             (column.real ? "reals" : "integers");
  }
  return "";
}

void store(const Row& row, Rows& rows) {
  if (rows.columns.empty())
    for (const auto& [name, value] : row.columns) rows.columns.push_back({name, std::holds_alternative<double>(value), {}, {}});
  for (size_t i = 0; i < row.columns.size(); ++i) {
    Column& column = rows.columns[i];
    if (column.real)
      column.reals.push_back(std::get<double>(row.columns[i].second));
    else
      column.integers.push_back(std::get<int64_t>(row.columns[i].second));
  }
}

/// "" when `row` may follow the rows so far.
std::string disorder(const Row& row, const Rows& rows) {
  if (rows.size() == 0) return "";
  const int64_t before = number_column(rows, row.kind).integers.back(), number = *number_of(row);
  if (number > before) return "";
  return row.kind + " " + std::to_string(number) + " comes after " + row.kind + " " + std::to_string(before);
}

/// Takes one line into `kinds`; "" or what is wrong with it.
std::string take_line(std::string_view line, Row& row, JournalRows& kinds) {
  if (line.size() >= longest_line) return "it is longer than 64 KiB";
  std::string fault = parse_line(line, row);
  if (!fault.empty()) return fault;
  const auto found = kinds.find(row.kind);
  static const Rows none;
  const Rows& rows = found == kinds.end() ? none : found->second;
  if (fault = misfit(row, rows); !fault.empty()) return fault;
  if (fault = disorder(row, rows); !fault.empty()) return fault;
  store(row, kinds[row.kind]);
  return "";
}

std::string reason() { return std::strerror(errno); }

JournalRows read_open(int file, const std::filesystem::path& path, uint64_t& sound_bytes) {
  struct stat status {};
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) throw JournalError("\"" + path.string() + "\" is not a regular file.");
  if (uint64_t(status.st_size) > largest_journal) throw JournalError("The journal \"" + path.string() + "\" is larger than 4 GiB.");
  JournalRows kinds;
  Row row;
  std::string buffer;
  std::vector<char> piece(1 << 20);
  std::string fault;  // of the last line, kept until another line shows that it was not torn
  uint64_t line_number = 0, offset = 0;
  bool too_long = false;  // such a line is passed over; only its end matters
  sound_bytes = 0;
  const auto one_line = [&](std::string_view line, uint64_t end) {
    if (!fault.empty()) throw JournalError(path.string() + ":" + std::to_string(line_number) + ": the journal is damaged: " + fault + ".");
    ++line_number;
    fault = std::exchange(too_long, false) ? "it is longer than 64 KiB" : take_line(line, row, kinds);
    if (fault.empty()) sound_bytes = end;
  };
  while (offset < largest_journal) {
    const ssize_t got = pread(file, piece.data(), piece.size(), off_t(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw JournalError("Cannot read the journal \"" + path.string() + "\": " + reason() + ".");
    if (got == 0) break;
    std::string_view rest(piece.data(), size_t(got));
    while (!rest.empty()) {
      const size_t end = rest.find('\n');
      const std::string_view part = rest.substr(0, end);
      if (buffer.size() + part.size() >= longest_line) too_long = true, buffer.clear();
      if (!too_long) buffer += part;
      offset += part.size() + (end != rest.npos);
      rest.remove_prefix(part.size() + (end != rest.npos));
      if (end == std::string_view::npos) break;
      one_line(buffer, offset);
      buffer.clear();
    }
  }
  // Something after the last newline is a torn line; a damaged line before it is then not the last.
  if ((!buffer.empty() || too_long) && !fault.empty()) one_line("", offset);
  return kinds;
}

}  // namespace

const Column* Rows::find(const std::string& name) const {
  for (const Column& column : columns)
    if (column.name == name) return &column;
  return nullptr;
}

JournalRows read_journal(const std::filesystem::path& path, uint64_t* sound_bytes) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // O_NONBLOCK: a FIFO must not make us wait
  if (file < 0) throw JournalError("Cannot open the journal \"" + path.string() + "\": " + reason() + ".");
  uint64_t sound = 0;
  try {
    JournalRows kinds = read_open(file, path, sound);
    close(file);
    if (sound_bytes) *sound_bytes = sound;
    return kinds;
  } catch (...) {
    close(file);
    throw;
  }
}

Journal::Journal(std::filesystem::path path) : path_(std::move(path)) {
  file_ = open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  if (file_ < 0) throw JournalError("Cannot open the journal \"" + path_.string() + "\": " + reason() + ".");
  try {
    if (flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      throw JournalError("The journal \"" + path_.string() + "\" is being written by another run.");
    kinds_ = read_open(file_, path_, size_);
    if (ftruncate(file_, off_t(size_)) != 0)
      throw JournalError("Cannot cut the torn line off \"" + path_.string() + "\": " + reason() + ".");
  } catch (...) {
    close(file_);
    throw;
  }
}

Journal::~Journal() {
  if (file_ >= 0) close(file_);
}

/// True when the row is one the journal holds already.
bool Journal::replay(const Row& row, int64_t number, const Rows& rows, Place& place) const {
  const Column& numbers = *rows.find(row.kind);
  if (!place.started)
    while (place.next < rows.size() && numbers.integers[place.next] < number) ++place.next;
  place.started = true;
  if (place.next >= rows.size()) return false;
  const int64_t stored = numbers.integers[place.next];
  const auto at = [&] { return row.kind + " " + std::to_string(number) + " of the resumed run"; };
  if (stored != number)
    throw JournalError("\"" + path_.string() + "\" cannot be continued: its next row is " + row.kind + " " + std::to_string(stored) +
                       ", but " + at() + " came.");
  for (size_t i = 0; i < row.columns.size(); ++i) {
    const auto& [name, value] = row.columns[i];
    const Column& column = rows.columns[i];
    const bool same = column.real ? same_bits(std::get<double>(value), column.reals[place.next])
                                  : std::get<int64_t>(value) == column.integers[place.next];
    if (same || is_time(name)) continue;
    const JournalValue before = column.real ? JournalValue(column.reals[place.next]) : JournalValue(column.integers[place.next]);
    throw JournalError("In " + at() + " the column \"" + name + "\" is " + text_of(value) + ", but the journal \"" + path_.string() +
                       "\" has " + text_of(before) + ".");
  }
  ++place.next;
  return true;
}

void Journal::add(const Row& row) {
  Rows& rows = kinds_[row.kind];
  Place& place = places_[row.kind];
  std::string fault = misfit(row, rows);
  if (!fault.empty()) throw JournalError("\"" + path_.string() + "\": " + fault + ".");
  if (rows.size() > 0 && replay(row, *number_of(row), rows, place)) return;
  fault = disorder(row, rows);
  if (!fault.empty()) throw JournalError("\"" + path_.string() + "\": " + fault + ".");
  const size_t before = lines_.size();
  format_line(row, lines_);
  if (lines_.size() - before > longest_line) {
    lines_.resize(before);
    throw JournalError("A row of \"" + path_.string() + "\" is longer than 64 KiB.");
  }
  store(row, rows);
  place.next = rows.size();
}

void Journal::write() {
  if (lines_.empty()) return;
  ssize_t written;
  do written = ::write(file_, lines_.data(), lines_.size());
  while (written < 0 && errno == EINTR);
  if (written != ssize_t(lines_.size())) {
    const std::string why = written < 0 ? reason() : "the disk is full";
    // Half a line must not stand in front of later ones; should this fail too, the next opening cuts it off.
    if (written > 0 && ftruncate(file_, off_t(size_)) != 0) close(std::exchange(file_, -1));
    throw JournalError("Cannot write the journal \"" + path_.string() + "\": " + why + ".");
  }
  size_ += uint64_t(written);
  lines_.clear();
}

const Rows& Journal::rows(const std::string& kind) const {
  static const Rows none;
  const auto found = kinds_.find(kind);
  return found == kinds_.end() ? none : found->second;
}

void Journal::forget_after(const std::string& kind, int64_t number) {
  std::string text(size_, '\0');
  for (uint64_t have = 0; have < size_;) {
    const ssize_t got = pread(file_, text.data() + have, size_ - have, off_t(have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      throw JournalError("Cannot read the journal \"" + path_.string() + "\": " + (got ? reason() : "it has become shorter") + ".");
    have += uint64_t(got);
  }
  Row row;
  uint64_t begin = 0;
  while (begin < size_) {
    const uint64_t end = text.find('\n', begin);  // only whole lines are left
    if (parse_line(std::string_view(text).substr(begin, end - begin), row).empty() && row.kind == kind && number_of(row) > number) break;
    begin = end + 1;
  }
  if (begin >= size_) return;
  if (ftruncate(file_, off_t(begin)) != 0) throw JournalError("Cannot shorten the journal \"" + path_.string() + "\": " + reason() + ".");
  kinds_ = read_open(file_, path_, size_);
  places_.clear();
}

void Journal::sync() {
  if (fsync(file_) != 0) throw JournalError("Cannot bring the journal \"" + path_.string() + "\" to disk: " + reason() + ".");
}

}  // namespace lamina
