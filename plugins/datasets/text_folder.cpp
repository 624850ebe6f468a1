#include <map>

#include <lamina/file.hpp>
using namespace lamina;

struct TextFolder {
  Path path;
  std::optional<Path> test;
  std::string separator, tokens = "words";
  int64_t length = 0, vocabulary = 10000;
  bool lower_case = true;
  std::vector<std::string> classes;

  void declare(Declaration& d) {
    d.details(
        "Each class is a sub-folder with a text per file, or one file; files end in .txt or have no ending, others and hidden ones "
        "are passed over. With `separator`, a line that is equal to it stands between texts of one file, as % does in fortune files. "
        "A word is a run of letters, digits and bytes above 127, with apostrophes inside; what is between words is dropped. "
        "Characters are those of UTF-8. Tokens become numbers: 0 is padding, 1 a token that is not in the vocabulary, and from 2 the "
        "most frequent ones of the training split, validation samples included, equals in the order of their bytes. Texts are cut at "
        "`length`, or padded in the end; those without a token are passed over.");
    d.required("path", path, "folder of the training split");
    d.optional("test", test, "folder of the test split; absent: there is no such split");
    d.optional("classes", classes, "sub-folders or files that are the classes, in the order of their numbers; none: all, by name");
    d.optional("separator", separator, "a line between texts of one file; \"\": a file is one text");
    d.optional("tokens", tokens, "words | characters", "what a text is cut into");
    d.optional("lower_case", lower_case, "whether A to Z count as a to z");
    d.required("length", length, "[1, 1048576]", "tokens of a sample");
    d.optional("vocabulary", vocabulary, "[3, 16777216]", "how many numbers there are at most, 0 and 1 included");
    d.result("input", "[length], int32");
    d.result("target", "class number of each text");
    d.example(R"({"path": "texts", "separator": "%", "length": 32, "vocabulary": 5000})");
  }
  std::vector<Split> open(Source& s) {
    if (classes.empty())
      for (auto& entry : entries_of(path.text))
        if (entry.folder || is_text(entry.name)) classes.push_back(entry.name);
    if (classes.empty()) s.fail(path.text, " has no sub-folders and no texts; wanted one per class");
    if (classes.size() > 65536) s.fail(path.text, " has ", classes.size(), " entries; wanted at most 65536 classes");
    std::vector<Texts> read = {texts(s, path.text, true)};
    if (test) read.push_back(texts(s, test->text, false));
    learn(read[0]);
    std::vector<Split> splits;
    for (const Texts& t : read) splits.push_back(split(s, splits.empty() ? "train" : "test", t));
    return splits;
  }

 private:
  using Texts = std::vector<std::pair<std::string, int32_t>>;  // and the class of each
  std::map<std::string, int32_t, std::less<>> numbers_;

  static constexpr uint64_t most_bytes = uint64_t(1) << 31;

  static bool is_text(const std::string& name) { return ending_of(name).empty() || ending_of(name) == "txt"; }
  Texts texts(Source& s, const std::string& folder, bool training) const {
    Texts all;
    uint64_t bytes = 0;
    const auto add = [&](const std::string& file, int32_t number) {
      const std::string text = contents_of(file, most_bytes - bytes);
      bytes += text.size();
      std::string one;
      for (size_t at = 0, end; at < text.size(); at = end + 1) {
        end = std::min(text.find('\n', at), text.size());
        std::string_view line(text.data() + at, end - at);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!separator.empty() && line == separator)
          all.emplace_back(std::exchange(one, {}), number);
        else
          one.append(line) += '\n';
      }
      all.emplace_back(std::move(one), number);
    };
    if (!training)
      for (auto& entry : entries_of(folder))
        if (entry.folder && std::ranges::find(classes, entry.name) == classes.end())
          s.fail(folder, " has the sub-folder ", entry.name, ", which is no class of the training split",
                 did_you_mean(entry.name, classes));
    for (size_t c = 0; c < classes.size(); ++c) {
      const std::string place = folder + "/" + classes[c];
      const size_t before = all.size();
      if (!is_folder(place)) {
        if (training || is_there(place)) add(place, int32_t(c));
      } else {
        for (auto& entry : entries_of(place))
          if (!entry.folder && is_text(entry.name)) add(place + "/" + entry.name, int32_t(c));
      }
      all.erase(std::remove_if(all.begin() + ptrdiff_t(before), all.end(), [&](auto& t) { return next(t.first).empty(); }), all.end());
      if (training && all.size() == before) s.fail(place, " holds no texts");
    }
    if (all.empty()) s.fail(folder, " holds no texts of the classes");
    return all;
  }

  /// The next token of a text, which is moved behind it; "" at the end.
  std::string next(std::string_view& text) const {
    const auto continues = [](char c) { return (uint8_t(c) & 0xC0) == 0x80; };
    const auto letter = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || uint8_t(c) > 127;
    };
    size_t from = 0, to;
    if (tokens == "characters") {
      for (to = text.empty() ? 0 : 1; to && to < text.size() && to < 4 && uint8_t(text[0]) > 127 && continues(text[to]);) ++to;
    } else {
      while (from < text.size() && !letter(text[from])) ++from;
      for (to = from; to < text.size() && (letter(text[to]) || (text[to] == '\'' && to + 1 < text.size() && letter(text[to + 1])));) ++to;
    }
    std::string token(text.substr(from, to - from));
    text.remove_prefix(to);
    if (lower_case)
      for (char& c : token) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    return token;
  }
  std::string next(const std::string& text) const {
    std::string_view rest = text;
    return next(rest);
  }
  void learn(const Texts& texts) {
    std::map<std::string, int64_t, std::less<>> counts;
    for (auto& [text, number] : texts) {
      std::string_view rest = text;
      for (std::string token = next(rest); !token.empty(); token = next(rest)) ++counts[token];
    }
    std::vector<std::pair<std::string, int64_t>> order(counts.begin(), counts.end());
    std::ranges::stable_sort(order, std::greater(), [](auto& e) { return e.second; });
    if (int64_t(order.size()) > vocabulary - 2) order.resize(size_t(vocabulary - 2));
    for (auto& [token, count] : order) numbers_.emplace(token, int32_t(numbers_.size()) + 2);
  }
  Split split(Source& s, const char* name, const Texts& texts) const {
    uint64_t numbers = uint64_t(length) * 4;
    if (__builtin_mul_overflow(numbers, texts.size(), &numbers) || numbers > uint64_t(1) << 33)
      s.fail("the ", name, " split has ", texts.size(), " texts; with \"length\" = ", length, " they need more than 8 GiB");
    std::vector<int32_t> x(size_t(length) * texts.size()), y;
    for (size_t i = 0; i < texts.size(); ++i) {
      std::string_view rest = texts[i].first;
      int32_t* to = &x[i * size_t(length)];
      std::string token = next(rest);
      for (int64_t k = 0; k < length && !token.empty(); ++k, token = next(rest)) {
        const auto known = numbers_.find(token);
        to[k] = known == numbers_.end() ? 1 : known->second;
      }
      y.push_back(texts[i].second);
    }
    const auto bytes = [](const std::vector<int32_t>& v) {
      const auto* begin = reinterpret_cast<const uint8_t*>(v.data());
      return std::vector<uint8_t>(begin, begin + v.size() * 4);
    };
    return {name,
            int64_t(texts.size()),
            {{"input", DType::int32, {length}, bytes(x)}, {"target", DType::int32, {}, bytes(y), uint32_t(classes.size()), classes}}};
  }
};
LAMINA_DATASET(TextFolder, "text_folder", "texts in a folder or file per class, as numbers of words or characters")
