#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/format.hpp"
#include "cli/result.hpp"
#include "train/run.hpp"

namespace lamina::cli {

int evaluate_command(Context& context) {
  const Arguments& a = context.arguments;
  Console& console = context.console;
  const Scores scores = evaluate_run(a.run, a.split, a.checkpoint, context.registry, a.overrides);
  if (console.json) {
    Json j = Json::object();
    j.set("folder", a.run.string());
    j.set("split", a.split);
    j.set("scores", scores_json(scores));
    console.document(j);
  } else {
    std::string text = escaped(a.split);
    for (const auto& [name, value] : scores) text += "  " + escaped(spaced(name)) + " " + score(value);
    console.out << text + "\n";
  }
  return 0;
}

int predict_command(Context& context) {
  const Arguments& a = context.arguments;
  Console& console = context.console;
  const int64_t samples = predict(a.run, a.input, a.output, a.layers, a.checkpoint, context.registry, a.overrides);
  if (console.json) {
    Json j = Json::object();
    j.set("samples", samples);
    j.set("output", a.output.string());
    console.document(j);
  } else {
    console.out << counted(samples, "sample") + ", written to " + escaped(a.output.string()) + "\n";
  }
  return 0;
}

}  // namespace lamina::cli
