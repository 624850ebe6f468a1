/// What `run`, `resume` and `summary` print: results as text and as JSON. Pure functions.
#pragma once
#include <optional>
#include <string>

#include "cli/terminal.hpp"
#include "train/run.hpp"

namespace lamina::cli {

/// Run folder, steps, time, and a line of scores per split.
std::string result_text(const RunReport& report, const Terminal& terminal);
Json scores_json(const Scores& scores);
/// The event "finished", or "stopped" with the command that goes on. `complete`: the run has no step left.
Json result_json(const RunReport& report, const std::string& time);
/// The scores of all runs of a cross-validation, a row for each, then their mean and their deviation (of a sample: divided by n − 1).
std::string folds_text(const std::vector<RunReport>& reports);
Json folds_json(const std::vector<RunReport>& reports, const std::string& time);
/// "best, of epoch 3 (validation loss 0.2754)", "last, after step 4,220", "FILE, after step 4,220"
std::string weights_text(const ChosenWeights& weights);
Json weights_json(const ChosenWeights& weights);
/// "lamina resume runs/lenet5-1"
std::string resume_line(const RunReport& report);

std::string summary_text(const ExperimentSummary& summary, const Terminal& terminal, bool verbose);
Json summary_json(const ExperimentSummary& summary);

}  // namespace lamina::cli
