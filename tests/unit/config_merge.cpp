// extends, --set and the documents made from the table of keys.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/files.hpp"
#include "config/keys.hpp"
#include "config/merge.hpp"
#include "config/settings.hpp"
#include "config_fake.hpp"

using namespace lamina;
using fake::contains;
using fake::faults;
using fake::file;
using fake::load;

namespace {

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("lamina-merge-" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path / "base"); }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
  std::string faults(const std::string& name) const {
    try {
      load_experiment(path / name, fake::catalogue());
      return "";
    } catch (const ConfigError& error) {
      std::string text = error.what();
      for (size_t at; (at = text.find(path.string() + "/")) != text.npos;) text.erase(at, path.string().size() + 1);
      return text;
    }
  }
};

std::string merged(const std::string& target, const std::string& patch) {
  Faults none;
  Json result = parse_json(target, {"t"}, none);
  merge_patch(result, parse_json(patch, {"p"}, none));
  return to_text(result, false);
}

}  // namespace

TEST_CASE("merge: the examples of RFC 7396, appendix A") {
  const char* cases[][3] = {{R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
                            {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
                            {R"({"a":"b"})", R"({"a":null})", "{}"},
                            {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
                            {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
                            {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
                            {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
                            {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
                            {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
                            {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
                            {R"({"a":"foo"})", "null", "null"},
                            {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
                            {"[1,2]", R"({"a":"b","c":null})", R"({"a":"b"})"},
                            {"{}", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"}};
  for (const auto& c : cases) CHECK(merged(c[0], c[1]) == c[2]);
}

TEST_CASE("extends: files are laid over one another, faults name the file they come from") {
  const Folder folder;
  folder.write("base/net.json", "{\"network\": {\"layers\": [{\"type\": \"relu\"}]},\n \"loss\": {\"type\": \"mse\"}, \"seed\": 3}");
  folder.write(
      "base/all.json",
      R"({"extends": "net.json", "training": {"epochs": 2, "batch_size": 8}, "optimizer": {"type": "momentum", "momentum": 0.5, "learning_rate": 1},
    "dataset": {"type": "idx", "path": "d"}})");
  folder.write("e.json", R"({"extends": ["base/all.json"], "training": {"epochs": null, "steps": 7}, "optimizer": {"momentum": null}})");
  const Experiment e = load_experiment(folder.path / "e.json", fake::catalogue());
  CHECK(e.seed == 3);
  CHECK(e.training.steps == 7);
  CHECK(!e.training.epochs);
  CHECK(e.training.batch_size == 8);
  CHECK(e.optimizer.settings[0].reals[0] == 0.9);
  CHECK(e.dataset->settings[0].texts[0] == (folder.path / "d").string());  // seen from the experiment, not from the base
  CHECK(e.resolved.find("extends") == nullptr);

  folder.write("base/net.json", "{\"network\": {\"layers\": [{\"type\": \"relu\"}]},\n \"loss\": {\"type\": \"msee\"}, \"seed\": 3}");
  folder.write("f.json", R"({"extends": "base/all.json", "sede": 1})");
  CHECK(folder.faults("f.json") ==
        "f.json:1:30  /sede: unknown key \"sede\" of the experiment; did you mean \"seed\"? known: $schema, backend, checkpoint, dataset, "
        "description, "
        "extends, initial_weights, logging, loss, metrics, name, network, optimizer, record, schedule, seed, training, transforms\n"
        "base/net.json:2:19  /loss/type: no loss plugin is named \"msee\"; did you mean \"mse\"? known: cross_entropy, mse");
}

TEST_CASE("extends: a null of the extended file, a parameter that each use of a block gives, stays") {
  const Folder folder;
  folder.write("net.json", R"({"network": {"blocks": {"b": {"parameters": {"filters": null, "size": 1}}}}})");
  folder.write("e.json", R"({"extends": ["net.json"], "network": {"blocks": {"b": {"parameters": {"size": null}}}}})");
  Faults none;
  const auto document = read_extended(read_file(folder.path / "e.json", json_byte_limit), folder.path / "e.json", none);
  REQUIRE(document);
  CHECK(to_text(*document, false) == R"({"network":{"blocks":{"b":{"parameters":{"filters":null}}}}})");
}

TEST_CASE("extends: circles, missing files and files that are none") {
  const Folder folder;
  folder.write("a.json", "{\"extends\": \"b.json\"}");
  folder.write("b.json", "{\n\"extends\": [\"base/../c.json\"]}");
  folder.write("c.json", "{\"extends\": \"a.json\"}");
  CHECK(folder.faults("a.json") == "c.json:1:13  /extends: \"extends\" runs in a circle: a.json → b.json → c.json → a.json");
  folder.write("self.json", "{\"extends\": \"self.json\"}");
  CHECK(contains(folder.faults("self.json"), "self.json:1:13  /extends: \"extends\" runs in a circle: self.json → self.json"));
  folder.write("c.json", "{\"extends\": \"nowhere.json\"}");
  CHECK(contains(folder.faults("a.json"), "c.json:1:13  /extends: The file \"nowhere.json\" cannot be opened: No such file or directory."));
  CHECK(contains(folder.faults("a.json"), "It is wanted by a.json → b.json → c.json → nowhere.json"));
  folder.write("c.json", "{\"extends\": \"base\"}");
  CHECK(contains(folder.faults("a.json"), "is a folder"));
  folder.write("c.json", "{\"extends\": [1]}");
  CHECK(contains(folder.faults("a.json"), "c.json:1:14  /extends/0: an extended file is an integer; wanted a path"));
  folder.write("c.json", "{\"extends\": 1}");
  CHECK(contains(folder.faults("a.json"), "wanted a file or a list of files"));
  folder.write("c.json", "{\"seed\": }");
  CHECK(contains(folder.faults("a.json"), "c.json:1:10  /seed: unexpected \"}\"; wanted a value"));
  for (int i = 0; i < 40; ++i)
    folder.write("d" + std::to_string(i) + ".json",
                 "{\"extends\": [\"d" + std::to_string(i + 1) + ".json\", \"d" + std::to_string(i + 1) + ".json\"]}");
  CHECK(contains(folder.faults("d0.json"), "more than 32 files in a chain"));
  CHECK(contains(folder.faults("absent.json"), "cannot be opened: No such file"));
}

TEST_CASE("--set: values, elements by index and name, absent objects") {
  const std::string text =
      file(R"({"type": "conv", "name": "c1", "filters": 6, "kernel": 5}, {"type": "relu"}, {"type": "dense", "units": 2})",
           R"("metrics": ["accuracy"], )");
  const Experiment e =
      load(text, {"network.layers[c1].filters=32", "network.layers[0].kernel=[3,5]", "network.layers[dense_1].units=7", "seed=5",
                  "checkpoint.keep=9", "network.layers[c1].padding=same", "optimizer.learning_rate=1e-3", "description=a b = c",
                  "metrics[accuracy]={\"type\": \"top_k\"}", "training.batch_size=null", "training.batch_size=16"});
  CHECK(e.layers[0].layer.settings[0] == Attribute("filters", 32));
  CHECK(e.layers[0].layer.settings[1] == Attribute("kernel", Shape{3, 5}));
  CHECK(e.layers[0].layer.settings[3] == Attribute("padding", "same"));
  CHECK(e.layers[2].layer.settings[0] == Attribute("units", 7));
  CHECK(e.seed == 5);
  CHECK(e.checkpoint.keep == 9);
  CHECK(e.learning_rate == 1e-3);
  CHECK(e.description == "a b = c");
  CHECK(e.metrics[0].name == "top_k");
  CHECK(e.training.batch_size == 16);
  CHECK(e.overrides.size() == 11);
}

TEST_CASE("--set: faults say that they come from it") {
  const std::string text = file(R"({"type": "conv", "name": "c1", "filters": 6, "kernel": 5})");
  CHECK(faults(text, {"seed=-1"}) == "--set seed=-1  /seed: \"seed\" is -1; wanted an integer in [0, inf)");
  CHECK(contains(faults(text, {"trainng.epochs=3"}),
                 "--set trainng.epochs=3  /trainng: unknown key \"trainng\" of the experiment; did you mean \"training\"?"));
  CHECK(contains(faults(text, {"training.epoch=3"}), "--set training.epoch=3  /training/epoch: unknown key \"epoch\""));
  CHECK(contains(faults(text, {"network.layers[c2].filters=3"}),
                 "/network/layers: there is no element [c2] in this list of 1; did you mean \"c1\"?"));
  CHECK(contains(faults(text, {"network.layers[5].filters=3"}), "there is no element [5]"));
  CHECK(contains(faults(text, {"network.layers[99999999999999999999999].filters=3"}), "there is no element"));
  CHECK(contains(faults(text, {"network.layers.c1.filters=3"}), "the key \"c1\" wants an object here, this is a list"));
  CHECK(contains(faults(text, {"network[0]=3"}), "[0] wants a list here, this is an object"));
  CHECK(contains(faults(text, {"seed=1e999"}), "--set seed=1e999  /seed: \"seed\" is \"1e999\"; wanted an integer"));
  for (const char* bad : {"", "=", "seed", ".seed=1", "a..b=1", "a[=1", "a[]=1", "[0]=1", "a[0]b=1", "a.=1"})
    CHECK(contains(faults(text, {bad}), "an override is path=value"));
}

TEST_CASE("settings: there and back, and told to people") {
  const auto& parameters = fake::catalogue().find("layer", "conv").parameters;
  Faults none;
  const Json object = parse_json(R"({"filters": 2, "kernel": [3, 4], "stride": 2})", {"f"}, none);
  const auto settings = read_settings(parameters, object, "", "/", none);
  CHECK(to_text(to_json(parameters, settings), false) == R"({"filters":2,"kernel":[3,4],"stride":2,"padding":"valid","bias":true})");
  CHECK(facts_text(parameters[0]) == "integer in [1, inf); required");
  CHECK(facts_text(parameters[2]) == "integer in [1, inf), for all axes or a list with one per axis; default 1");
  CHECK(facts_text(parameters[3]) == "text: same | valid; default \"valid\"");
  CHECK(facts_text(fake::catalogue().find("optimizer", "momentum").parameters[0]) ==
        "real in [0, 1); default 0.9; may change from step to step");
}

TEST_CASE("keys: the reference has a row for every key") {
  const std::string text = config_reference();
  CHECK(contains(text, "| `training.last_batch` | text: keep \\| drop | `\"keep\"` | what happens"));
  CHECK(contains(text, "| `optimizer.learning_rate` | real in [0, inf) | required |"));
  CHECK(contains(text, "| `network.layers[].…` | | | settings of the layer plugin |"));
}
