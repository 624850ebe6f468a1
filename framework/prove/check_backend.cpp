// Backends: every op that they take, held to the reference in float64.
#include <map>
#include <set>

#include "base/text.hpp"
#include "compare/self_test.hpp"
#include "program/devices.hpp"
#include "prove/check_recorded.hpp"

namespace lamina::prove {
namespace {

/// The ways in which the backend is tried; none, told in `found`, where it has no device here.
std::vector<Backend> tried(const Subject& s, Findings& found) {
  std::string why;
  const std::vector<Backend> ways = ways_of(s.catalogue, s.plugin.name, why);
  if (ways.empty()) found.leave_out("there is no device here: ", why);
  return ways;
}

struct Worst {
  double forward = 0, gradient = 0;
};

/// All points of one case; false where it refuses the case, with the sentence in `why`.
bool compare(const OpCase& c, Evaluation& truth, const Backend& b, Worst& worst, std::string& why, Findings& found) {
  std::unique_ptr<Evaluation> other;
  try {
    other = std::make_unique<Evaluation>(b, c, 1);
  } catch (const std::exception& e) {
    why = e.what();
    return false;
  }
  for (Range range : c.ranges) {
    const std::vector<Array> x = draw(c, range);
    const Values expected = truth.at(x), got = other->at(x);
    const auto hold = [&](const std::vector<Array>& y, const std::vector<Array>& reference, const char* what, double limit,
                          double& largest) {
      for (size_t i = 0; i < y.size(); ++i) {
        std::string where;
        const double off = distance(y[i], reference[i], where);
        if (off <= limit) largest = std::max(largest, off);
        found.expect(off <= limit, b.text(), ": ", c.name(), ", ", name_of(range), ": ", what, " ", i, " is off by ", off,
                     "; wanted at most ", limit, where.empty() ? "" : "; ", where);
      }
    };
    hold(got.y, expected.y, "result", c.op == "random_bits" ? 0 : 1e-5, worst.forward);
    hold(got.g, expected.g, "gradient", 5e-5, worst.gradient);
    const Values again = other->at(x);
    found.expect(same_bits(again.y, got.y) && same_bits(again.g, got.g), b.text(), ": ", c.name(), ": other bits when it runs again");
  }
  return true;
}

}  // namespace

void check_devices(const Subject& s, Findings& found) {
  const auto devices = program::devices_of(s.plugin);
  found.expect(!devices.empty(), "it lists no device; one that cannot be used is listed too, with the reason");
  for (auto& d : devices) {
    found.expect(!d.name.empty(), "a device has no name");
    if (!d.available) found.expect(d.why.size() > 10, "the device \"", d.name, "\" cannot be used, and does not say why");
    found.note(d.name, d.available ? "" : " (not available: " + d.why + ")");
  }
}

void check_ops(const Subject& s, Findings& found) {
  const std::vector<Backend> ways = tried(s, found);
  std::map<std::string, std::string> refused;  // op → why its first case was refused
  std::set<std::string> ops, run;
  std::map<std::string, Worst> worst;
  size_t cases = 0;
  for (auto& c : op_cases()) {
    if (ways.empty()) return;
    ops.insert(c.op);
    Evaluation truth(s.truth(), c, 1);
    for (auto& b : ways) {
      found.at(b.text() + ": " + c.name());
      std::string why;
      try {
        if (compare(c, truth, b, worst[b.text()], why, found))
          run.insert(c.op), ++cases;
        else if (refused.emplace(c.op, why).second)
          found.expect(why.size() > 20, b.text(), ": ", c.name(), ": refused without a sentence that says why: \"", why, "\"");
      } catch (const std::exception& e) {
        found.fault(b.text(), ": ", c.name(), ": ", std::string(e.what()));
      }
    }
  }
  found.note(run.size(), " of ", ops.size(), " ops, ", counted(int64_t(cases), "case"));
  for (auto& [b, w] : worst) found.note(b, " worst ", w.forward, ", gradients ", w.gradient);
  found.expect(!run.empty(), "it refuses every op");
  for (auto& [op, why] : refused) found.leave_out(run.count(op) ? "some cases of op " : "op ", op, ": ", why);
}

void check_steps(const Subject& s, Findings& found) {
  if (tried(s, found).empty()) return;
  found.at("a small network");
  const compare::SelfTest t = compare::self_test(s.plugin, {}, s.catalogue.find("backend", compare::truth_name));
  if (t.failure.find("does not run op") != t.failure.npos)
    return found.leave_out("the small network of `lamina backends --check`: ", t.failure);
  found.expect(t.failure.empty(), t.failure);
  found.expect(t.passed() || !t.failure.empty(), t.where, " is off by ", t.distance, "; wanted at most ", t.tolerance);
  found.note("three training steps of a small network, off by ", t.distance);
}

}  // namespace lamina::prove
