#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/format.hpp"
#include "cli/progress.hpp"
#include "cli/result.hpp"
#include "train/run.hpp"

namespace lamina::cli {

namespace {
WeightsChoice choice(const Arguments& a) {
  return {a.checkpoint, a.weights.empty() ? std::nullopt : std::optional(a.weights == "best" ? Weights::best : Weights::last)};
}
/// The file where it was named, else which weights of the run they are.
std::string weights_line(const Arguments& a, const ChosenWeights& weights) {
  return a.checkpoint ? escaped(weights.file.string()) + ", after step " + counted(weights.step) : escaped(weights_text(weights));
}
}  // namespace

int evaluate_command(Context& context) {
  const Arguments& a = context.arguments;
  Console& console = context.console;
  const auto [scores, weights, warnings, kept] = evaluate_run(a.run, a.split, choice(a), context.registry, a.overrides);
  for (auto& sentence : warnings) console.err << warning_text(console, sentence) + "\n" << std::flush;
  if (console.json) {
    Json j = Json::object();
    j.set("folder", a.run.string());
    j.set("split", a.split);
    j.set("weights", weights_json(weights));
    j.set("scores", scores_json(scores));
    j.set("kept", kept);
    console.document(j);
  } else {
    std::string text = escaped(a.split);
    for (const auto& [name, value] : scores) text += "  " + escaped(spaced(name)) + " " + score(value);
    console.out << "weights  " + weights_line(a, weights) + "\n" + text +
                       (kept ? "\n" : "  (other data than the run's: not kept in run.h5)\n");
  }
  return 0;
}

int predict_command(Context& context) {
  const Arguments& a = context.arguments;
  Console& console = context.console;
  const auto [samples, weights] = predict(a.run, {a.input, a.split}, a.output, a.layers, choice(a), context.registry, a.overrides);
  if (console.json) {
    Json j = Json::object();
    j.set("samples", samples);
    j.set("output", a.output.string());
    j.set("weights", weights_json(weights));
    console.document(j);
  } else {
    console.out << counted(samples, "sample") + ", written to " + escaped(a.output.string()) + "; weights: " + weights_line(a, weights) +
                       "\n";
  }
  return 0;
}

}  // namespace lamina::cli
