#include "cli/progress.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/text.hpp"
#include "cli/format.hpp"

namespace lamina::cli {
namespace {

constexpr double redraw_seconds = 0.1, line_seconds = 30, event_seconds = 1;

double part_of(const StepReport& step) { return std::isfinite(step.progress) ? std::clamp(step.progress, 0.0, 1.0) : 0; }
/// Rounded down: 100% is said when it is true.
std::string percent(double part) {
  const std::string text = std::to_string(int(std::floor(part * 100 + 1e-9)));
  return std::string(3 - std::min<size_t>(text.size(), 3), ' ') + text + "%";
}
std::string epoch_of(int64_t epoch, int64_t epochs) {
  const std::string all = std::to_string(epochs), one = std::to_string(epoch);
  return "epoch " + std::string(all.size() > one.size() ? all.size() - one.size() : 0, ' ') + one + "/" + all;
}
std::string speed(double samples_per_second) {
  if (!std::isfinite(samples_per_second) || samples_per_second < 0 || samples_per_second > 1e15) return "? samples/s";
  return (samples_per_second < 9.95 ? brief(std::round(samples_per_second * 100) / 100) : counted(std::llround(samples_per_second))) +
         " samples/s";
}
/// Without tenths: they would flicker.
std::string eta(double left) {
  if (left < 0 || !std::isfinite(left)) return "ETA --:--";
  if (left < 59.95) {
    const int s = int(std::ceil(left));
    return std::string("ETA 00:") + (s < 10 ? "0" : "") + std::to_string(std::min(s, 59));
  }
  return "ETA " + duration(left);
}
/// The learning rate of a schedule has many digits; four say it.
std::string rate(double value) {
  if (value == 0 || !std::isfinite(value)) return brief(value);
  const double unit = std::pow(10, std::floor(std::log10(std::fabs(value))) - 3);
  return brief(unit > 0 ? std::round(value / unit) * unit : value);
}

std::string bar(double part, size_t width, bool unicode) {
  const size_t full = std::min(size_t(part * double(width)), width);
  std::string text;
  for (size_t i = 0; i < width; ++i) text += i < full ? (unicode ? "━" : "#") : (unicode ? "─" : "-");
  return text;
}

}  // namespace

std::string bar_text(const StepReport& step, double left, size_t columns, bool unicode) {
  constexpr size_t longest = 30, shortest = 10;
  const double part = part_of(step);
  // In the order they are shown; `need`: 0 stays longest.
  struct Field {
    std::string text;
    int need;
  };
  std::vector<Field> fields = {{percent(part), 0},
                               {"step " + counted(step.step), 5},
                               {"loss " + score(step.loss), 1},
                               {"lr " + rate(step.learning_rate), 4},
                               {speed(step.samples_per_second), 3},
                               {eta(left), 2}};
  const std::string head = escaped(epoch_of(step.epoch, step.epochs));
  const auto width = [&] {
    size_t all = width_of(head) + 1 + shortest;
    for (const Field& f : fields) all += (f.need ? 2 : 1) + width_of(f.text);
    return all;
  };
  while (width() > columns && fields.size() > 1) fields.erase(std::ranges::max_element(fields, {}, &Field::need));
  const size_t used = width() - shortest;
  std::string text = head;
  if (used + 4 <= columns) text += " " + bar(part, std::min(longest, columns - used), unicode);
  for (const Field& f : fields) text += (f.need ? "  " : " ") + f.text;
  return cut(text, columns, unicode);
}

std::string epoch_text(const EpochReport& epoch) {
  std::string text = epoch_of(epoch.epoch, epoch.epochs) + "  train loss " + score(epoch.train_loss);
  for (const auto& [name, value] : epoch.columns) text += "  " + escaped(spaced(name)) + " " + score(value);
  return text + "  " + duration(epoch.seconds);
}

std::string validation_text(const ValidationReport& v) {
  std::string text = epoch_of(v.epoch, v.epochs) + "  step " + counted(v.step);
  for (const auto& [name, value] : v.columns) text += "  " + escaped(spaced(name)) + " " + score(value);
  return text;
}

std::string step_text(const StepReport& step, double left) {
  return epoch_of(step.epoch, step.epochs) + " " + percent(part_of(step)) + "  step " + counted(step.step) + "/" + counted(step.steps) +
         "  loss " + score(step.loss) + "  lr " + rate(step.learning_rate) + "  " + speed(step.samples_per_second) + "  " + eta(left);
}

std::string started_text(const std::filesystem::path& folder, const Experiment& x, const std::string& device, int64_t parameters,
                         int64_t resumed_at_step) {
  const std::string backend = x.backend.plugin ? x.backend.plugin->name : "";
  std::string text = escaped(x.name) + "  seed " + std::to_string(x.seed) + "  " + escaped(backend + ": " + device) + "  " +
                     counted(parameters, "parameter") + "  run " + escaped(folder.string());
  if (resumed_at_step > 0) text += "  resumed after step " + counted(resumed_at_step);
  return text;
}

std::string warning_text(const Console& console, const std::string& sentence) {
  return console.err_terminal.yellow("warning:") + " " + escaped(sentence);
}

double Estimate::left(double progress, double now) {
  if (!first_progress_) first_progress_ = progress, first_time_ = now;
  const double done = progress - *first_progress_;
  return done > 0 ? (now - *first_time_) / done * std::max(0.0, 1 - progress) : -1;
}

Clocks Clocks::real() {
  return {[] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); },
          [] { return std::time(nullptr); }};
}

namespace {

class BarProgress : public Progress {
 public:
  BarProgress(Console& console, Clocks clocks) : console_(console), clocks_(std::move(clocks)) {}

  void started(const std::filesystem::path& folder, const Experiment& x, const std::string& device, int64_t parameters,
               int64_t resumed) override {
    above(console_.err_terminal.dim(started_text(folder, x, device, parameters, resumed)));
  }
  void step(const StepReport& report) override {
    const double now = clocks_.seconds(), left = estimate_.left(part_of(report), now);
    if (drawn_ && now - drawn_at_ < redraw_seconds) return;
    drawn_at_ = now, drawn_ = true;
    // One column stays free: some terminals go to the next line when the last is filled.
    const size_t columns = size_t(std::max(console_.err_terminal.columns(), 12)) - 1;
    write("\r" + painted(bar_text(report, left, columns, console_.err_terminal.unicode)) + "\033[K");
    there_ = true;
  }
  void epoch(const EpochReport& report) override { above(epoch_text(report)); }
  void validation(const ValidationReport& report) override { above(validation_text(report)); }
  void warning(const std::string& sentence) override { above(warning_text(console_, sentence)); }
  void end() override {
    if (there_) write("\r\033[K");
    there_ = false;
  }

 private:
  /// The full part of the bar in colour; it is the only place of its character.
  std::string painted(const std::string& text) const {
    const std::string full = console_.err_terminal.unicode ? "━" : "#";
    const size_t begin = text.find(full);
    if (begin == text.npos) return text;
    const size_t end = text.rfind(full) + full.size();
    return text.substr(0, begin) + console_.err_terminal.cyan(text.substr(begin, end - begin)) + text.substr(end);
  }
  void above(const std::string& line) {
    write((there_ ? "\r\033[K" : "") + line + "\n");
    there_ = drawn_ = false;  // the next step draws the bar again
  }
  void write(const std::string& text) { console_.err << text << std::flush; }

  Console& console_;
  Clocks clocks_;
  Estimate estimate_;
  double drawn_at_ = 0;
  bool drawn_ = false, there_ = false;
};

class LineProgress : public Progress {
 public:
  LineProgress(Console& console, Clocks clocks) : console_(console), clocks_(std::move(clocks)) {}

  void started(const std::filesystem::path& folder, const Experiment& x, const std::string& device, int64_t parameters,
               int64_t resumed) override {
    line(started_text(folder, x, device, parameters, resumed));
  }
  void step(const StepReport& report) override {
    const double now = clocks_.seconds(), left = estimate_.left(part_of(report), now);
    if (now - last_ >= line_seconds) line(step_text(report, left));
  }
  void epoch(const EpochReport& report) override { line(epoch_text(report)); }
  void validation(const ValidationReport& report) override { line(validation_text(report)); }
  void warning(const std::string& sentence) override { line(warning_text(console_, sentence)); }

 private:
  void line(const std::string& text) {
    last_ = clocks_.seconds();
    console_.err << iso_time(clocks_.time()) + "  " + text + "\n" << std::flush;
  }

  Console& console_;
  Clocks clocks_;
  Estimate estimate_;
  double last_ = 0;
};

class QuietProgress : public Progress {
 public:
  explicit QuietProgress(Console& console) : console_(console) {}
  void warning(const std::string& sentence) override { console_.err << warning_text(console_, sentence) + "\n" << std::flush; }

 private:
  Console& console_;
};

class JsonProgress : public Progress {
 public:
  JsonProgress(Console& console, Clocks clocks) : console_(console), clocks_(std::move(clocks)) {}

  void started(const std::filesystem::path& folder, const Experiment& x, const std::string& device, int64_t parameters,
               int64_t resumed) override {
    Json e = event("started");
    e.set("folder", folder.string());
    e.set("name", x.name);
    e.set("seed", x.seed);
    e.set("backend", x.backend.plugin ? x.backend.plugin->name : "");
    e.set("device", device);
    e.set("parameters", parameters);
    e.set("resumed_at_step", resumed);
    console_.line(e);
  }
  void step(const StepReport& r) override {
    const double now = clocks_.seconds();
    if (last_ && now - *last_ < event_seconds) return;
    last_ = now;
    Json e = event("step");
    e.set("step", r.step);
    e.set("steps", r.steps);
    e.set("epoch", r.epoch);
    e.set("epochs", r.epochs);
    e.set("loss", r.loss);
    e.set("learning_rate", r.learning_rate);
    e.set("samples_per_second", r.samples_per_second);
    e.set("progress", r.progress);
    console_.line(e);
  }
  void epoch(const EpochReport& r) override {
    Json e = event("epoch");
    e.set("epoch", r.epoch);
    e.set("epochs", r.epochs);
    e.set("train_loss", r.train_loss);
    for (const auto& [name, value] : r.columns) e.set(name, value);
    e.set("seconds", r.seconds);
    console_.line(e);
  }
  void validation(const ValidationReport& r) override {
    Json e = event("validation");
    e.set("step", r.step);
    e.set("epoch", r.epoch);
    for (const auto& [name, value] : r.columns) e.set(name, value);
    console_.line(e);
  }
  void warning(const std::string& sentence) override {
    Json e = event("warning");
    e.set("message", sentence);
    console_.line(e);
  }

 private:
  Json event(const char* name) {
    Json e = Json::object();
    e.set("event", name);
    e.set("time", iso_time(clocks_.time()));
    return e;
  }
  Console& console_;
  Clocks clocks_;
  std::optional<double> last_;
};

}  // namespace

std::unique_ptr<Progress> make_progress(Console& console, Clocks clocks) {
  if (console.json) return std::make_unique<JsonProgress>(console, std::move(clocks));
  if (console.quiet) return std::make_unique<QuietProgress>(console);
  if (console.err_terminal.redraws) return std::make_unique<BarProgress>(console, std::move(clocks));
  return std::make_unique<LineProgress>(console, std::move(clocks));
}

}  // namespace lamina::cli
