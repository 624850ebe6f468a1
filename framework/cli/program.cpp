#include "cli/program.hpp"

#include <unistd.h>

#include <new>

#include "base/text.hpp"
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/format.hpp"
#include "config/faults.hpp"
#include "plugin/trial.hpp"
#include "prove/job.hpp"
#include "record/array.hpp"

namespace lamina::cli {
namespace {

/// Lines of a message, each safe for a terminal.
std::string safe_lines(const std::string& text) {
  std::string out;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    out += (at ? "\n" : "") + escaped(std::string_view(text).substr(at, end - at));
    at = end + 1;
  }
  return out;
}

Json fault_json(const Fault& fault) {
  const Position& p = fault.place.position;
  Json j = Json::object();
  j.set("file", p.source ? Json(p.source->name) : Json());
  const bool lines = p.source && p.source->has_lines;
  j.set("line", lines ? Json(int64_t(p.line)) : Json());
  j.set("column", lines ? Json(int64_t(p.column)) : Json());
  j.set("pointer", p.source && !p.source->pointer.empty() ? p.source->pointer : fault.place.pointer);
  j.set("message", fault.sentence);
  return j;
}

void tell(Console& console, bool events, int code, const std::string& message, const std::vector<Fault>& faults = {}) {
  if (faults.empty())
    console.err << console.err_terminal.red("error:") + " " + safe_lines(message) + "\n";
  else
    console.err << safe_lines(message) + "\n" + console.err_terminal.red(counted(int64_t(faults.size()), "fault") + "; nothing was run.") +
                       "\n";
  console.err << std::flush;
  if (!console.json) return;
  Json error = Json::object();
  if (events) error.set("event", "failed"), error.set("time", iso_time(std::time(nullptr)));
  error.set("exit_code", code);
  error.set("message", message);
  Json list = Json::array();
  for (const Fault& fault : faults) list.push_back(fault_json(fault));
  error.set("faults", std::move(list));
  if (events) return console.line(error);
  Json document = Json::object();
  document.set("error", std::move(error));
  console.document(document);
}

int execute(const Arguments& a, Console& console, const std::vector<std::string>& words) {
  if (a.command == Command::help) {
    console.out << a.help;
    return 0;
  }
  Registry registry(a.safe ? built_in_plugin_folders() : plugin_folders(a.plugin_path));
  std::string line = "lamina";
  for (const std::string& word : words) line += " " + shell_word(word);
  Context context{a, console, registry, line};
  switch (a.command) {
    case Command::help:
      break;
    case Command::run:
      return run_command(context);
    case Command::resume:
      return resume_command(context);
    case Command::check:
      return check_command(context);
    case Command::summary:
      return summary_command(context);
    case Command::evaluate:
      return evaluate_command(context);
    case Command::predict:
      return predict_command(context);
    case Command::compare_backends:
      return compare_backends_command(context);
    case Command::bench:
      return bench_command(context);
    case Command::plugins_list:
      return plugins_list_command(context);
    case Command::plugins_describe:
      return plugins_describe_command(context);
    case Command::plugins_new:
      return plugins_new_command(context);
    case Command::plugins_document:
      return plugins_document_command(context);
    case Command::schema:
      return schema_command(context);
    case Command::plugins_check:
      return plugins_check_command(context);
    case Command::backends:
      return backends_command(context);
  }
  return 0;
}

int run_unguarded(const std::vector<std::string>& words, const Streams& streams) {
  Console console{streams.out, streams.err};
  const auto look = [&](ColorMode color) {
    console.out_terminal = terminal(STDOUT_FILENO, streams.out_is_terminal, color, streams.environment);
    console.err_terminal = terminal(STDERR_FILENO, streams.err_is_terminal, color, streams.environment);
  };
  look(ColorMode::automatic);
  Arguments a;
  bool events = false;
  int code = 0;
  try {
    a = parse_arguments(words);
    look(a.color);
    console.json = a.json, console.quiet = a.quiet, console.verbose = a.verbose;
    // A resolved experiment is a document of its own: nothing may follow it.
    if (a.print_resolved) console.json = false;
    events = a.command == Command::run || a.command == Command::resume;
    code = execute(a, console, words);
  } catch (...) {
    code = tell_failure(console, events);
  }
  streams.out.flush();
  if (!streams.out && code == 0) {
    streams.err << "error: The results could not be written to standard output.\n" << std::flush;
    code = int(Exit::failed);
  }
  return code;
}

}  // namespace

int tell_failure(Console& console, bool events) {
  try {
    throw;
  } catch (const ConfigError& e) {
    tell(console, events, int(e.exit), e.what(), e.faults);
    return int(e.exit);
  } catch (const UsageError& e) {
    tell(console, events, int(e.exit), e.what());
    console.err << "See `lamina" + (e.command.empty() ? "" : " " + e.command) + " --help`.\n" << std::flush;
    return int(e.exit);
  } catch (const Failure& e) {
    tell(console, events, int(e.exit), e.what());
    return int(e.exit);
  } catch (const FileError& e) {
    tell(console, events, int(Exit::failed), e.what());
  } catch (const std::bad_alloc&) {
    tell(console, events, int(Exit::failed),
         "There is not enough memory for this. `lamina summary` shows what a step needs; a smaller batch needs less.");
  } catch (const std::exception& e) {
    tell(console, events, int(Exit::failed), std::string("Something unexpected went wrong: ") + e.what());
  } catch (...) {
    tell(console, events, int(Exit::failed), "Something unexpected went wrong, and it does not say what.");
  }
  return int(Exit::failed);
}

ChildJobs child_jobs() {
  ChildJobs jobs = trial_jobs();
  jobs.emplace(prove::job_name, prove::job);
  return jobs;
}

int run_program(const std::vector<std::string>& words, const Streams& streams) noexcept {
  try {
    return run_unguarded(words, streams);
  } catch (...) {  // not even the telling worked: no memory is left
    return int(Exit::failed);
  }
}

}  // namespace lamina::cli
