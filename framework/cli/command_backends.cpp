#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/format.hpp"
#include "program/devices.hpp"

namespace lamina::cli {
int backends_command(Context& context) {
  Console& console = context.console;
  using Side = Table::Side;
  using program::ListedDevice;
  const Terminal& terminal = console.out_terminal;
  Json list = Json::array();
  Table table({Side::left, Side::right, Side::left, Side::left, Side::right, Side::right, Side::left, Side::left});
  table.add({"backend", "device", "name", "type", "memory", "threads", "driver", "available"});
  std::vector<std::string> reasons;
  std::string described;
  const std::vector<std::string> names = context.registry.names("backend");
  for (const std::string& name : names) {
    Json j = Json::object(), devices = Json::array(), error;
    j.set("backend", name);
    try {
      const std::vector<ListedDevice> all = program::devices_of(context.registry.find("backend", name));
      if (all.empty()) table.add({name, "", "", "", "", "", "", "no: it finds no device"});
      for (size_t i = 0; i < all.size(); ++i) {
        const ListedDevice& d = all[i];
        table.add({name, std::to_string(i), d.name, d.type, d.memory ? bytes_text(d.memory) : "",
                   d.threads ? std::to_string(d.threads) : "", d.driver,
                   d.available ? "yes" : "no: " + (d.why.empty() ? "no reason is given" : d.why)});
        if (!d.details.empty()) described += "\n" + terminal.bold(escaped(name + " " + std::to_string(i) + ": " + d.name)) + "\n";
        for (const std::string& line : lines_of(d.details)) described += "  " + escaped(line) + "\n";
        Json one = Json::object();
        one.set("device", int64_t(i));
        one.set("name", d.name);
        one.set("type", d.type);
        one.set("driver", d.driver);
        one.set("memory_bytes", d.memory ? Json(int64_t(d.memory)) : Json());
        one.set("threads", d.threads ? Json(int64_t(d.threads)) : Json());
        one.set("available", d.available);
        one.set("why_not", d.available ? Json() : Json(d.why));
        Json details = Json::array();
        for (const std::string& line : lines_of(d.details)) details.push_back(line);
        one.set("details", std::move(details));
        devices.push_back(std::move(one));
      }
    } catch (const std::exception& e) {
      table.add({name, "", "", "", "", "", "", "no, see below"});
      reasons.push_back(e.what());
      error = std::string(e.what());
    }
    j.set("devices", std::move(devices));
    j.set("error", std::move(error));
    list.push_back(std::move(j));
  }
  if (console.json) {
    console.document(list);
    return 0;
  }
  if (names.empty())
    console.out << "No backend was found; `lamina plugins list` says where plugins are searched.\n";
  else
    console.out << table.text("", terminal.redraws ? size_t(terminal.columns()) : 0, terminal.unicode);
  if (console.verbose) console.out << described;
  for (const std::string& reason : reasons) console.out << "\n" + escaped(reason) + "\n";
  return 0;
}

}  // namespace lamina::cli
