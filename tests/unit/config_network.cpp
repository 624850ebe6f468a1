// Layers: names, inputs, circles, sharing, blocks.
#include <doctest/doctest.h>

#include "config_fake.hpp"

using namespace lamina;
using fake::contains;
using fake::faults;
using fake::file;
using fake::load;

namespace {

std::string order(const Experiment& e) {
  std::string text;
  for (const LayerConfig& l : e.layers) {
    text += l.path + "(";
    for (const Reference& r : l.inputs)
      text += (&r == l.inputs.data() ? "" : " ") +
              (r.is_column() ? r.column : e.layers[r.layer].path + (r.result ? "." + std::to_string(r.result) : ""));
    text += ") ";
  }
  return text;
}
const std::string residual = R"("blocks": {"residual": {
  "parameters": {"filters": 4, "stride": 1, "tag": null},
  "layers": [
    {"type": "conv", "name": "conv1", "filters": "${filters}", "kernel": 3, "stride": "${stride}"},
    {"type": "relu"},
    {"type": "conv", "name": "c_${tag}_${filters}", "filters": "${filters}", "kernel": 3},
    {"type": "add", "inputs": ["c_${tag}_${filters}", "in"]}
  ]}}, )";

}  // namespace

TEST_CASE("network: branches, several results, layers named before they appear") {
  const Experiment e = load(file(R"(
    {"type": "relu", "name": "a"},
    {"type": "attend", "name": "att", "inputs": ["a", "late"]},
    {"type": "add", "name": "sum", "inputs": ["att", "att.map", "input"]},
    {"type": "dense", "name": "late", "units": 3, "inputs": ["a"]},
    {"type": "relu", "inputs": ["sum"]})"));
  CHECK(order(e) == "a(input) late(a) att(a late) sum(att att.1 input) relu_2(sum) ");
  CHECK(e.layers[e.losses[0].prediction.layer].path == "relu_2");
  const std::string resolved = to_text(e.resolved);
  CHECK(contains(resolved, "\"inputs\": [\"att\", \"att.map\", \"input\"]"));
}

TEST_CASE("network: unknown inputs and counts") {
  CHECK(contains(faults(file(R"({"type": "relu", "name": "stem"}, {"type": "relu", "inputs": ["stme"]})")),
                 "f.json:3:63  /network/layers/1/inputs/0: there is no layer or dataset column \"stme\"; did you mean \"stem\"?"));
  CHECK(contains(faults(file(R"({"type": "relu", "inputs": ["inptu"]})")), "did you mean \"input\"?"));
  CHECK(contains(faults(file(R"({"type": "attend", "name": "a"}, {"type": "relu", "inputs": ["a.mpa"]})")),
                 "the layer \"a\" has no result \"mpa\"; did you mean \"map\"? known: map, y"));
  CHECK(contains(faults(file(R"({"type": "relu", "inputs": ["input", "target"]})")), "layer \"relu\" takes 1 input (x), got 2"));
  CHECK(contains(faults(file(R"({"type": "attend", "inputs": []})")), "layer \"attend\" takes 1 to 2 inputs (x, mask), got 0"));
  CHECK(contains(faults(file(R"({"type": "add", "inputs": []})")), "takes 1 or more inputs"));
  CHECK(contains(faults(file(R"({"type": "parameter", "shape": [], "inputs": ["input"]})")), "takes 0 inputs, got 1"));
  CHECK(contains(faults(file(R"({"type": "relu", "inputs": "input"})")), "\"inputs\" is \"input\"; wanted a list of texts"));
  CHECK(contains(faults(file(R"({"type": "relu", "name": "input"})")), "is named like a column of the dataset"));
  CHECK(contains(faults(file(R"({"type": "relu", "name": "C1"})")), "the layer name \"C1\" is not made of a-z, 0-9 and _"));
  CHECK(contains(faults(file(R"({"type": "relu"}, {"type": "relu", "name": "relu_1"})")), "a second layer is named \"relu_1\""));
  CHECK(contains(faults(file(R"({"name": "x"})")), "\"type\" is missing"));
  CHECK(contains(faults(file(R"({"type": null})")), "\"type\" is missing"));
  CHECK(contains(faults(file(R"({"type": ""})")), "/network/layers/0/type: no layer plugin is named \"\""));
  CHECK(load(file(R"({"type": "relu", "name": null, "block": null, "inputs": null})")).layers[0].path == "relu_1");
}

TEST_CASE("network: circles") {
  CHECK(faults(file(R"({"type": "relu", "name": "a", "inputs": ["a"]})")) ==
        "f.json:3:1  /network/layers/0: the layers form a cycle: a → a");
  CHECK(faults(file(
            "{\"type\": \"relu\", \"name\": \"pre\"},\n{\"type\": \"add\", \"name\": \"a\", \"inputs\": [\"pre\", \"c\"]},\n"
            "{\"type\": \"relu\", \"name\": \"b\"},\n{\"type\": \"relu\", \"name\": \"c\"},\n{\"type\": \"relu\", \"name\": \"after\"}")) ==
        "f.json:4:1  /network/layers/1: the layers form a cycle: b → c → a → b");
  // Told together with other faults.
  const std::string both =
      faults(file(R"({"type": "relu", "name": "a", "inputs": ["b"]}, {"type": "relu", "name": "b", "inputs": ["a"], "x": 1})"));
  CHECK(contains(both, "form a cycle: "));
  CHECK(contains(both, "unknown key \"x\""));
  CHECK(!contains(faults(file(R"({"type": "relu", "name": "a", "inputs": ["q"]})")), "circle"));
}

TEST_CASE("network: datasets that do not say which columns they have") {
  const std::string text = R"({"dataset": {"type": "hdf5", "file": "d.h5"}, "network": {"layers": [
    {"type": "relu", "inputs": ["left"]}, {"type": "add", "inputs": ["relu_1", "rigth"]}]},
    "loss": {"type": "cross_entropy", "weight": "w"}, "optimizer": {"type": "sgd", "learning_rate": 1}, "training": {"epochs": 1, "batch_size": 1}})";
  const Experiment e = load(text);
  CHECK(e.losses[0].weight->column == "w");
  CHECK_NOTHROW(check_columns(e, {"left", "rigth", "target", "w"}));
  try {
    check_columns(e, {"left", "right", "target"});
    FAIL("nothing was told");
  } catch (const ConfigError& error) {
    CHECK(contains(error.what(),
                   "f.json:2:80  /network/layers/1/inputs/1: there is no layer or dataset column \"rigth\"; did you mean \"right\"? "
                   "columns: left, right, target"));
    CHECK(contains(error.what(), "/loss/weight: there is no layer or dataset column \"w\""));
  }
}

TEST_CASE("network: sharing") {
  const Experiment e = load(
      file(R"({"type": "dense", "name": "b", "units": 3, "inputs": ["input"], "share": "a"}, {"type": "dense", "name": "a", "units": 3})"));
  CHECK(*e.layers[0].share == 1);
  CHECK(contains(faults(file(R"({"type": "dense", "name": "a", "units": 3, "share": "a"})")), "cannot share with itself"));
  CHECK(contains(faults(file(R"({"type": "relu"}, {"type": "dense", "units": 3, "share": "relu_1"})")),
                 "only layers of one type share; \"relu_1\" is of type \"relu\""));
  CHECK(contains(faults(file(R"({"type": "dense", "name": "a", "units": 3}, {"type": "dense", "name": "b", "units": 3, "share": "a"},
                                {"type": "dense", "units": 3, "share": "b"})")),
                 "itself shares with \"a\""));
  CHECK(contains(faults(file(R"({"type": "dense", "name": "fc", "units": 3}, {"type": "dense", "units": 3, "share": "fd"})")),
                 "did you mean \"fc\"?"));
}

TEST_CASE("blocks: layers with arguments under the name of their use") {
  const Experiment e = load(file(R"({"type": "relu", "name": "stem"},
    {"block": "residual", "name": "res1", "tag": "x"},
    {"block": "residual", "filters": 8, "stride": [2, 1], "tag": 7, "trainable": false, "learning_rate_scale": 0.5, "inputs": ["stem"]},
    {"type": "add", "inputs": ["res1", "residual_2", "res1/relu_1"]})",
                                 "", residual));
  CHECK(order(e) ==
        "stem(input) res1/conv1(stem) res1/relu_1(res1/conv1) res1/c_x_4(res1/relu_1) res1/add_1(res1/c_x_4 stem) "
        "residual_2/conv1(stem) residual_2/relu_1(residual_2/conv1) residual_2/c_7_8(residual_2/relu_1) residual_2/add_1(residual_2/c_7_8 "
        "stem) "
        "add_1(res1/add_1 residual_2/add_1 res1/relu_1) ");
  CHECK(e.layers[5].layer.settings[0] == Attribute("filters", 8));
  CHECK(e.layers[5].layer.settings[2] == Attribute("stride", Shape{2, 1}));
  CHECK(!e.layers[5].trainable);
  CHECK(e.layers[5].learning_rate_scale == 0.5);
  CHECK(e.layers[1].trainable);
  CHECK(order(load(to_text(e.resolved))) == order(e));  // names with / are read again
}

TEST_CASE("blocks: nested, and first in the network") {
  const std::string blocks = R"("blocks": {
    "inner": {"parameters": {"u": null}, "layers": [{"type": "dense", "units": "${u}"}]},
    "outer": {"parameters": {"width": 2}, "layers": [{"block": "inner", "name": "i", "u": "${width}"}, {"type": "add", "inputs": ["i", "in"]}, {"block": "inner", "u": 9}]}}, )";
  const Experiment e = load(file(R"({"block": "outer", "name": "o", "width": 5}, {"type": "relu"})", "", blocks));
  CHECK(order(e) == "o/i/dense_1(input) o/add_1(o/i/dense_1 input) o/inner_2/dense_1(o/add_1) relu_1(o/inner_2/dense_1) ");
  CHECK(e.layers[0].layer.settings[0] == Attribute("units", 5));
}

TEST_CASE("blocks: faults say where the argument was given") {
  const auto use = [](const std::string& layers) { return faults(file(layers, "", residual)); };
  CHECK(contains(use("{\"block\": \"residual\", \"tag\": 1, \"filters\": \"many\"}"),
                 "f.json:10:44  /network/layers/0/filters: \"filters\" is \"many\"; wanted an integer in [1, inf)"));
  CHECK(contains(use("{\"block\": \"residual\", \"tag\": 1, \"stride\": [1, 0]}"),
                 "f.json:10:47  /network/layers/0/stride/1: \"stride\" is 0"));
  CHECK(
      contains(use("{\"block\": \"residual\"}"), "f.json:10:1  /network/layers/0: the parameter \"tag\" of block \"residual\" is missing"));
  CHECK(contains(use("{\"block\": \"residaul\", \"tag\": 1}, {\"type\": \"relu\"}"),
                 "/network/layers/0/block: this network has no block \"residaul\"; did you mean \"residual\"? known: residual"));
  CHECK(!contains(use("{\"block\": \"residaul\", \"tag\": 1}, {\"type\": \"relu\"}"), "there is no layer"));
  CHECK(contains(use("{\"block\": \"residual\", \"tag\": 1, \"filtres\": 2}"), "did you mean \"filters\"?"));
  CHECK(contains(use("{\"block\": \"residual\", \"tag\": [1]}"), "\"tag\" is a list, which cannot be pasted into a text"));
  CHECK(contains(use("{\"block\": \"residual\", \"type\": \"relu\", \"tag\": 1}"), "has both"));
  CHECK(contains(use("{\"block\": \"residual\", \"tag\": 1, \"inputs\": [\"input\", \"target\"]}"),
                 "a block has one input, this gives it 2"));
  CHECK(contains(use("{\"block\": \"residual\", \"tag\": 1, \"share\": \"x\"}"), "\"share\" belongs to a single layer"));
  const auto blocks = [](const std::string& b) { return faults(file(R"({"block": "b"})", "", "\"blocks\": {" + b + "}, ")); };
  CHECK(contains(blocks(R"("b": {"layers": [{"type": "dense", "units": "${unit}"}], "parameters": {"units": 3}})"),
                 "/network/blocks/b/layers/0/units: the block has no parameter \"unit\"; did you mean \"units\"? known: units"));
  CHECK(contains(blocks(R"("b": {"layers": [{"type": "relu", "inputs": ["inn"]}]})"),
                 "this block has no layer \"inn\"; did you mean \"in\"?"));
  CHECK(contains(blocks(R"("b": {"layers": [{"type": "relu", "inputs": ["input"]}]})"),
                 "this block has no layer \"input\"; a block's own input is called \"in\""));
  CHECK(contains(blocks(R"("b": {"layers": []})"), "a block has a list of one or more layers"));
  CHECK(contains(blocks(R"("b": {"layers": [{"type": "relu"}], "parameters": {"name": 1}})"), "not like a key of layers"));
  CHECK(contains(blocks(R"("b": 3)"), "a block is an integer; wanted an object"));
  CHECK(contains(blocks(R"("B": {"layers": [{"type": "relu"}]})"), "the block name \"B\""));
}

TEST_CASE("blocks: recursion and explosions end") {
  const auto blocks = [](const std::string& b) { return faults(file(R"({"block": "b0"})", "", "\"blocks\": {" + b + "}, ")); };
  CHECK(contains(blocks(R"("b0": {"layers": [{"block": "b1"}]}, "b1": {"layers": [{"type": "relu"}, {"block": "b0"}]})"),
                 "/network/blocks/b1/layers/1/block: a block contains itself: b0 → b1 → b0"));
  std::string deep, wide, pasting;
  for (int i = 0; i < 20; ++i) {
    const std::string next = i < 19 ? "{\"block\": \"b" + std::to_string(i + 1) + "\"" : "{\"type\": \"relu\"";
    const std::string name = (i ? ", \"b" : "\"b") + std::to_string(i) + "\": ";
    deep += name + "{\"layers\": [" + next + "}]}";
    if (i > 14) continue;
    const std::string leaf = i < 14 ? next : "{\"type\": \"relu\"";
    wide += name + "{\"layers\": [";
    for (int k = 0; k < 30; ++k) wide += (k ? "," : "") + leaf + "}";
    wide += "]}";
    pasting += name + R"({"parameters": {"a": "aaaaaaaaaaaaaaaa"}, "layers": [)" + leaf +
               (i < 14 ? R"(, "a": "${a}${a}${a}${a}"}]})" : R"(, "name": "${a}"}]})");
  }
  CHECK(contains(blocks(deep), "blocks nest deeper than 16: b0 → b1"));
  CHECK(contains(blocks(wide), "the network has more than 100000 layers"));
  CHECK(contains(blocks(pasting), "longer than 64 KiB"));
}

TEST_CASE("network: a hundred thousand layers are read") {
  std::string layers;
  for (int i = 0; i < 100'000; ++i) layers += i ? ",{\"type\": \"relu\"}" : "{\"type\": \"relu\"}";
  CHECK(load(file(layers)).layers.size() == 100'000);
  CHECK(contains(faults(file(layers + ",{\"type\": \"relu\"}")), "more than 100000 layers"));
}
