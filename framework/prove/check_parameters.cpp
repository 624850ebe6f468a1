// Parameters: what is declared of them is true, and every value gets the answer that the declaration promises.
#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "config/domain.hpp"
#include "config/json.hpp"
#include "config/settings.hpp"
#include "plugin/describe.hpp"
#include "prove/check_recorded.hpp"
#include "prove/plugin_cases.hpp"

namespace lamina::prove {
namespace {

uint32_t element_type(const Parameter& p) { return p.type & ~uint32_t(LAMINA_LIST); }
bool is_number(const Parameter& p) { return element_type(p) == LAMINA_INTEGER || element_type(p) == LAMINA_REAL; }

Json number(const Parameter& p, double v) { return element_type(p) == LAMINA_INTEGER ? Json(int64_t(v)) : Json(v); }

/// Numbers at or just inside the ends of the interval; far ones where it has no end.
std::vector<double> ends_of(const Parameter& p, const DomainText& domain) {
  const auto interval = domain.interval();
  const bool whole = element_type(p) == LAMINA_INTEGER;
  double low = interval ? interval->low : -INFINITY, high = interval ? interval->high : INFINITY;
  const double width = std::isinf(low) || std::isinf(high) ? 1 : high - low;
  if (interval && std::isfinite(low) && !interval->low_included) low = whole ? std::floor(low) + 1 : low + 1e-3 * width;
  if (interval && std::isfinite(high) && !interval->high_included) high = whole ? std::ceil(high) - 1 : high - 1e-3 * width;
  const bool endless = std::isinf(low);
  if (endless) low = std::min(whole ? -7 : -1.5, std::isinf(high) ? 0.0 : high - 1);
  if (std::isinf(high)) high = std::max(whole ? 97 : 1e3, endless ? 0.0 : low + 1);
  return {low, high};
}

/// Values that the declaration says are wrong.
std::vector<Json> wrong_values(const Parameter& p, const DomainText& domain) {
  std::vector<Json> wrong = {Json::object()};
  if (element_type(p) != LAMINA_TEXT && element_type(p) != LAMINA_DTYPE) wrong.push_back("no_such_word");
  if (is_number(p)) wrong.push_back(true);
  if (element_type(p) == LAMINA_INTEGER) wrong.push_back(0.5);
  if (element_type(p) == LAMINA_TEXT) wrong.push_back(3);
  if (!domain.words().empty()) wrong.push_back("no_such_word");
  if (const auto i = domain.interval()) {
    constexpr double countable = 0x1p53;  // beyond it, one more is the same number
    const auto near = [&](double end, double outward, bool included) {
      if (std::abs(end) >= countable) return;
      wrong.push_back(number(p, end + outward));
      if (!included) wrong.push_back(number(p, end));
    };
    near(i->low, -1, i->low_included), near(i->high, 1, i->high_included);
  }
  return wrong;
}

/// What is wrong with the declaration itself.
void check_declaration(const Parameter& p, Findings& found) {
  const std::string here = "parameter " + in_quotes(p.name);
  found.expect(p.doc != p.name, here, " is documented as \"", p.doc, "\"; wanted what it means");
  for (auto& field : p.fields) check_declaration(field, found);
  const DomainText domain(p.domain);  // an unreadable one throws its sentence
  found.expect(domain.words().empty() || element_type(p) == LAMINA_TEXT, here,
               " is no text, but its domain is a choice of words: ", p.domain);
  if (const auto i = domain.interval()) {
    found.expect(is_number(p), here, " is no number, but its domain is an interval: ", p.domain);
    const auto ends = ends_of(p, domain);
    found.expect(i->low <= i->high && ends[0] <= ends[1], here, " has an empty domain: ", p.domain);
  }
  if (!p.initial || !p.initial->count()) return;
  found.expect(!(p.flags & LAMINA_REQUIRED), here, " is required and has a default");
}

/// Says wrong values to the host, which must refuse them by name; how many.
size_t refuse_wrong_values(const Parameter& p, Findings& found) {
  size_t refused = 0;
  const auto refuse = [&](const Parameter& named, const Json& value) {
    Json object = Json::object();
    object.set(p.name, value);
    Faults faults;
    read_settings(std::span(&p, 1), object, "/here", "/", faults);
    const std::string what = to_text(object, false);
    if (!found.expect(faults.any(), what, " is not refused")) return;
    const auto names_it = [&](const Fault& f) {
      return f.sentence.find(in_quotes(named.name)) != f.sentence.npos && f.sentence.find("wanted") != f.sentence.npos;
    };
    const auto all = faults.sorted();
    found.expect(std::ranges::any_of(all, names_it), what, " is refused with \"", all[0].sentence,
                 "\"; wanted the parameter's name and what is wanted");
    ++refused;
  };
  if (!p.fields.empty()) {
    refuse(p, 3);
    for (auto& field : p.fields)
      for (auto& value : wrong_values(field, DomainText(field.domain))) {
        Json record = Json::object(), keys = Json::object();
        record.set(field.name, value), keys.set("key", std::move(record));
        refuse(field, keys);
      }
    return refused;
  }
  for (auto& value : wrong_values(p, DomainText(p.domain))) {
    refuse(p, value);
    if (p.type & LAMINA_LIST) refuse(p, Json(std::vector<Json>{value}));
  }
  return refused;
}

/// Legal values of one parameter, as they are written.
std::vector<Json> legal_values(const Parameter& p) {
  const DomainText domain(p.domain);
  std::vector<Json> values;
  if (!p.fields.empty()) return values;
  if (is_number(p))
    for (double v : ends_of(p, domain)) values.push_back(number(p, v));
  else if (element_type(p) == LAMINA_BOOLEAN)
    values = {Json(true), Json(false)};
  for (auto& word : words_of(p)) values.push_back(word);
  if ((p.type & LAMINA_LIST) && !(p.flags & (LAMINA_PER_AXIS | LAMINA_PADDING)))
    for (Json& v : values) v = Json(std::vector<Json>{v});
  return values;
}

const std::string refusal = "refused: ";

/// Records the plugin with these settings at its example; what it does is its recording, or its refusal.
std::string answer(const Subject& s, const std::vector<Attribute>& settings, const std::vector<Operand>& inputs, Findings& found) {
  const Descriptor& d = s.plugin;
  std::string text;
  try {
    if (d.kind == "optimizer") {
      graph::Graph graph(DType::float64);
      lamina_scope handle;
      handle.graph = &graph, handle.path = handle.state_path = "w";
      Scope scope(&graph::host_table(), &handle);
      const Tensor w = scope.parameter("w", {3, 2}, 0.0);
      record_update(d, settings, scope, "w/w", w, w * 0.5);
      return text_of(graph);
    }
    for (Mode mode : {Mode::evaluation, Mode::training})
      if (d.kind != "metric" || mode == Mode::evaluation) text += plugin_case(d, settings, inputs, mode).recording;
  } catch (const Error& e) {
    found.expect(e.text.size() > 20, "refused without a sentence that says why: \"", e.text, "\"");
    return refusal + e.text;
  }
  return text;
}

}  // namespace

void check_parameters(const Subject& s, Findings& found) {
  const Descriptor& d = s.plugin;
  for (auto& p : d.parameters) check_declaration(p, found);
  if (!found.passed()) return;
  size_t refused = 0, tried = 0;
  for (auto& p : d.parameters) refused += refuse_wrong_values(p, found);
  found.note(counted(int64_t(d.parameters.size()), "parameter"), ", ", counted(int64_t(refused), "wrong value"), " refused");

  static const std::vector<std::string> recorded = {"layer", "loss", "transform", "metric", "optimizer"};
  if (std::ranges::find(recorded, d.kind) == recorded.end()) return;
  const std::vector<Attribute> settings = example_settings(d, found);
  std::vector<Operand> inputs;
  for (auto& shape : example_shapes(d, found)) inputs.push_back(real(shape));
  if (!found.passed()) return;
  const std::string usual = answer(s, settings, inputs, found);
  size_t objections = 0;
  for (auto& p : d.parameters) {
    size_t seen = 0, same = 0;
    for (auto& value : legal_values(p)) {
      Json object = Json::object();
      object.set(p.name, value);
      found.at(to_text(object, false));
      Faults faults;
      const auto one = read_settings(std::span(&p, 1), object, "", "/", faults);
      if (!found.expect(!faults.any() && one.size() == 1, to_text(object, false), ", within the domain ", p.domain,
                        ", is refused: ", faults.any() ? faults.sorted()[0].sentence : ""))
        continue;
      std::vector<Attribute> changed = settings;
      std::erase_if(changed, [&](auto& a) { return a.name == p.name; });
      changed.push_back(one[0]);
      const std::string text = answer(s, changed, inputs, found);
      ++tried, ++seen, same += text == usual, objections += text.starts_with(refusal);
    }
    // A number of the step table stands in the recording by its name alone.
    const bool idle = seen > 1 && same == seen && !(p.flags & LAMINA_PER_STEP);
    found.expect(!idle, "parameter ", in_quotes(p.name), " changes nothing that is recorded, whatever its value: is it read?");
  }
  found.note(counted(int64_t(tried), "legal value"), " tried at the ends of the domains");
  if (objections) found.note(objections, " of them refused with a sentence");
}

}  // namespace lamina::prove
