// docs/plugins is what the plugins declare, and what they declare is worth reading.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "base/files.hpp"
#include "cli/reference_page.hpp"
#include "config/example.hpp"
#include "plugin/registry.hpp"

using namespace lamina;
namespace fs = std::filesystem;

namespace {

const std::vector<const Descriptor*>& shipped() {
  static Registry registry({LAMINA_PLUGINS});
  static const std::vector<const Descriptor*> all = [] {
    std::vector<const Descriptor*> found;
    for (auto& file : registry.list()) found.push_back(&registry.find(file.kind, file.name));
    return found;
  }();
  return all;
}

std::set<std::string> words_of(const std::string& text) {
  std::set<std::string> words;
  std::string word;
  for (char c : text + " ") {
    const char lower = char(std::tolower(static_cast<unsigned char>(c)));
    if ((lower >= 'a' && lower <= 'z') || (lower & 0x80) || std::isdigit(static_cast<unsigned char>(lower)))
      word += lower;
    else if (!word.empty())
      words.insert(word), word.clear();
  }
  return words;
}

/// Whether a doc says no more than the name does.
bool says_nothing(const std::string& name, const std::string& doc) {
  const std::set<std::string> known = words_of(name), little = {"a", "an", "the", "of", "value", "this", "parameter"};
  return std::ranges::all_of(words_of(doc), [&](const std::string& word) { return known.contains(word) || little.contains(word); });
}

}  // namespace

TEST_CASE("docs/plugins is as the plugins tell it") {
  const fs::path folder = fs::path(LAMINA_SOURCE) / "docs/plugins";
  std::map<std::string, std::string> wanted = {{"README.md", cli::index_markdown(shipped())}};
  for (const Descriptor* d : shipped()) wanted[cli::document_path(*d)] = cli::page_markdown(*d);
  CHECK(wanted.size() > 30);
  const std::string remedy = "; write the pages anew: build/bin/lamina plugins document docs/plugins";
  for (const auto& [name, text] : wanted)
    CHECK_MESSAGE((fs::exists(folder / name) && read_file(folder / name, 1 << 20) == text), "docs/plugins/", name,
                  " is not what its plugin declares", remedy);
  for (auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      CHECK_MESSAGE(wanted.contains(fs::relative(entry.path(), folder).string()), entry.path(), " belongs to no plugin; remove it");
}

TEST_CASE("no parameter of a plugin is undocumented") {
  CHECK(says_nothing("weight_decay", "the weight decay"));
  CHECK(!says_nothing("weight_decay", "pulls every weight towards 0"));
  int parameters = 0, undocumented = 0;
  for (const Descriptor* d : shipped())
    for (const Parameter& p : cli::all_parameters(*d)) {
      const bool bare = says_nothing(p.name, p.doc);
      ++parameters, undocumented += bare;
      CHECK_MESSAGE(!bare, d->kind, " ", d->name, ": ", p.name, " is documented as \"", p.doc, "\"");
    }
  CHECK(undocumented == 0);
  CHECK(parameters > 50);
}

TEST_CASE("every plugin says what it does, and its example is one that an experiment takes") {
  for (const Descriptor* d : shipped()) {
    INFO(d->kind, " ", d->name);
    CHECK(!(d->formula.empty() && d->details.empty()));
    CHECK(!d->example.empty());
    CHECK(!example_of(*d).is_null());
  }
}

TEST_CASE("pages: what a plugin says is shown as it stands, whatever Markdown makes of it") {
  Descriptor d;
  d.kind = "layer", d.name = "odd", d.doc = "a <b> | *c* of `size`";
  d.formula = "y = x\nz = |x|", d.source = "Somebody 1999";
  d.inputs = {{"x", "[batch, …]", 0}, {"more", "[batch]", LAMINA_MANY}}, d.results = {{"y", "as x", 0}};
  Attribute initial("size", int64_t(3));
  d.parameters = {{"size", LAMINA_INTEGER, 0, "[1, 9]", "edge of | the window", "pixels", initial}};
  d.example = R"({"size": 5})", d.example_shape = "[[2, 3], [2], [2]]";
  const std::string page = cli::page_markdown(d);
  const auto has = [&](const std::string& part) { CHECK_MESSAGE(page.find(part) != page.npos, page); };
  has("# odd\n\nlayer: a \\<b> \\| \\*c\\* of `size`\n");
  has("```\ny = x\nz = |x|\n```\n");
  has("Source: Somebody 1999.\n");
  has("| `more` | [batch] (one or more) |\n");
  has("| `size` | integer in [1, 9] | `3` | pixels | edge of \\| the window |\n");
  has("\"layers\": [{\"type\": \"odd\", \"inputs\": [\"x\", \"more1\", \"more2\"], \"size\": 5}]\n");
  has("\nin the network, for x [2, 3], more [2], [2]\n");
  d.example = R"({"size": 50})";
  CHECK(cli::page_markdown(d).find("## Example") == std::string::npos);
  CHECK(example_text(d).empty());
}
