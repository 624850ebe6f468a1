#include <zlib.h>

#include <charconv>
#include <cmath>
#include <map>
#include <memory>

#include <lamina/file.hpp>
using namespace lamina;

namespace {

constexpr uint64_t most_bytes = uint64_t(1) << 32;
constexpr size_t most_columns = 65536, most_categories = 65536, most_cells = 1 << 28;

/// The text of a file, plain or compressed by gzip.
std::string text_of(const std::string& path) {
  InputFile file(path);
  const uint64_t possible = std::min(most_bytes, file.size() * 1032);  // deflate packs at most 1032 bytes into one
  const int descriptor = file.release();
  const std::unique_ptr<gzFile_s, decltype(&::gzclose_r)> stream(::gzdopen(descriptor, "rb"), ::gzclose_r);
  if (!stream) {
    ::close(descriptor);
    throw Error("there is no memory to read " + path);
  }
  std::string text;
  while (true) {
    const size_t from = text.size(), step = std::max<size_t>(from, 1 << 16);
    if (from > possible) throw Error(describe(path, " has more than ", possible, " bytes"));
    text.resize(from + std::min<size_t>(step, 1 << 28));
    const int got = ::gzread(stream.get(), text.data() + from, unsigned(text.size() - from));
    text.resize(from + size_t(std::max(got, 0)));
    int code = 0;
    const char* why = ::gzerror(stream.get(), &code);
    if (got < 0 || code < 0) throw Error(describe(path, " is damaged: ", why));
    if (!got) return text;
  }
}

/// Records of cells by RFC 4180; quoted cells may hold separators, line ends and "" for a quote. Lines may end in \n or \r\n; empty ones
/// are passed over.
struct Table {
  std::string path, text;
  std::vector<std::string_view> cells;  ///< into `text`, record by record
  std::vector<size_t> lines;            ///< of each record, from 1
  size_t width = 0;

  Table(const std::string& file, char separator, int64_t skip) : path(file), text(text_of(file)) {
    char *at = text.data(), *const end = at + text.size();
    if (text.starts_with("\xEF\xBB\xBF")) at += 3;
    size_t line = 1;
    for (; skip > 0 && at != end; ++line, --skip) at = std::find(at, end, '\n'), at += at != end;
    while (at != end) {
      if (*at == '\n' || (*at == '\r' && at + 1 != end && at[1] == '\n')) {
        at += *at == '\r' ? 2 : 1, ++line;
        continue;
      }
      const size_t first = cells.size();
      lines.push_back(line);
      do {
        if (cells.size() - first == most_columns) fail(lines.size() - 1, describe("more than ", most_columns, " cells"));
        if (cells.size() == most_cells) throw Error(describe(path, " has more than ", most_cells, " cells"));
        cells.push_back(cell(at, end, separator, line));
      } while (at != end && *at == separator && ++at);
      if (at != end) ++at, ++line;  // the \n
      if (!width) width = cells.size() - first;
      if (cells.size() - first != width)
        fail(lines.size() - 1, describe(cells.size() - first, " cells; wanted ", width,
                                        " as in the first record. Is \"separator\" right, or \"skip_lines\"?"));
    }
    if (lines.empty()) throw Error(path + " holds no records");
  }
  size_t records() const { return lines.size(); }
  std::string_view at(size_t record, size_t column) const { return cells[record * width + column]; }
  [[noreturn]] void fail(size_t record, const std::string& what) const {
    throw Error(describe(path, ", line ", lines[record], ": ", what));
  }

 private:
  /// One cell, and `at` moved to what ends it: the separator, \n or the end.
  std::string_view cell(char*& at, char* end, char separator, size_t& line) {
    char* const begin = at;
    if (*at != '"' || at == end) {
      at = std::find_if(at, end, [&](char c) { return c == separator || c == '\n'; });
      char* last = at;
      if (last != begin && last[-1] == '\r' && (at == end || *at == '\n')) --last;
      return {begin, size_t(last - begin)};
    }
    char* to = begin;  // the text without quotes is shorter, so it is written over them
    for (++at;; ++at) {
      if (at == end) fail(lines.size() - 1, "a quote is not closed");
      if (*at == '"' && (at + 1 == end || at[1] != '"')) break;
      if (*at == '"') ++at;
      line += *at == '\n';
      *to++ = *at;
    }
    ++at;
    if (at != end && *at == '\r' && (at + 1 == end || at[1] == '\n')) ++at;
    if (at != end && *at != separator && *at != '\n') fail(lines.size() - 1, "text follows a closing quote");
    return {begin, size_t(to - begin)};
  }
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}
std::optional<double> number_in(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || !std::isfinite(float(v))) return std::nullopt;
  return v;
}

/// What one column of the file becomes: a number, or one number per category.
struct Feature {
  size_t column = 0;
  std::string name;
  bool category = false, is_target = false;
  std::map<std::string, size_t, std::less<>> numbers;  ///< of the categories
  double fill = 0, offset = 0, scale = 1;
};

}  // namespace

struct Csv {
  Path path;
  std::optional<Path> test;
  std::vector<std::string> target, inputs, ignore, categories, missing_values = {"", "?", "NA", "N/A", "NaN", "nan", "null"};
  bool header = true, standardize = false;
  std::string separator = ",", missing = "refuse", encoding = "one_hot";
  int64_t skip_lines = 0;
  Shape shape;

  void declare(Declaration& d) {
    d.details(
        "RFC 4180: a record per line, cells with separators, line ends or quotes in \"…\"; plain or compressed by gzip. Columns are called "
        "by name, or by number from 0, where -1 is the last. A column without any number, or named in `categories`, is one of "
        "categories: as a target it becomes class numbers, as an input one number for each category, which is 0 or 1. Categories are "
        "sorted, by number where all are numbers. What is learned from the file (categories, means, deviations) comes from the training "
        "file, validation samples included. Refused: records of different length, quotes that are not closed, columns with numbers and "
        "texts, numbers that float32 cannot hold, categories of the test file that the training file has not.");
    d.source("Shafranovich, RFC 4180 (2005)");
    d.required("path", path, "file of the training split");
    d.optional("test", test, "file of the test split, with the same columns; absent: there is no such split");
    d.optional("target", target, "columns of the target: one of categories, or any number of numbers; none: there is no target");
    d.optional("inputs", inputs, "columns of the input, in this order; none: all others, in the file's");
    d.optional("ignore", ignore, "columns that are left out of the input");
    d.optional("categories", categories, "columns of categories, although they hold numbers");
    d.optional("encoding", encoding, "one_hot | number", "what categories of the input become: a 0 or 1 for each, or their number from 0");
    d.optional("header", header, "whether the first record names the columns");
    d.optional("skip_lines", skip_lines, "[0, 1000000]", "lines before the header, or the first record, that are passed over");
    d.optional("separator", separator, "what stands between cells, one character: \",\", \";\" or \"\\t\"");
    d.optional("missing", missing, "refuse | mean | zero",
               "what a missing number of an input becomes; in a column of categories it is one of its own, unless refused");
    d.optional("missing_values", missing_values, "texts that mean that a value is missing");
    d.optional("standardize", standardize,
               "whether each column of numbers of the input gets mean 0 and deviation 1 over the training file");
    d.optional("shape", shape, "[1, 16777216]", "shape of the input of a sample, such as [channels, length]; none: [features]");
    d.result("input", "[features], or `shape`, float32");
    d.result("target", "class number of each sample, int32; or float32, [] of one column, [columns] of several");
    d.example(R"({"path": "iris.csv", "target": ["species"], "standardize": true})");
  }

  std::vector<Split> open(Source& s) {
    if (separator.size() != 1 || separator == "\"" || separator == "\n" || separator == "\r")
      s.fail("\"separator\" = \"", separator, "\"; wanted one character that is no quote and no line end");
    const Table train(path.text, separator[0], skip_lines);
    names(train);
    const std::vector<size_t> wanted = columns(s, "target", target), forced = columns(s, "categories", categories);
    std::vector<size_t> used = columns(s, "inputs", inputs);
    if (used.empty()) {
      const std::vector<size_t> left_out = columns(s, "ignore", ignore);
      for (size_t c = 0; c < train.width; ++c)
        if (std::ranges::find(wanted, c) == wanted.end() && std::ranges::find(left_out, c) == left_out.end()) used.push_back(c);
      if (used.empty()) s.fail(path.text, ": no column is left for the input; the file has ", train.width, ". Is \"separator\" right?");
    } else if (!ignore.empty()) {
      s.fail("\"inputs\" names the columns of the input, so \"ignore\" has nothing to leave out");
    }
    std::vector<Feature> x, y;
    const auto is_forced = [&](size_t c) { return std::ranges::find(forced, c) != forced.end(); };
    for (size_t c : used) x.push_back(learned(train, c, is_forced(c), false));
    for (size_t c : wanted) y.push_back(learned(train, c, is_forced(c), true));
    for (auto& f : y)
      if (f.category && y.size() > 1) s.fail("the column \"", f.name, "\" of \"target\" holds categories; then it must be the only one");
    std::vector<Split> splits = {split(s, "train", train, x, y)};
    if (test) {
      const Table table(test->text, separator[0], skip_lines);
      if (table.width != train.width) s.fail(test->text, " has ", table.width, " columns, ", path.text, " has ", train.width);
      for (size_t c = 0; header && c < table.width; ++c)
        if (trimmed(table.at(0, c)) != names_[c])
          s.fail(test->text, " calls column ", c, " \"", std::string(trimmed(table.at(0, c))), "\", ", path.text, " calls it \"", names_[c],
                 "\"; wanted the same columns in the same order");
      splits.push_back(split(s, "test", table, x, y));
    }
    return splits;
  }

 private:
  std::vector<std::string> names_;

  void names(const Table& table) {
    for (size_t c = 0; c < table.width; ++c) names_.push_back(header ? std::string(trimmed(table.at(0, c))) : std::to_string(c));
    if (header && table.records() < 2) throw Error(table.path + " holds no records behind its header");
  }
  std::vector<size_t> columns(Source& s, const char* setting, const std::vector<std::string>& called) const {
    std::vector<size_t> found;
    for (auto& name : called) {
      size_t at = size_t(std::ranges::find(names_, name) - names_.begin());
      int64_t number = 0;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
      if (at == names_.size() && error == std::errc() && end == name.data() + name.size() && number <= int64_t(most_columns) &&
          number >= -int64_t(most_columns))
        at = size_t(number < 0 ? number + int64_t(names_.size()) : number);
      if (at >= names_.size())
        s.fail("\"", setting, "\" names the column \"", name, "\", which ", path.text, " has not; it has ", names_.size(), ", ",
               names_.front(), " … ", names_.back(), did_you_mean(name, names_));
      if (std::ranges::find(found, at) != found.end()) s.fail("\"", setting, "\" names the column \"", name, "\" twice");
      found.push_back(at);
    }
    return found;
  }
  bool is_missing(std::string_view cell) const { return std::ranges::find(missing_values, trimmed(cell)) != missing_values.end(); }
  /// The category's name: a missing value is one, whatever text stands for it.
  std::string_view category_of(std::string_view cell) const { return is_missing(cell) ? missing_values[0] : cell; }
  size_t first_record() const { return header ? 1 : 0; }

  /// What the training records say of a column.
  Feature learned(const Table& t, size_t column, bool forced, bool is_target) const {
    Feature f{column, names_[column], forced, is_target, {}};
    std::map<std::string, double, std::less<>> seen;  // categories, each with the number that it is, if it is one
    double sum = 0, squares = 0, count = 0, least = INFINITY, most = -INFINITY;
    size_t first_text = 0, texts = 0;
    for (size_t r = first_record(); r < t.records(); ++r) {
      const std::string_view cell = trimmed(t.at(r, column));
      const auto v = number_in(cell);
      if (is_missing(cell)) {
        refuse_missing(t, r, f);
      } else if (v) {
        sum += *v, count += 1, least = std::min(least, *v), most = std::max(most, *v);
      } else if (!texts++) {
        first_text = r;
      }
      if (const auto category = category_of(cell); (forced || !count) && !seen.contains(category))
        seen.emplace(category, v.value_or(INFINITY));
      if (seen.size() > most_categories) t.fail(r, describe("the column \"", f.name, "\" has more than ", most_categories, " categories"));
    }
    f.category |= texts && !count;
    if (f.category) {
      std::vector<std::pair<std::string, double>> order(seen.begin(), seen.end());
      if (!texts) std::ranges::stable_sort(order, {}, [](auto& e) { return e.second; });
      for (auto& [name, number] : order) f.numbers.emplace(name, f.numbers.size());
      return f;
    }
    if (texts) refuse_text(t, first_text, f);
    if (!count) throw Error(describe(t.path, ": the column \"", f.name, "\" has no value in any record"));
    const double mean = least == most ? least : sum / count;  // of equal numbers, the sum is rounded and the deviation is not 0
    f.fill = missing == "mean" ? mean : 0;
    if (!standardize || is_target) return f;
    for (size_t r = first_record(); r < t.records(); ++r)
      if (!is_missing(t.at(r, column))) squares += std::pow(value(t, r, f) - mean, 2);
    f.offset = mean, f.scale = squares > 0 ? 1 / std::sqrt(squares / count) : 1;
    return f;
  }
  void refuse_missing(const Table& t, size_t record, const Feature& f) const {
    if (f.is_target) t.fail(record, describe("the column \"", f.name, "\" of the target has no value"));
    if (missing == "refuse") t.fail(record, describe("the column \"", f.name, "\" has no value; \"missing\" can fill it"));
  }
  [[noreturn]] void refuse_text(const Table& t, size_t record, const Feature& f) const {
    t.fail(record, describe("the column \"", f.name, "\" has \"", std::string(trimmed(t.at(record, f.column))),
                            "\" where others are numbers. Does it mean that the value is missing (\"missing_values\"), or are all of its "
                            "values categories (\"categories\")?"));
  }
  /// The number of a cell, or of its category.
  double value(const Table& t, size_t record, const Feature& f) const {
    const std::string_view cell = trimmed(t.at(record, f.column));
    if (f.category) {
      if (const auto found = f.numbers.find(category_of(cell)); found != f.numbers.end()) return double(found->second);
      t.fail(record, describe("the column \"", f.name, "\" has the category \"", std::string(cell), "\", which the training file has not"));
    }
    if (is_missing(cell)) return refuse_missing(t, record, f), f.fill;
    if (const auto v = number_in(cell)) return *v;
    refuse_text(t, record, f);
  }
  Split split(Source& s, const char* name, const Table& t, const std::vector<Feature>& x, const std::vector<Feature>& y) const {
    const size_t samples = t.records() - std::min(first_record(), t.records());
    int64_t features = 0;
    for (auto& f : x) features += f.category && encoding == "one_hot" ? int64_t(f.numbers.size()) : 1;
    const Shape sample = shape.empty() ? Shape{features} : shape;
    if (element_count(sample) != features)
      s.fail("\"shape\" = ", shape, " has ", element_count(sample), " elements; the input has ", features, " features of ", x.size(),
             " columns");
    if (!samples) s.fail(t.path, " holds no records behind its header");
    uint64_t bytes = sample_bytes(DType::float32, sample);
    if (__builtin_mul_overflow(bytes, samples, &bytes) || bytes > most_bytes)
      s.fail(t.path, " becomes ", samples, " samples of ", sample, ", more than ", most_bytes, " bytes");
    Split made{name, int64_t(samples), {{"input", DType::float32, sample, std::vector<uint8_t>(bytes)}}};
    auto* to = reinterpret_cast<float*>(made.columns[0].data.data());
    for (size_t r = first_record(); r < t.records(); ++r)
      for (auto& f : x) {
        const double v = value(t, r, f);
        const bool spread = f.category && encoding == "one_hot";
        if (spread)
          to[size_t(v)] = 1, to += f.numbers.size();
        else
          *to++ = float((v - f.offset) * f.scale);
      }
    if (y.empty()) return made;
    Column target{"target", y[0].category ? DType::int32 : DType::float32, y.size() > 1 ? Shape{int64_t(y.size())} : Shape()};
    if (y[0].category) target.class_count = uint32_t(y[0].numbers.size()), target.classes.resize(y[0].numbers.size());
    for (auto& [name, number] : y[0].numbers) target.classes[number] = name;
    target.data.resize(samples * y.size() * 4);
    uint8_t* out = target.data.data();
    for (size_t r = first_record(); r < t.records(); ++r)
      for (auto& f : y) {
        const double v = value(t, r, f);
        const auto label = int32_t(f.category ? v : 0);
        const auto number = float(v);
        std::memcpy(out, f.category ? static_cast<const void*>(&label) : &number, 4), out += 4;
      }
    made.columns.push_back(std::move(target));
    return made;
  }
};
LAMINA_DATASET(Csv, "csv", "tables of numbers and categories in text files")
