#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/format.hpp"
#include "compare/self_test.hpp"
#include "program/devices.hpp"

namespace lamina::cli {
namespace {

using compare::SelfTest;
using program::ListedDevice;

struct Listed {
  ListedDevice device;
  std::optional<SelfTest> test;
};

Json device_json(size_t number, const Listed& listed) {
  const ListedDevice& d = listed.device;
  Json j = Json::object();
  j.set("device", int64_t(number));
  j.set("name", d.name);
  j.set("type", d.type);
  j.set("driver", d.driver);
  j.set("memory_bytes", d.memory ? Json(int64_t(d.memory)) : Json());
  j.set("threads", d.threads ? Json(int64_t(d.threads)) : Json());
  j.set("available", d.available);
  j.set("why_not", d.available ? Json() : Json(d.why));
  Json details = Json::array();
  for (const std::string& line : lines_of(d.details)) details.push_back(line);
  j.set("details", std::move(details));
  if (!listed.test) return j;
  const SelfTest& t = *listed.test;
  Json check = Json::object();
  check.set("ok", t.passed());
  check.set("largest_distance", t.failure.empty() ? Json(t.distance) : Json());
  check.set("where", t.where);
  check.set("tolerance", SelfTest::tolerance);
  check.set("seconds", t.seconds);
  check.set("failure", t.failure.empty() ? Json() : Json(t.failure));
  j.set("check", std::move(check));
  return j;
}

std::string check_text(const SelfTest& t, const Terminal& terminal) {
  if (!t.failure.empty()) return terminal.red("failed") + ": " + escaped(t.failure);
  return (t.passed() ? terminal.green("ok") : terminal.red("wrong")) + ": largest distance " + score(t.distance) +
         (t.where.empty() ? "" : " (" + escaped(t.where) + ")") + ", tolerance " + brief(SelfTest::tolerance) + ", " + duration(t.seconds);
}

}  // namespace

int backends_command(Context& context) {
  Console& console = context.console;
  using Side = Table::Side;
  const Terminal& terminal = console.out_terminal;
  Json list = Json::array();
  Table table({Side::left, Side::right, Side::left, Side::left, Side::right, Side::right, Side::left, Side::left});
  table.add({"backend", "device", "name", "type", "memory", "threads", "driver", "available"});
  std::string reasons, described, checked;
  size_t passed = 0, failed = 0;
  const std::vector<std::string> names = context.registry.names("backend");
  for (const std::string& name : names) {
    Json j = Json::object(), devices = Json::array(), error;
    j.set("backend", name);
    try {
      const Descriptor& backend = context.registry.find("backend", name);
      const std::vector<ListedDevice> all = program::devices_of(backend);
      if (all.empty()) table.add({name, "", "", "", "", "", "", "no: it finds no device"});
      for (size_t i = 0; i < all.size(); ++i) {
        Listed listed{all[i], {}};
        const ListedDevice& d = listed.device;
        const std::string title = name + " " + std::to_string(i) + ": " + d.name;
        table.add({name, std::to_string(i), d.name, d.type, d.memory ? bytes_text(d.memory) : "",
                   d.threads ? std::to_string(d.threads) : "", d.driver,
                   d.available ? "yes" : "no: " + (d.why.empty() ? "no reason is given" : d.why)});
        if (!d.details.empty()) described += "\n" + terminal.bold(escaped(title)) + "\n";
        for (const std::string& line : lines_of(d.details)) described += "  " + escaped(line) + "\n";
        if (context.arguments.check && d.available) {
          const Descriptor& truth = context.registry.find("backend", compare::truth_name);
          listed.test = compare::self_test(backend, all.size() > 1 ? std::optional(i) : std::nullopt, truth);
          ++(listed.test->passed() ? passed : failed);
          checked += escaped(title) + "  " + check_text(*listed.test, terminal) + "\n";
        }
        devices.push_back(device_json(i, listed));
      }
    } catch (const std::exception& e) {
      table.add({name, "", "", "", "", "", "", "no, see below"});
      reasons += "\n" + escaped(e.what()) + "\n";
      error = std::string(e.what());
    }
    j.set("devices", std::move(devices));
    j.set("error", std::move(error));
    list.push_back(std::move(j));
  }
  const bool wrong = context.arguments.check && (failed || !passed);
  const int code = wrong ? int(Exit::backend) : 0;
  if (console.json) {
    console.document(list);
    return code;
  }
  if (names.empty())
    console.out << "No backend was found; `lamina plugins list` says where plugins are searched.\n";
  else
    console.out << table.text("", terminal.redraws ? size_t(terminal.columns()) : 0, terminal.unicode);
  if (console.verbose) console.out << described;
  console.out << reasons;
  if (context.arguments.check) console.out << "\n" + (checked.empty() ? "No device could be checked.\n" : checked);
  return code;
}

}  // namespace lamina::cli
