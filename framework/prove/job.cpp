#include "prove/job.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/text.hpp"
#include "config/faults.hpp"
#include "plugin/elf.hpp"
#include "plugin/image.hpp"
#include "plugin/library.hpp"
#include "plugin/load.hpp"
#include "plugin/registry.hpp"
#include "prove/prove.hpp"

namespace lamina::prove {
namespace {

constexpr const char *contract = "contract", *contract_claim = "it loads, describes itself, and exports its entry alone";
constexpr char breadcrumb = '\x1e';  // begins the lines by which a child tells what it begins

/// What other folders offer, and one plugin more, which hides those of its kind and name.
class WithOne : public Catalogue {
 public:
  WithOne(Catalogue& others, const Descriptor& one) : others_(others), one_(one) {}
  std::vector<std::string> names(const std::string& kind) override {
    std::vector<std::string> all = others_.names(kind);
    if (kind == one_.kind && std::ranges::find(all, one_.name) == all.end()) all.push_back(one_.name), std::ranges::sort(all);
    return all;
  }
  const Descriptor& find(const std::string& kind, const std::string& name) override {
    return kind == one_.kind && name == one_.name ? one_ : others_.find(kind, name);
  }

 private:
  Catalogue& others_;
  const Descriptor& one_;
};

void check_contract(const std::filesystem::path& file, const Descriptor& d, Findings& found) {
  const std::vector<std::string> symbols = exported_symbols(LibraryImage(file).bytes());
  std::vector<std::string> others;
  for (auto& symbol : symbols)
    if (symbol != plugin_entry) others.push_back(in_quotes(symbol));
  if (!others.empty()) {
    const size_t count = others.size();
    others.resize(std::min<size_t>(count, 3));
    found.fault("it exports ", counted(int64_t(count), "symbol"), " besides ", plugin_entry, ": ", joined(others), count > 3 ? ", …" : "",
                "; two plugins that export the same may mix them up. Link it with lamina_add_plugin, or with a version script");
  }
  if (std::ranges::find(Registry::kinds(), d.kind) == Registry::kinds().end())
    found.fault("it is of the kind ", in_quotes(d.kind), ", which this program does not know; known: ", joined(Registry::kinds()));
  found.note(counted(int64_t(d.parameters.size()), "parameter"), ", ", counted(int64_t(d.inputs.size()), "input"), ", ",
             counted(int64_t(d.results.size()), "result"), ", interface 1.", int(d.minor));
}

Json to_json(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (auto& t : texts) list.push_back(t);
  return list;
}
std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> texts;
  for (auto& t : list.items()) texts.push_back(t.text());
  return texts;
}

/// One check in a child; what came of it when it crashed is a fault.
Row in_child(const Request& request, const char* name, const char* claim, Json* plugin = nullptr) {
  Row row{name, claim, {}, {}, 0, {}, 0, false};
  ChildRequest child;
  child.job = job_name, child.seconds = request.seconds, child.memory = request.memory;
  child.words = {name, request.file.string()};
  for (auto& folder : request.folders) child.words.push_back(folder.string());
  const auto start = std::chrono::steady_clock::now();
  const ChildResult result = run_child(child);
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (result.refusal) {
    row.faults = {*result.refusal}, row.fault_count = 1;
  } else if (!result.answer) {
    const size_t line = result.output.rfind(breadcrumb), end = std::min(result.output.find('\n', line), result.output.size());
    const std::string where = line == std::string::npos ? "" : ", at: " + result.output.substr(line + 1, end - line - 1);
    row.timed_out = result.timed_out;
    row.faults = {"the child process that made this check " + result.ending + where}, row.fault_count = 1;
  } else {
    Faults faults;
    const Json answer = parse_json(*result.answer, {"the answer of a child process"}, faults);
    if (faults.any()) throw std::runtime_error(faults.sorted()[0].text());
    row.summary = answer.find("summary")->text(), row.fault_count = size_t(answer.find("count")->integer());
    row.faults = texts_of(*answer.find("faults")), row.left_out = texts_of(*answer.find("left_out"));
    if (plugin) *plugin = *answer.find("plugin");
  }
  return row;
}

}  // namespace

bool Proof::passed() const {
  return !kind.empty() && std::ranges::all_of(rows, [](auto& row) { return row.passed(); });
}

std::string job(const std::vector<std::string>& words) {
  const std::filesystem::path file = words.at(1);
  const Descriptor plugin = load_plugin(file, "", "");
  Registry registry({words.begin() + 2, words.end()});
  WithOne catalogue(registry, plugin);
  Findings found([](const std::string& what) {
    std::fprintf(stderr, "%c%s\n", breadcrumb, escaped(what).c_str());
    std::fflush(stderr);
  });
  if (words[0] == contract)
    check_contract(file, plugin, found);
  else
    for (auto& check : checks())
      if (words[0] == check.name) run_check(check, {plugin, catalogue}, found);
  Json answer = Json::object(), described = Json::object();
  answer.set("summary", found.summary);
  answer.set("count", int64_t(found.count));
  answer.set("faults", to_json(found.faults));
  answer.set("left_out", to_json(found.left_out));
  described.set("kind", plugin.kind), described.set("name", plugin.name);
  described.set("version", plugin.version), described.set("doc", plugin.doc);
  answer.set("plugin", std::move(described));
  return to_text(answer, false);
}

Proof prove_library(const Request& request, const std::function<void(const Row&)>& told) {
  Proof proof;
  proof.file = request.file.string();
  Json plugin;
  proof.rows.push_back(in_child(request, contract, contract_claim, &plugin));
  told(proof.rows.back());
  if (!plugin.is_object()) return proof;
  proof.kind = plugin.find("kind")->text(), proof.name = plugin.find("name")->text();
  proof.version = plugin.find("version")->text(), proof.doc = plugin.find("doc")->text();
  for (auto& check : checks()) {
    if (std::ranges::find(check.kinds, proof.kind) == check.kinds.end()) continue;
    if (!request.only.empty() && std::ranges::find(request.only, check.name) == request.only.end()) continue;
    proof.rows.push_back(in_child(request, check.name, check.claim));
    Row& row = proof.rows.back();
    if (row.timed_out) row.left_out.push_back("all checks behind it: what hangs in one is likely to hang in the others");
    told(row);
    if (row.timed_out) break;
  }
  return proof;
}

}  // namespace lamina::prove
