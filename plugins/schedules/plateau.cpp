#include <lamina/schedule.hpp>

#include <limits>
using namespace lamina;

struct Plateau {
  std::string metric = "validation_loss", mode = "min", threshold_mode = "relative";
  double factor = 0.1, threshold = 1e-4, least_rate = 0;
  int64_t patience = 10, cooldown = 0;

  void declare(Declaration& d) {
    d.formula("η ← max(η · factor, least_rate) after more than patience epochs in a row in which the metric is not better than its best");
    d.details(
        "η starts at the optimizer's learning_rate. Better is below best · (1 − threshold), or best − threshold where absolute; above "
        "best · (1 + threshold) or best + threshold in mode max. PyTorch's ReduceLROnPlateau: epochs of the cooldown are not counted, "
        "and a change of at most 10⁻⁸ is left out. Only epochs that measure the metric count. The rate follows from all epochs' metrics "
        "anew, so a resumed run repeats it.");
    d.source("He, Zhang, Ren & Sun, CVPR 2016, section 3.4, by hand");
    d.optional("metric", metric, "column of the epochs' records, such as validation_loss, train_loss or validation_accuracy");
    d.optional("mode", mode, "min | max", "whether the metric shall fall or rise");
    d.optional("factor", factor, "[0, 1)", "what the rate is multiplied by");
    d.optional("patience", patience, "[0, inf)", "how many epochs without progress are borne");
    d.optional("threshold", threshold, "[0, inf)", "by how much the metric must be better to count as progress");
    d.optional("threshold_mode", threshold_mode, "relative | absolute",
               "whether threshold is a part of the best value, or a difference to it");
    d.optional("cooldown", cooldown, "[0, inf)", "how many epochs after a fall are not counted");
    d.optional("least_rate", least_rate, "[0, inf)", "the rate never falls below it");
    d.example(R"({"patience": 2, "factor": 0.5})");
  }
  double rate(const Moment& now) const {
    if (now.epoch > 0 && !now.metric(metric))
      throw Error("the epochs' records have no \"" + metric + "\"" + did_you_mean(metric, now.metrics()), "metric");
    const double sign = mode == "min" ? 1 : -1;  // of a value that shall fall
    double rate = now.learning_rate, best = sign * std::numeric_limits<double>::infinity();
    int64_t without_progress = 0, cooling = 0;
    for (const double value : now.history(metric)) {
      const double wanted = threshold_mode == "relative" ? best * (1 - sign * threshold) : best - sign * threshold;
      const bool better = sign * value < sign * wanted;
      if (better) best = value;
      without_progress = better || cooling > 0 ? 0 : without_progress + 1;
      if (cooling > 0) --cooling;
      if (without_progress <= patience) continue;
      const double next = std::max(rate * factor, least_rate);
      if (rate - next > 1e-8) rate = next;
      cooling = cooldown, without_progress = 0;
    }
    return rate;
  }
};
LAMINA_SCHEDULE(Plateau, "plateau", "a learning rate that falls when a metric stops to improve")
