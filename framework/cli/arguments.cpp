// The only source that knows CLI11. Its messages and help pages are replaced by our own: examples first, nearest names, whole sentences.
#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "base/build.hpp"
#include "base/nearest.hpp"
#include "base/text.hpp"
#include "cli/format.hpp"
#include "cli/pages.hpp"
#include "plugin/registry.hpp"
#include "prove/prove.hpp"

namespace lamina::cli {
namespace {

using Side = Table::Side;

/// A page of the program's own help; `app` is the command that it is about.
std::string help_page(const CLI::App& root, const CLI::App& app, const std::string& command, size_t columns = 100) {
  const auto options = [&](const CLI::App& of, bool positional) {
    Table table({Side::left, Side::left});
    const std::string indent = "  ";
    size_t widest = 0;
    std::vector<std::pair<std::string, std::string>> rows;
    for (const CLI::Option* o : of.get_options()) {
      if (o->get_positional() != positional || o->get_group().empty()) continue;
      std::string names = positional ? o->get_name(true) : o->get_name(false, true);
      for (size_t at = 0; (at = names.find(',', at)) != names.npos; at += 2) names.replace(at, 1, ", ");
      if (!positional && !o->get_type_name().empty()) names += " " + o->get_type_name();
      widest = std::max(widest, width_of(names));
      rows.emplace_back(names, o->get_description());
    }
    for (const auto& [names, doc] : rows) {
      const auto lines = wrapped(doc, columns - indent.size() - widest - 2);
      for (size_t i = 0; i < lines.size(); ++i) table.add({i ? "" : names, lines[i]});
    }
    return table.text(indent);
  };
  const auto section = [](const std::string& title, const std::string& body) { return body.empty() ? "" : "\n" + title + ":\n" + body; };
  const auto indented = [](const std::string& text) {
    std::string out;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      out += "  " + text.substr(at, end - at) + "\n", at = end + 1;
    }
    return out;
  };
  const auto commands = [&](const std::string& below) {
    Table table({Side::left, Side::left});
    for (const auto& [name, p] : pages()) {
      const bool here = below.empty() ? name.find(' ') == name.npos : name.rfind(below + " ", 0) == 0;
      if (!here) continue;
      table.add({below.empty() ? name : name.substr(below.size() + 1), p.brief});
    }
    return table.text("  ");
  };

  if (command.empty())
    return "Lamina trains convolutional networks that JSON files describe, on any backend.\n\n"
           "Examples:\n"
           "  lamina check experiments/fashion_mnist/lenet5.json     is it sound?\n"
           "  lamina run experiments/fashion_mnist/lenet5.json       train it\n"
           "  lamina plugins describe conv                           what can a layer do?\n"
           "  lamina backends                                        what can it run on?\n\n"
           "Usage: lamina COMMAND [options]\n" +
           section("Commands", commands("")) + section("Options of all commands", options(root, false)) +
           "\n`lamina COMMAND --help` says more. Exit codes: 0 success, 1 failed, 2 usage, 3 invalid experiment or data, 4 plugin,\n"
           "5 backend or device, 6 diverged, 130 and 143 stopped by a signal after a checkpoint.\n";
  const Page& p = page(command);
  std::string doc;
  for (const std::string& line : wrapped(p.doc, columns)) doc += line + "\n";
  return section("Examples", indented(p.examples)).substr(1) + "\n" + doc + "\nUsage: " + p.usage + "\n" +
         section("Commands", command == "plugins" ? commands(command) : "") + section("Arguments", options(app, true)) +
         section("Options", options(app, false)) + section("Options of all commands", options(root, false));
}

/// CLI11's checks: "" when the text is good.
std::string not_an_integer(const std::string& text) {
  int64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  return end.ec == std::errc() && end.ptr == text.data() + text.size() ? "" : in_quotes(text) + " is no integer";
}
std::string not_a_count(const std::string& text) {
  if (const std::string why = not_an_integer(text); !why.empty()) return why;
  return text[0] == '-' || std::stoll(text) == 0 ? in_quotes(text) + " is not at least 1" : "";
}
std::string not_a_tolerance(const std::string& text) {
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = end.ec == std::errc() && end.ptr == text.data() + text.size() && std::isfinite(value) && value >= 0;
  return good ? "" : in_quotes(text) + " is no number that is at least 0";
}
std::string no_assignment(const std::string& text) {
  const size_t equals = text.find('=');
  return equals == 0 || equals == text.npos ? in_quotes(text) + " is no path=value, like training.epochs=3" : "";
}

class CommandLine {
 public:
  CommandLine() : root_("", "lamina") {
    root_.require_subcommand(0, 1);  // no further word is taken for a command: a run folder may be called "run"
    root_.set_help_flag("-h,--help", "Show this help.");
    root_.add_flag("--version", version_, "Show the version.");
    root_
        .add_option("--plugin-path", a_.plugin_path,
                    "A folder to search for plugins first; may be repeated. Then come LAMINA_PLUGIN_PATH and the program's own.")
        ->type_name("DIR")
        ->allow_extra_args(false);
    root_.add_flag("--safe", a_.safe, "Only the plugins that came with the program; LAMINA_PLUGIN_PATH counts for nothing.");
    root_.add_flag("--json", a_.json, "Results as JSON; of run and resume, events as JSON Lines.");
    root_.add_flag("-q,--quiet", a_.quiet, "No progress; warnings, errors and results stay.");
    root_.add_flag("-v,--verbose", a_.verbose, "Say more: summary lists the ops, plugins list versions and hashes.");
    one_of(value(root_, "--color", color_, "WHEN", "auto, always or never. NO_COLOR and CLICOLOR_FORCE are honoured."),
           {"auto", "always", "never"});

    CLI::App* run = command(root_, "run", Command::run);
    experiment(*run);
    changes(*run);
    value(*run, "--out", out_, "DIR", "Where the run folder is made; `runs` when not given.");
    max_steps(*run);
    value(*run, "--overfit-batches", overfit_, "N",
          "A sanity check: train and validate on the first N batches alone, which a sound network learns by heart. The same as --set "
          "training.overfit_batches=N.")
        ->check(CLI::Validator([](std::string& text) { return not_a_count(text); }, ""));
    value(*run, "--fold", fold_, "I",
          "Of a cross-validation (dataset.validation.folds): the part that is held back, or all, one run after the other.")
        ->check(CLI::Validator([](std::string& text) { return text == "all" ? "" : not_a_count(text); }, ""));
    profile(*run);

    CLI::App* resume = command(root_, "resume", Command::resume);
    run_folder(*resume);
    max_steps(*resume);
    profile(*resume);
    elsewhere(*resume);

    CLI::App* check = command(root_, "check", Command::check);
    experiment(*check);
    changes(*check);
    check->add_flag("--print-resolved", a_.print_resolved, "Print the experiment with every default filled in, as strict JSON.");

    CLI::App* summary = command(root_, "summary", Command::summary);
    experiment(*summary);
    changes(*summary);

    CLI::App* evaluate = command(root_, "evaluate", Command::evaluate);
    run_folder(*evaluate);
    value(*evaluate, "--split", a_.split, "NAME", "test, validation or train; `test` when not given.");
    checkpoint(*evaluate);
    elsewhere(*evaluate, true);

    CLI::App* predict = command(root_, "predict", Command::predict);
    run_folder(*predict);
    positional(*predict, "IN.h5", input_, "The HDF5 file to read; left out with --split.");
    positional(*predict, "OUT.h5", output_, "The HDF5 file to write.")->required(false);
    value(*predict, "--split", predicted_, "NAME", "test, validation or train: the samples are those of the run's data, not of a file.");
    predict->add_option("--layer", a_.layers, "A layer whose output is wanted; may be repeated. When not given: what the loss reads.")
        ->type_name("NAME")
        ->allow_extra_args(false);
    checkpoint(*predict);
    elsewhere(*predict, true);

    CLI::App* compare = command(root_, "compare-backends", Command::compare_backends);
    experiment(*compare);
    value(*compare, "--backends", backends_, "NAME[:DEVICE],…",
          "The first is the truth. When not given: the reference and every other backend that has a device.");
    steps(*compare, steps_, "Training steps that are compared; 3 when not given.");
    value(*compare, "--tolerance", tolerance_, "T", "Largest distance that passes, relative to max(1, |truth|); 0.001 when not given.")
        ->check(CLI::Validator([](std::string& text) { return not_a_tolerance(text); }, ""));
    compare->add_flag("--drift", a_.drift, "Let each go on from its own weights, so that differences grow as in a run.");
    changes(*compare, false);

    CLI::App* bench = command(root_, "bench", Command::bench);
    experiment(*bench);
    steps(*bench, steps_, "Training steps that are timed; 100 when not given.");
    value(*bench, "--warm-up", warm_up_, "N", "Steps before, which are not timed; 10 when not given.")
        ->check(CLI::Validator([](std::string& text) { return not_a_count(text); }, ""));
    changes(*bench);

    CLI::App* plugins = command(root_, "plugins", Command::help);
    plugins->require_subcommand(0, 1);
    CLI::App* list = command(*plugins, "list", Command::plugins_list);
    value(*list, "--kind", kind_, "KIND", "Only these: " + joined(Registry::kinds()) + ".");
    CLI::App* describe = command(*plugins, "describe", Command::plugins_describe);
    describe->add_option("[KIND] NAME", words_, "The plugin's name; its kind where several kinds have the name.")
        ->expected(1, 2)
        ->required();
    describe->add_flag("--markdown", a_.markdown, "As Markdown, like the pages in docs/plugins.");
    CLI::App* document = command(*plugins, "document", Command::plugins_document);
    positional(*document, "DIR", output_, "The folder for the pages; it is made when it is missing.");

    CLI::App* schema = command(root_, "schema", Command::schema);
    value(*schema, "--out", output_, "FILE", "Write it here; to standard output when not given.");
    CLI::App* prove = command(*plugins, "check", Command::plugins_check);
    prove->add_option("FILE.so | [KIND] NAME", words_, "A library, or the name of a plugin that can be found.")->expected(1, 2)->required();
    prove->add_option("--only", a_.only, "Only this check, beside the contract; may be repeated: " + joined(prove::names_of_checks()) + ".")
        ->type_name("CHECK")
        ->allow_extra_args(false);

    CLI::App* create = command(*plugins, "new", Command::plugins_new);
    positional(*create, "KIND", kind_, ("One of " + joined(Registry::kinds()) + ".").c_str());
    positional(*create, "NAME", name_, "The plugin's name: lower case letters, digits and _.");
    value(*create, "--dir", folder_, "DIR", "The folder to write; one called NAME when not given.");

    command(root_, "backends", Command::backends)
        ->add_flag("--check", a_.check,
                   "Also run a small network on each device and hold its numbers to the reference; exit code 5 when one is off.");
  }

  Arguments parse(std::vector<std::string> words) {
    if (!words.empty() && words[0] == "help") words.erase(words.begin()), words.push_back("--help");
    try {
      std::vector<std::string> reversed(words.rbegin(), words.rend());
      root_.parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
      return help();
    } catch (const CLI::ExtrasError&) {
      if (version_) return version();
      unexpected();
    } catch (const CLI::RequiredError&) {
      if (version_) return version();
      if (const std::string extra = first_extra(); extra.size() > 1 && extra[0] == '-') unexpected();
      for (const CLI::Option* o : chosen().get_options())
        if (o->get_required() && o->count() == 0)
          throw UsageError(in_quotes("lamina " + name()) + " wants " + o->get_name(true) + ".", name());
      throw UsageError("Something is missing.", name());
    } catch (const CLI::ArgumentMismatch& e) {
      const std::string text = e.what(), option = text.substr(0, text.find(':'));
      throw UsageError(option + (text.find("missing") != text.npos ? " wants a value." : " is given more often than once."), name());
    } catch (const CLI::ParseError& e) {
      throw UsageError(std::string(e.what()) + ".", name());
    }
    if (version_) return version();
    const CLI::App& app = chosen();
    if (const auto at = commands_.find(&app); at != commands_.end()) a_.command = at->second;
    if (a_.command == Command::help) return help();
    finish();
    return a_;
  }

 private:
  CLI::App* command(CLI::App& parent, const std::string& name, Command command) {
    CLI::App* app = parent.add_subcommand(name);
    app->fallthrough();
    commands_[app] = command;
    app->set_help_flag("-h,--help", "Show this help.")->group("");
    return app;
  }
  static CLI::Option* value(CLI::App& app, const std::string& names, std::string& to, const char* type, const std::string& doc) {
    return app.add_option(names, to, doc)->type_name(type)->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  }
  static CLI::Option* positional(CLI::App& app, const char* name, std::string& to, const char* doc) {
    return app.add_option(name, to, doc)->required();
  }
  void experiment(CLI::App& app) { positional(app, "EXPERIMENT.json", experiment_, "The experiment file."); }
  void run_folder(CLI::App& app) { positional(app, "RUN", run_, "A run folder, like runs/lenet5-1."); }
  void changes(CLI::App& app, bool with_backend = true) {
    set(app, "Changes a value of the experiment; VALUE is JSON, else a text. May be repeated.");
    value(app, "--seed", seed_, "N", "The same as --set seed=N.")
        ->check(CLI::Validator([](std::string& text) { return not_an_integer(text); }, ""));
    if (with_backend) backend(app, "The same as --set backend.type=NAME, and backend.device=DEVICE.");
  }
  /// Of commands that work with a run: where they do it, and perhaps on which data, this once.
  void elsewhere(CLI::App& app, bool other_data = false) {
    backend(app, "Another backend than the run's, for this once.");
    set(app, other_data ? "Changes a setting of the backend or of the data set for this once: PATH begins with backend. or dataset. May be "
                          "repeated."
                        : "Changes a setting of the backend for this once: PATH begins with backend. May be repeated.");
    elsewhere_[&app] = other_data;
  }
  void backend(CLI::App& app, const char* doc) {
    value(app, "--backend", backend_, "NAME[:DEVICE]", doc)->check([](const std::string& text) {
      return text.empty() || text[0] == ':' ? std::string("the name of a backend is wanted") : "";
    });
  }
  void set(CLI::App& app, const char* doc) {
    app.add_option("--set", a_.overrides, doc)
        ->type_name("PATH=VALUE")
        ->allow_extra_args(false)
        ->check(CLI::Validator([](std::string& text) { return no_assignment(text); }, ""));
  }
  void steps(CLI::App& app, std::string& to, const char* doc) {
    value(app, "--steps", to, "N", doc)->check(CLI::Validator([](std::string& text) { return not_a_count(text); }, ""));
  }
  void profile(CLI::App& app) {
    app.add_flag("--profile", a_.profile, "Time ops and layers over some steps and keep it in run.h5, group profile.");
  }
  void max_steps(CLI::App& app) {
    value(app, "--max-steps", max_steps_, "N", "Stop after step N of the run, with a checkpoint.")
        ->check(CLI::Validator([](std::string& text) { return not_a_count(text); }, ""));
  }
  /// Which weights of a run are meant.
  void checkpoint(CLI::App& app) {
    one_of(value(app, "--weights", a_.weights, "WHICH", "best or last; when not given best, if the run keeps them (training.keep_best)."),
           {"best", "last"});
    value(app, "--checkpoint", checkpoint_, "FILE", "This one instead of the run's best or newest.");
  }
  static void one_of(CLI::Option* option, const std::vector<std::string>& all) {
    option->check(CLI::Validator(
        [all](std::string& text) {
          return std::ranges::find(all, text) != all.end() ? "" : in_quotes(text) + " is none of " + joined(all) + did_you_mean(text, all);
        },
        ""));
  }

  /// The command that was reached.
  const CLI::App& chosen() const {
    const CLI::App* app = &root_;
    while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
    return *app;
  }
  std::string name() const {
    std::string text;
    for (const CLI::App* app = &chosen(); app != &root_; app = app->get_parent()) text = app->get_name() + (text.empty() ? "" : " ") + text;
    return text;
  }
  Arguments help() {
    a_.command = Command::help;
    a_.help = help_page(root_, chosen(), name());
    return a_;
  }
  Arguments version() {
    a_.command = Command::help;
    a_.help = std::string("lamina ") + build_version() + " (" + build_commit() + ", " + build_compiler() + ")\n";
    return a_;
  }
  std::string first_extra() const {
    const std::vector<std::string> extras = root_.remaining(true);
    return extras.empty() ? "" : extras.front();
  }
  [[noreturn]] void unexpected() {
    const std::string word = first_extra(), option = word.substr(0, word.find('='));
    if (option.size() > 1 && option[0] == '-') {
      std::vector<std::string> known;
      for (const CLI::App* app : {&chosen(), const_cast<const CLI::App*>(&root_)})
        for (const CLI::Option* o : app->get_options())
          for (const std::string& l : o->get_lnames()) known.push_back("--" + l);
      const std::string guess = did_you_mean(option, known);
      throw UsageError((name().empty() ? "There" : in_quotes("lamina " + name()) + ": there") + " is no option " + in_quotes(option) +
                           (guess.empty() ? "." : guess),
                       name());
    }
    if (commands_.count(&chosen()) && commands_[&chosen()] != Command::help)
      throw UsageError(in_quotes("lamina " + name()) + " does not know what to do with " + in_quotes(word) + ".", name());
    std::vector<std::string> known;
    for (const CLI::App* app : chosen().get_subcommands([](const CLI::App*) { return true; })) known.push_back(app->get_name());
    const std::string guess = did_you_mean(word, known);
    throw UsageError("There is no command " + in_quotes("lamina " + name() + (name().empty() ? "" : " ") + word) +
                         (guess.empty() ? "; there are: " + joined(known) + "." : guess),
                     name());
  }
  void finish() {
    if (a_.safe && !a_.plugin_path.empty())
      throw UsageError("--safe leaves out all plugins but the program's own, --plugin-path adds others: give one of them.", name());
    if (!seed_.empty()) a_.overrides.push_back("seed=" + seed_);
    if (!overfit_.empty()) a_.overrides.push_back("training.overfit_batches=" + overfit_);
    if (!fold_.empty()) a_.fold = fold_ == "all" ? 0 : std::stoll(fold_);
    if (elsewhere_.count(&chosen()))
      for (const std::string& one : a_.overrides)
        if (!one.starts_with("backend.") && !(elsewhere_.at(&chosen()) && one.starts_with("dataset.")))
          throw UsageError("--set " + in_quotes(one) + ": of a run only the backend" +
                               (elsewhere_.at(&chosen()) ? " and the data set" : "") + " can be changed, like backend.threads=2.",
                           name());
    if (!backend_.empty())
      for (std::string& one : backend_overrides(backend_)) a_.overrides.push_back(std::move(one));
    if (!steps_.empty()) a_.steps = std::stoll(steps_);
    if (!warm_up_.empty()) a_.warm_up = std::stoll(warm_up_);
    if (!tolerance_.empty()) std::from_chars(tolerance_.data(), tolerance_.data() + tolerance_.size(), a_.tolerance);
    for (size_t at = 0; at < backends_.size();) {
      const size_t end = std::min(backends_.find(',', at), backends_.size());
      if (end > at) a_.backends.push_back(backends_.substr(at, end - at));
      at = end + 1;
    }
    if (!max_steps_.empty()) a_.max_steps = std::stoll(max_steps_);
    if (!out_.empty()) a_.out = out_;
    if (!checkpoint_.empty() && !a_.weights.empty())
      throw UsageError("--checkpoint names a file, --weights one of the run's own: give one of them.", name());
    if (!checkpoint_.empty()) a_.checkpoint = checkpoint_;
    if (a_.command == Command::predict) {
      if (!predicted_.empty()) {
        if (!output_.empty()) throw UsageError("--split takes samples of the run's data; IN.h5 is left out then.", name());
        a_.split = predicted_, output_ = std::exchange(input_, "");
      } else if (output_.empty()) {
        throw UsageError(in_quotes("lamina predict") + " wants OUT.h5.", name());
      } else {
        for (const std::string& one : a_.overrides)
          if (one.starts_with("dataset."))
            throw UsageError("--set " + in_quotes(one) + " is for --split: the samples of IN.h5 are none of the data set's.", name());
      }
    }
    a_.experiment = experiment_, a_.run = run_, a_.input = input_, a_.output = output_;
    a_.color = color_ == "always" ? ColorMode::always : color_ == "never" ? ColorMode::never : ColorMode::automatic;
    if (words_.size() == 2) kind_ = words_[0];
    a_.name = words_.empty() ? name_ : words_.back();
    if (!folder_.empty()) a_.folder = folder_;
    if (!kind_.empty()) {
      const auto& kinds = Registry::kinds();
      if (std::ranges::find(kinds, kind_) == kinds.end()) {
        const std::string guess = did_you_mean(kind_, kinds);
        throw UsageError(
            "There is no kind of plugin called " + in_quotes(kind_) + (guess.empty() ? "; there are: " + joined(kinds) + "." : guess),
            name());
      }
      a_.kind = kind_;
    }
  }

  CLI::App root_;
  Arguments a_;
  std::map<const CLI::App*, Command> commands_;
  bool version_ = false;
  std::map<const CLI::App*, bool> elsewhere_;  ///< and whether other data may be named
  std::string experiment_, run_, input_, output_, seed_, backend_, out_, max_steps_, checkpoint_, kind_, color_, name_, folder_, predicted_;
  std::string overfit_, fold_, backends_, steps_, warm_up_, tolerance_;
  std::vector<std::string> words_;
};

}  // namespace

std::vector<std::string> backend_overrides(const std::string& spec) {
  const size_t colon = spec.find(':');
  // As JSON texts: a name that looks like a number stays a name.
  const auto text = [](const std::string& value) { return to_text(Json(value), false); };
  std::vector<std::string> overrides = {"backend.type=" + text(spec.substr(0, colon))};
  if (colon != spec.npos) overrides.push_back("backend.device=" + text(spec.substr(colon + 1)));
  return overrides;
}

Arguments parse_arguments(const std::vector<std::string>& words) { return CommandLine().parse(words); }

}  // namespace lamina::cli
