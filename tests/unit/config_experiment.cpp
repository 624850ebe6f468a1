// Whole experiments: what good files become, and what is told of bad ones (text, position, pointer, nearest name).
#include <doctest/doctest.h>

#include "config_fake.hpp"

using namespace lamina;
using fake::contains;
using fake::faults;
using fake::file;
using fake::load;

namespace {
const std::string lenet = R"(// the comment stays in the source
{
  "$schema": "experiment.schema.json",
  "name": "lenet5", "description": "clothes", "seed": 9223372036854775807,
  "dataset": {"type": "idx", "path": "data/mnist", "validation": {"fraction": 0.1}},
  "transforms": [{"type": "normalize", "mean": [0.5, 0.25]}],
  "network": {"layers": [
    {"type": "conv", "name": "c1", "filters": 6, "kernel": 5, "padding": "same", "initializer": {"type": "he"}},
    {"type": "relu"},
    {"type": "conv", "filters": 16, "kernel": [5, 3], "trainable": false, "learning_rate_scale": 2,
     "initializer": {"weight": {"type": "normal", "deviation": 1}, "bias": {"type": "he"}}},
    {"type": "relu", "training": false},
    {"type": "dense", "name": "logits", "units": 10}
  ]},
  "loss": {"type": "cross_entropy"},
  "metrics": ["accuracy", {"type": "top_k", "name": "top_3", "k": 3}],
  "optimizer": {"type": "momentum", "learning_rate": 0, "momentum": 0.5},
  "schedule": {"type": "cosine"},
  "training": {"epochs": 5, "batch_size": 64, "last_batch": "drop", "shuffle": false, "on_nonfinite": "skip"},
  "backend": {"type": "reference", "precision": "float32"},
  "initial_weights": {"file": "../w.h5", "map": {"a": "c1.weight"}},
  "checkpoint": {"every_epochs": 2, "every_steps": 100, "keep": 3},
  "logging": {"every_steps": 20}
})";
}  // namespace

TEST_CASE("experiment: a good file becomes values") {
  const Experiment e = load(lenet);
  CHECK(e.name == "lenet5");
  CHECK(e.seed == INT64_MAX);
  CHECK(e.source == lenet);
  REQUIRE(e.dataset);
  CHECK(e.dataset->settings[0].texts[0] == "/exp/data/mnist");
  CHECK(e.validation.fraction == 0.1);
  CHECK(e.transforms[0].columns == std::vector<std::string>{"input"});
  CHECK(e.transforms[0].transform.settings[0].reals == std::vector<double>{0.5, 0.25});
  REQUIRE(e.layers.size() == 5);
  CHECK(e.layers[1].path == "relu_1");
  CHECK(e.layers[2].path == "conv_2");
  CHECK(e.layers[3].path == "relu_2");
  CHECK(e.layers[0].inputs[0].column == "input");
  CHECK(e.layers[4].inputs[0].layer == 3);
  const auto& settings = e.layers[2].layer.settings;  // in the order of the declaration, with defaults
  CHECK(settings[0] == Attribute("filters", 16));
  CHECK(settings[1] == Attribute("kernel", Shape{5, 3}));
  CHECK(settings[2] == Attribute("stride", Shape{1}));
  CHECK(settings[3] == Attribute("padding", "valid"));
  CHECK(settings[4] == Attribute("bias", true));
  CHECK(!e.layers[2].trainable);
  CHECK(e.layers[2].learning_rate_scale == 2);
  CHECK(e.layers[2].initializers[1].parameter == "bias");
  CHECK(e.layers[2].initializers[0].initializer.settings[0].reals[0] == 1);
  CHECK(e.layers[0].initializers[0].parameter == "weight");
  CHECK(!e.layers[3].training);
  CHECK(e.losses[0].prediction.layer == 4);
  CHECK(e.losses[0].target.column == "target");
  CHECK(!e.losses[0].weight);
  CHECK(e.metrics[0].name == "accuracy");
  CHECK(e.metrics[1].name == "top_3");
  CHECK(e.metrics[1].prediction.layer == 4);
  CHECK(e.learning_rate == 0);
  CHECK(e.optimizer.settings[0].reals[0] == 0.5);
  CHECK(e.schedules.at(0).schedule.plugin->name == "cosine");
  CHECK(e.training.epochs == 5);
  CHECK(!e.training.steps);
  CHECK(e.training.drop_last_batch);
  CHECK(!e.training.shuffle);
  CHECK(e.training.skip_nonfinite);
  CHECK(e.backend.settings[0].texts[0] == "float32");
  CHECK(e.initial_weights->file == "/w.h5");
  CHECK(e.initial_weights->map.at("a") == "c1.weight");
  CHECK(e.checkpoint.every_steps == 100);
  CHECK(e.log_every_steps == 20);
  CHECK(e.layers[0].layer.place.position.text() == "/exp/f.json:8:5");
  CHECK(e.layers[0].layer.place.pointer == "/network/layers/0");
}

TEST_CASE("experiment: the resolved file is an experiment again, the same one") {
  for (const std::string& text : {lenet, file(R"({"type": "relu"})")}) {
    const Experiment e = load(text);
    const std::string resolved = to_text(e.resolved);
    const Experiment again = load_experiment(resolved, "/elsewhere/resolved.json", fake::catalogue());
    CHECK(to_text(again.resolved) == resolved);
    CHECK(again.layers.size() == e.layers.size());
  }
  const Experiment e = load(file(R"({"type": "conv", "filters": 1, "kernel": 3})"));
  CHECK(e.name == "f");
  CHECK(to_text(*e.resolved.find("network"), false) ==
        R"({"layers":[{"type":"conv","name":"conv_1","inputs":["input"],"trainable":true,"training":true,"learning_rate_scale":1.0,)"
        R"("filters":1,"kernel":3,"stride":1,"padding":"valid","bias":true}]})");
  CHECK(to_text(*e.resolved.find("backend"), false) == R"({"type":"cpu","threads":0})");
}

TEST_CASE("experiment: another backend keeps the settings that both have, but no device") {
  const std::string text = file(R"({"type": "relu"})", R"("backend": {"type": "reference", "precision": "float32", "device": "a"}, )");
  const auto backend = [&](const std::vector<std::string>& overrides) {
    return to_text(*load_experiment(text, "/exp/f.json", fake::catalogue(), overrides).resolved.find("backend"), false);
  };
  CHECK(backend({}) == R"({"type":"reference","precision":"float32","device":"a"})");
  CHECK(backend({"backend.type=gpu"}) == R"({"type":"gpu","device":"first","precision":"float32"})");
  CHECK(backend({"backend.device=b", "backend.type=gpu"}) == R"({"type":"gpu","device":"b","precision":"float32"})");
  CHECK(backend({"backend.type=cpu"}) == R"({"type":"cpu","threads":0})");
  CHECK(contains(faults(text, {"backend.type=cpu", "backend.precision=float32"}), "unknown key \"precision\" of backend \"cpu\""));
  CHECK(contains(faults(text, {"backend.type=gpi"}), "no backend plugin is named \"gpi\""));
  // A word that the other does not know stays behind too.
  const std::string narrow =
      to_text(load_experiment(text, "/exp/f.json", fake::catalogue(), {"backend.type=gpu", "backend.precision=float16"}).resolved);
  const Experiment moved = load_experiment(narrow, "/exp/f.json", fake::catalogue(), {"backend.type=reference"});
  CHECK(to_text(*moved.resolved.find("backend"), false) == R"({"type":"reference","precision":"float64"})");
}

TEST_CASE("paths are relative to the file, on the command line to the folder of the shell") {
  const auto path = [](const std::vector<std::string>& overrides) {
    return to_text(*fake::load(R"({"dataset": {"type": "idx", "path": "data"}, "network": {"layers": [{"type": "dense", "units": 2}]},
      "loss": {"type": "cross_entropy"}, "optimizer": {"type": "sgd", "learning_rate": 0.1}, "training": {"epochs": 1, "batch_size": 1}})",
                               overrides)
                        .resolved.find("dataset")
                        ->find("path"));
  };
  CHECK(contains(path({}), "\"/exp/data\""));
  CHECK(contains(path({"dataset.path=other"}), "\"" + (std::filesystem::current_path() / "other").string() + "\""));
}

TEST_CASE("experiment: all faults of a file are told at once, in its order") {
  const std::string text = R"({
  "dataset": {"type": "idx", "path": 7},
  "network": {"layers": [
    {"type": "conv", "filtres": 6, "kernel": 5},
    {"type": "relu", "name": "relu"},
    {"type": "dense", "units": 0, "name": "relu"}
  ]},
  "loss": {"type": "cross_entropi"},
  "optimizer": {"type": "momentum", "learning_rate": -1, "momentum": 1.0},
  "training": {"epochs": "five", "batch_size": 64, "lastbatch": "keep"}
})";
  int exit = 0;
  CHECK(faults(text, {}, &exit) ==
        "f.json:2:38  /dataset/path: \"path\" is 7; wanted the path of a file or folder\n"
        "f.json:4:5  /network/layers/0: \"filters\" is missing; wanted an integer in [1, inf)\n"
        "f.json:4:22  /network/layers/0/filtres: unknown key \"filtres\" of layer \"conv\"; did you mean \"filters\"? known: bias, block, "
        "filters, "
        "initializer, inputs, kernel, learning_rate_scale, name, padding, regularize, share, stride, trainable, training, type\n"
        "f.json:6:32  /network/layers/2/units: \"units\" is 0; wanted an integer in [1, inf)\n"
        "f.json:6:43  /network/layers/2/name: a second layer is named \"relu\"; the first is at f.json:5:30\n"
        "f.json:8:20  /loss/type: no loss plugin is named \"cross_entropi\"; did you mean \"cross_entropy\"? known: cross_entropy, mse\n"
        "f.json:9:54  /optimizer/learning_rate: \"learning_rate\" is -1; wanted a number in [0, inf)\n"
        "f.json:9:70  /optimizer/momentum: \"momentum\" is 1.0; wanted a number in [0, 1)\n"
        "f.json:10:26  /training/epochs: \"epochs\" is \"five\"; wanted an integer in [1, inf)\n"
        "f.json:10:52  /training/lastbatch: unknown key \"lastbatch\" of the training section; did you mean \"last_batch\"? known: "
        "accumulate, average, batch_size, "
        "clip, early_stopping, epochs, keep_best, last_batch, on_nonfinite, overfit_batches, sampling, shuffle, steps, "
        "validate_every_epochs, validate_every_steps");
  CHECK(exit == 3);
}

TEST_CASE("experiment: missing and foreign plugins") {
  int exit = 0;
  CHECK(contains(faults(file(R"({"type": "cnov"})")),
                 "f.json:3:10  /network/layers/0/type: no layer plugin is named \"cnov\"; did you mean \"conv\"?"));
  CHECK(contains(faults(file(R"({"type": "../conv"})"), {}, &exit), "no layer plugin is named \"../conv\""));
  CHECK(exit == 3);
  CHECK(faults(file(R"({"type": "broken"})"), {}, &exit) ==
        "f.json:3:10  /network/layers/0/type: The plugin broken.so was built for version 2 of the interface.");
  CHECK(exit == 4);
  faults(file(R"({"type": "broken"}, {"type": "dense"})"), {}, &exit);
  CHECK(exit == 3);
  CHECK(contains(faults(file(R"({"type": "clash"})")), "declares a parameter \"inputs\", which is a key of the experiment file"));
  CHECK(contains(faults(file(R"({"type": "conv", "filters": 1, "kernel": 1, "initializer": {"type": "hee"}})")),
                 "f.json:3:69  /network/layers/0/initializer/type: no initializer plugin is named \"hee\"; did you mean \"he\"?"));
  CHECK(contains(faults(file(R"({"type": "relu"})", R"("backend": {"type": "vulcan"}, )")),
                 "/backend/type: no backend plugin is named \"vulcan\""));
}

TEST_CASE("experiment: unknown keys at every level") {
  CHECK(contains(faults(file(R"({"type": "relu"})", R"("epochs": 3, )")), "/epochs: unknown key \"epochs\" of the experiment; known: "));
  CHECK(contains(faults(file(R"({"type": "relu"})", R"("checkpoint": {"evry_epochs": 3}, )")), "did you mean \"every_epochs\"?"));
  CHECK(contains(faults(file(R"({"type": "relu"})", "", R"("blokcs": {}, )")),
                 "/network/blokcs: unknown key \"blokcs\" of the network; did you mean \"blocks\"?"));
  CHECK(contains(faults(file(R"({"type": "relu", "leaky": 1})")), "unknown key \"leaky\" of layer \"relu\""));
  CHECK(contains(faults(file(R"({"type": "relu"})", R"("schedule": {"type": "cosine", "warmup": 1}, )")), "/schedule/warmup"));
  CHECK(!contains(faults(file(R"({"type": "rleu", "anything": 1})")), "anything"));  // whose keys these are is not known
}

TEST_CASE("experiment: types and ranges") {
  const auto layer = [](const std::string& settings) {
    return faults(file("{\"type\": \"conv\", \"filters\": 4, \"kernel\": 3, " + settings + "}"));
  };
  CHECK(
      contains(layer("\"stride\": 0"),
               "f.json:3:55  /network/layers/0/stride: \"stride\" is 0; wanted a list of integers, each in [1, inf), or one for all axes"));
  CHECK(contains(layer("\"stride\": [1, 2.5]"), "f.json:3:59  /network/layers/0/stride/1: \"stride\" is 2.5; wanted a list"));
  CHECK(contains(layer("\"stride\": []"), "/network/layers/0/stride: \"stride\" is an empty list"));
  CHECK(contains(layer("\"padding\": \"smae\""), "\"padding\" is \"smae\"; wanted \"same\" or \"valid\"; did you mean \"same\"?"));
  CHECK(contains(layer("\"bias\": 1"), "\"bias\" is 1; wanted true or false"));
  CHECK(contains(layer("\"bias\": {}"), "\"bias\" is an object; wanted true or false"));
  CHECK(layer("\"bias\": null") == "");
  CHECK(contains(layer("\"learning_rate_scale\": -1"), "wanted a number in [0, inf)"));
  CHECK(contains(faults(file(R"({"type": "dropout", "probability": 1})")), "\"probability\" is 1; wanted a number in [0, 1)"));
  CHECK(faults(file(R"({"type": "dropout", "probability": 0})")) == "");  // an integer stands for a real
  CHECK(contains(faults(file(R"({"type": "dense", "units": 10.0})")), "\"units\" is 10.0; wanted an integer"));
  CHECK(contains(faults(file(R"({"type": "dense", "units": null})")), "\"units\" is null; wanted an integer in [1, inf)"));
  CHECK(contains(faults(file(R"({"type": "convert", "to": "flaot16"})")), "did you mean \"float16\"?"));
  CHECK(load(file(R"({"type": "convert", "to": "uint8"})")).layers[0].layer.settings[0] == Attribute("to", DType::uint8));
  CHECK(load(file(R"({"type": "convert", "to": "uint8"})")).layers[0].layer.settings.size() == 1);  // "scale" has no default
  CHECK(contains(faults(file(R"({"type": "relu"})", R"("seed": -1, )")), "/seed: \"seed\" is -1; wanted an integer in [0, inf)"));
  CHECK(contains(faults(file(R"({"type": "relu"})", R"("seed": 9223372036854775808, )")), "does not fit in 64 bits"));
  CHECK(contains(faults(file(R"({"type": "relu"})", R"("name": "a/b", )")), "/name: the name \"a/b\" is not made of"));
  CHECK(contains(faults(file("3")), "f.json:3:1  /network/layers/0: a layer is an object, this is an integer"));
  CHECK(contains(faults(file("")), "/network/layers: \"layers\" is a list of one or more layers"));
  CHECK(faults("[]") == "f.json:1:1: an experiment is an object, this is a list");
  CHECK(contains(faults("{}"), "f.json:1:1: \"network\" of the experiment is missing"));
  CHECK(contains(faults("{\"a\": 1, \"a\": 2}"), "stands twice"));
  CHECK(contains(faults("{\"network\": 3}"), "f.json:1:13  /network: the network is an integer; wanted an object"));
}

TEST_CASE("experiment: sections that exclude or need each other") {
  const auto training = [](const std::string& t, const std::string& dataset = R"("dataset": {"type": "idx", "path": "d"}, )") {
    return faults("{" + dataset +
                  R"("network": {"layers": [{"type": "parameter", "shape": [2]}]}, "loss": {"type": "mse", "target": "parameter_1"},
                   "optimizer": {"type": "sgd", "learning_rate": 1}, "training": )" +
                  t + "}");
  };
  CHECK(training(R"({"steps": 3, "batch_size": 2})") == "");
  CHECK(training(R"({"steps": 3})", "") == "");
  CHECK(contains(training(R"({"steps": 3, "epochs": 3, "batch_size": 2})"), "either \"epochs\" or \"steps\", this has both"));
  CHECK(contains(training(R"({"batch_size": 2})"), "\"epochs\" or \"steps\" of the training section is missing"));
  CHECK(contains(training(R"({"steps": 3})"), "\"batch_size\" is missing"));
  CHECK(contains(training(R"({"steps": 3, "batch_size": null})"), "\"batch_size\" is missing"));
  CHECK(contains(training(R"({"epochs": null, "batch_size": 2})"), "\"epochs\" or \"steps\" of the training section is missing"));
  CHECK(training(R"({"epochs": null, "steps": 3, "batch_size": 2})") == "");
  CHECK(contains(training(R"({"epochs": 3})", ""), "without a dataset there are no epochs"));
  CHECK(contains(training(R"({"epochs": 3, "batch_size": 1})",
                          R"("dataset": {"type": "idx", "path": "d", "validation": {"fraction": 0.5, "samples": 3}}, )"),
                 "either \"fraction\" or \"samples\""));
  CHECK(
      contains(training(R"({"epochs": 3, "batch_size": 1})", R"("dataset": {"type": "idx", "path": "d", "validation": {"fraction": 1}}, )"),
               "/dataset/validation/fraction: \"fraction\" is 1; wanted a number in (0, 1)"));
  CHECK(contains(training(R"({"steps": 3})", R"("transforms": [{"type": "normalize"}], )"), "the experiment has none"));
  CHECK(contains(faults(file(R"({"type": "relu"})", R"("metrics": ["accuracy", "accuracy"], )")),
                 "/metrics/1: a second column would be named \"accuracy\""));
  CHECK(contains(faults(file(R"({"type": "relu"})", R"("metrics": [{"type": "top_k", "weight": "input"}], )")),
                 "the metric \"top_k\" takes no weights"));
  CHECK(contains(faults(file(R"({"type": "relu"})", R"("metrics": [""], )")), "/metrics/0: no metric plugin is named \"\""));
}

TEST_CASE("experiment: one loss or several") {
  const auto losses = [](const std::string& list, const std::string& more = "") {
    return R"({"dataset": {"type": "idx", "path": "d"}, "network": {"layers": [{"type": "relu"}, {"type": "dense", "units": 3}]},
              "optimizer": {"type": "sgd", "learning_rate": 1}, "training": {"steps": 3, "batch_size": 2}, )" +
           more + "\n\"loss\": " + list + "}";
  };
  const Experiment one = load(losses(R"({"type": "mse"})"));
  REQUIRE(one.losses.size() == 1);
  CHECK(one.losses[0].column() == "");
  CHECK(to_text(*one.resolved.find("loss"), false) == R"({"type":"mse","prediction":"dense_1","target":"target","scale":1.0})");
  const std::string two =
      R"([{"type": "mse", "target": "input", "prediction": "relu_1", "name": "copy"}, {"type": "cross_entropy", "scale": -0.5}])";
  const Experiment several = load(losses(two, R"("metrics": ["accuracy"], )"));
  REQUIRE(several.losses.size() == 2);
  CHECK(several.losses[0].column() == "copy_loss");
  CHECK(several.losses[0].target.column == "input");
  CHECK(several.losses[1].column() == "cross_entropy_loss");
  CHECK(several.losses[1].scale == -0.5);
  CHECK(several.metrics[0].prediction.layer == 0);  // the first loss's
  CHECK(to_text(load_experiment(to_text(several.resolved), "/r.json", fake::catalogue()).resolved) == to_text(several.resolved));
  CHECK(load_experiment(losses(two), "/f.json", fake::catalogue(), {"loss[copy].scale=3"}).losses[0].scale == 3);
  CHECK(contains(faults(losses("[]")), "f.json:3:9  /loss: \"loss\" is an empty list"));
  CHECK(contains(faults(losses("7")), "/loss: the loss is an integer; wanted an object"));
  CHECK(contains(faults(losses(R"([{"type": "mse"}, {"type": "mse"}])")),
                 "f.json:3:27  /loss/1: a second column would be named \"mse_loss\""));
  CHECK(contains(faults(losses(R"([{"type": "mse", "name": "B"}])")), "/loss/0/name: the loss name \"B\" is not made of"));
  CHECK(contains(faults(losses(R"([{"type": "mse", "weight": "input"}])")), "/loss/0/weight: the loss \"mse\" takes no weights"));
  CHECK(
      contains(faults(losses(R"([{"type": "mse", "target": "inptu"}])")), "/loss/0/target: there is no layer or dataset column \"inptu\""));
  CHECK(contains(faults(losses(R"([{"type": "mse"}])", R"("metrics": [{"type": "accuracy", "name": "mse_loss"}], )")), "a second column"));
}

TEST_CASE("experiment: groups of parameters override what the optimizer's object says") {
  const auto groups = [](const std::string& list, const std::string& rate = "0.5") {
    return R"({"dataset": {"type": "idx", "path": "d"}, "network": {"layers": [{"type": "dense", "units": 3, "regularize": {"l2": 2}}]},
              "loss": {"type": "mse"}, "training": {"steps": 3, "batch_size": 2},
              "optimizer": {"type": "momentum", "momentum": 0.5, "learning_rate": )" +
           rate + ", \"groups\":\n" + list + "}}";
  };
  const Experiment e =
      load(groups(R"([{"match": ["a/*", "b"], "momentum": 0.25, "learning_rate": 2}, {"match": "*", "trainable": false}])"));
  REQUIRE(e.groups.size() == 2);
  CHECK(e.groups[0].patterns[1].first == "b");
  CHECK(e.groups[0].patterns[1].second.pointer == "/optimizer/groups/0/match/1");
  CHECK(e.groups[0].optimizer.settings == std::vector<Attribute>{{"momentum", 0.25}});
  CHECK(e.groups[0].optimizer.place_of("momentum").pointer == "/optimizer/groups/0/momentum");
  CHECK(e.groups[0].learning_rate == 2);
  CHECK(e.groups[1].given.empty());
  CHECK(e.groups[1].optimizer.settings == e.optimizer.settings);
  CHECK(e.groups[1].optimizer.place_of("momentum").pointer == "/optimizer/momentum");
  CHECK(!e.groups[1].trainable);
  CHECK(e.layers[0].regularize[0].parameter == "weight");
  CHECK(e.layers[0].regularize[0].l2 == 2);
  CHECK(to_text(load_experiment(to_text(e.resolved), "/r.json", fake::catalogue()).resolved) == to_text(e.resolved));
  CHECK(to_text(*e.resolved.find("optimizer")->find("groups"), false) ==
        R"([{"match":["a/*","b"],"learning_rate":2.0,"trainable":true,"momentum":0.25},)"
        R"({"match":["*"],"learning_rate_scale":1.0,"trainable":false}])");
  CHECK(contains(faults(groups(R"([{"match": "*", "learning_rate": 1}])", "0")),
                 "/optimizer/groups/0/learning_rate: it stands in proportion to the optimizer's"));
  CHECK(contains(faults(groups(R"([{"match": "*", "momentun": 1}])")),
                 "/optimizer/groups/0/momentun: unknown key \"momentun\" of a group of parameters; did you mean \"momentum\"?"));
}

TEST_CASE("experiment: hostile texts end in faults and cannot reach the terminal") {
  CHECK(contains(faults(std::string(100'000, '[')), "nests deeper than 64"));
  CHECK(!contains(faults(file("{\"type\": \"\\u001b[2J\"}")), "\x1b"));
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += (i ? ",{\"type\": \"a" : "{\"type\": \"a") + std::to_string(i) + "\"}";
  CHECK(contains(faults(file(many)), "… and "));
}
