// Bad experiment files, given to the program as a user would: exit code as documented, a line per fault with file:line:column and JSON
// pointer, nearest name for a typo; no crash, no run folder.
#include <doctest/doctest.h>
#include <zlib.h>

#include <fstream>

#include "support/process.hpp"

using namespace lamina::test;

namespace {

const std::string good = R"({
  "dataset": {"type": "idx", "path": "data"},
  "transforms": [{"type": "normalize"}],
  "network": {
    "layers": [
      {"type": "conv", "name": "c1", "filters": 4, "kernel": 3},
      {"type": "relu", "name": "r1"},
      {"type": "flatten", "name": "flat"},
      {"type": "dense", "name": "logits", "units": 3}
    ]
  },
  "loss": {"type": "cross_entropy"},
  "metrics": ["accuracy"],
  "optimizer": {"type": "sgd", "learning_rate": 0.1},
  "training": {"epochs": 1, "batch_size": 4}
}
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}
std::string with(const std::string& from, const std::string& to) { return replaced(good, from, to); }
/// The relu as a formula of the file.
std::string written(const std::string& formula, const std::string& more = "") {
  return with("{\"type\": \"relu\", \"name\": \"r1\"}", "{\"type\": \"expression\", \"name\": \"r1\", \"forward\": \"" + formula + "\"" + more + "}");
}
std::string repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::string big_endian(uint32_t v) { return {char(v >> 24), char(v >> 16), char(v >> 8), char(v)}; }
std::string images(uint32_t count, uint32_t height, uint32_t width, size_t bytes) {
  return std::string("\0\0\x08\x03", 4) + big_endian(count) + big_endian(height) + big_endian(width) + std::string(bytes, '\x10');
}
std::string labels(uint32_t count, size_t bytes) {
  std::string text = std::string("\0\0\x08\x01", 4) + big_endian(count);
  for (size_t i = 0; i < bytes; ++i) text += char(i % 3);
  return text;
}
/// A sound data set of 8 + 4 pictures of 6 × 6; files in `replaced` come instead.
void write_data(const Folder& folder, const std::string& name = "", const std::string& bytes = "") {
  std::filesystem::create_directories(folder.path() / "data");
  auto put = [&](const std::string& file, const std::string& sound) { folder.write("data/" + file, file == name ? bytes : sound); };
  put("train-images-idx3-ubyte", images(8, 6, 6, 8 * 36));
  put("train-labels-idx1-ubyte", labels(8, 8));
  put("t10k-images-idx3-ubyte", images(4, 6, 6, 4 * 36));
  put("t10k-labels-idx1-ubyte", labels(4, 4));
}

struct Bad {
  const char* what;
  std::string text;
  int exit;
  std::vector<std::string> told;  ///< each must stand in what the program prints on stderr
};

void refuse(const Folder& folder, const Bad& bad) {
  INFO(bad.what);
  const auto file = folder.write("bad.json", bad.text);
  const Finished run = run_program(LAMINA_PROGRAM, {"run", file, "--out", folder.path() / "runs"});
  INFO(run.err);
  CHECK(run.exit == bad.exit);
  CHECK(run.out.empty());
  for (auto& part : bad.told) {
    INFO(part);
    CHECK(run.err.find(part) != std::string::npos);
  }
  CHECK(!std::filesystem::exists(folder.path() / "runs"));
}

}  // namespace

TEST_CASE("the good experiment that the bad ones are made from runs") {
  const Folder folder;
  write_data(folder);
  const Finished run = run_program(LAMINA_PROGRAM, {"run", folder.write("good.json", good), "--out", folder.path() / "runs"});
  INFO(run.err);
  CHECK(run.exit == 0);
  CHECK(std::filesystem::exists(folder.path() / "runs/good-1/run.h5"));
}

TEST_CASE("bad experiments are refused with a place and a sentence") {
  const Folder folder;
  write_data(folder);
  const std::string deep = repeated("[", 100) + repeated("]", 100);
  for (const Bad& bad : std::vector<Bad>{
           {"syntax: missing colon", with("\"type\": \"sgd\"", "\"type\" \"sgd\""), 3, {"bad.json:14:"}},
           {"syntax: trailing comma", with("\"batch_size\": 4}", "\"batch_size\": 4,}"), 3, {"bad.json:15:"}},
           {"syntax: ends in the middle", good.substr(0, good.size() / 2), 3, {"bad.json:"}},
           {"syntax: nothing at all", "", 3, {"bad.json"}},
           {"encoding: byte order mark", "\xEF\xBB\xBF" + good, 3, {"bad.json:1:1"}},
           {"encoding: invalid UTF-8", with("accuracy", "accu\xFFracy"), 3, {"bad.json:13:", "UTF-8"}},
           {"encoding: a zero byte", with("\"sgd\"", std::string("\"s\0d\"", 5)), 3, {"bad.json:14:"}},
           {"encoding: a surrogate alone", with("\"sgd\"", "\"\\ud800\""), 3, {"bad.json:14:"}},
           {"depth: 100 arrays", with("\"accuracy\"", deep), 3, {"bad.json:13:", "64"}},
           {"depth: 100,000 arrays", repeated("[", 100000), 3, {"bad.json:1:"}},
           {"size: 17 MB", good + repeated(" ", 17 << 20), 3, {"bad.json"}},
           {"size: a number of 50 digits", with("0.1", repeated("1", 50)), 3, {"bad.json:14:"}},
           {"duplicate key", with("\"epochs\": 1", "\"epochs\": 1, \"epochs\": 2"), 3, {"bad.json:15:", "epochs"}},
           {"duplicate layer name", with("\"r1\"", "\"c1\""), 3, {"bad.json:7:", "/network/layers/1", "c1"}},
           {"unknown key of the experiment", with("\"metrics\"", "\"metrisc\""), 3, {"bad.json:13:3", "/metrisc", "did you mean \"metrics\"?"}},
           {"unknown parameter", with("\"filters\"", "\"filtres\""), 3, {"bad.json:6:", "/network/layers/0/filtres", "did you mean \"filters\"?"}},
           {"unknown key of training", with("\"epochs\"", "\"epoch\""), 3, {"/training/epoch", "did you mean \"epochs\"?"}},
           {"type: text for a number", with("\"filters\": 4", "\"filters\": \"4\""), 3, {"bad.json:6:", "/network/layers/0/filters", "integer"}},
           {"type: number for a text", with("\"type\": \"sgd\"", "\"type\": 7"), 3, {"/optimizer/type"}},
           {"type: object for a list", with("[\"accuracy\"]", "{}"), 3, {"/metrics"}},
           {"type: real for an integer", with("\"units\": 3", "\"units\": 2.5"), 3, {"/network/layers/3/units", "integer"}},
           {"range: batch size 0", with("\"batch_size\": 4", "\"batch_size\": 0"), 3, {"/training/batch_size", "[1, "}},
           {"range: negative rate", with("0.1", "-0.1"), 3, {"/optimizer/learning_rate", "[0, inf)"}},
           {"range: no finite number", with("0.1", "1e999"), 3, {"bad.json:14:"}},
           {"range: 2^64", with("\"epochs\": 1", "\"epochs\": 18446744073709551616"), 3, {"bad.json:15:"}},
           {"range: kernel 0", with("\"kernel\": 3", "\"kernel\": 0"), 3, {"/network/layers/0/kernel"}},
           {"shape: kernel larger than the picture", with("\"kernel\": 3", "\"kernel\": 60"), 3, {"bad.json:6:", "/network/layers/0", "60"}},
           {"shape: dilation beyond the picture", with("\"kernel\": 3", "\"kernel\": 3, \"dilation\": 65536"), 3, {"/network/layers/0"}},
           {"shape: padding that explodes", with("\"kernel\": 3", "\"kernel\": 1, \"padding\": 65536"), 5, {"of memory, but the backend 'cpu' has", "smaller batch_size"}},
           {"memory: the same on the reference", replaced(with("\"kernel\": 3", "\"kernel\": 1, \"padding\": 65536"), "\"metrics\"", "\"backend\": {\"type\": \"reference\"}, \"metrics\""), 5, {"of memory, but the backend 'reference' has"}},
           {"memory: 64 TiB of weights", with("{\"type\": \"dense\"", "{\"type\": \"dense\", \"units\": 16777216}, {\"type\": \"dense\", \"units\": 1048576}, {\"type\": \"dense\""), 5, {"of memory, but the backend 'cpu' has"}},
           {"shape: dense on pictures", with("{\"type\": \"flatten\", \"name\": \"flat\"},\n      ", ""), 3, {"/network/layers/2", "flatten"}},
           {"cycle of two layers", with("\"name\": \"r1\"", "\"name\": \"r1\", \"inputs\": [\"flat\"]"), 3, {"cycle", "r1", "flat"}},
           {"cycle of one layer", with("\"name\": \"r1\"", "\"name\": \"r1\", \"inputs\": [\"r1\"]"), 3, {"cycle", "r1"}},
           {"cycle of extends", with("{\n", "{\"extends\": \"bad.json\",\n"), 3, {"bad.json", "extends"}},
           {"missing layer as input", with("\"name\": \"r1\"", "\"name\": \"r1\", \"inputs\": [\"c2\"]"), 3, {"/network/layers/1/inputs", "did you mean \"c1\"?"}},
           {"plugin: typo", with("\"type\": \"conv\"", "\"type\": \"comv\""), 3, {"bad.json:6:", "/network/layers/0/type", "did you mean \"conv\"?"}},
           {"plugin: of another kind", with("\"type\": \"relu\"", "\"type\": \"sgd\""), 3, {"/network/layers/1/type"}},
           {"plugin: a path", with("\"type\": \"relu\"", "\"type\": \"../losses/mse\""), 3, {"/network/layers/1/type"}},
           {"formula: a function with a typo", written("x * sigmod(x)"), 3, {"bad.json:7:55  /network/layers/1/forward: layer 'r1' (expression): column 5: there is no function \"sigmod\"; did you mean \"sigmoid\"?"}},
           {"formula: shapes that do not fit", written("x + softmax(x, axis = 4)"), 3, {"/network/layers/1/forward", "column 5: softmax: axis 4"}},
           {"formula: a parameter that is no name", written("x", ", \"parameters\": {\"β\": 1}"), 3, {"/network/layers/1/parameters/β", "a-z, 0-9 and _"}},
           {"formula: a parameter that is taken", written("x", ", \"parameters\": {\"sin\": 1}"), 3, {"bad.json:7:", "/network/layers/1/parameters/sin", "it is a function"}},
           {"formula: a key of a parameter with a typo", written("x * b", ", \"parameters\": {\"b\": {\"intial\": 1}}"), 3, {"/network/layers/1/parameters/b/intial", "did you mean \"initial\"?"}},
           {"formula: a state without a next value", with("\"sgd\"", "\"expression_optimizer\", \"update\": \"w - learning_rate * sum(g)\" , \"state\": {\"v\": 0}"), 3, {"bad.json:14:", "/optimizer/state/v", "optimizer 'expression_optimizer' on 'c1/weight'", "no next value"}},
           {"formula: a rule whose result is a number", with("\"sgd\"", "\"expression_optimizer\", \"update\": \"sum(g)\""), 3, {"bad.json:14:", "/optimizer/update", "the next w has the shape [1, 1, 1, 1]"}},
           {"plugin: backend that is not there", with("\"metrics\"", "\"backend\": {\"type\": \"cpuu\"}, \"metrics\""), 3, {"/backend/type", "did you mean \"cpu\"?"}},
       })
    refuse(folder, bad);
}

TEST_CASE("libraries that are no plugins are refused with exit code 4") {
  const Folder folder;
  write_data(folder);
  std::filesystem::create_directories(folder.path() / "plugins/layers");
  folder.write("plugins/layers/foreign.so", "this is no library");
  const auto file = folder.write("bad.json", with("\"type\": \"relu\"", "\"type\": \"foreign\""));
  const Finished run = run_program(LAMINA_PROGRAM, {"run", file, "--out", folder.path() / "runs", "--plugin-path", folder.path() / "plugins"});
  INFO(run.err);
  CHECK(run.exit == 4);
  CHECK(run.err.find("foreign.so") != std::string::npos);
  CHECK(run.err.find("/network/layers/1/type") != std::string::npos);
  CHECK(!std::filesystem::exists(folder.path() / "runs"));
}

TEST_CASE("data that claims what it has not is refused before memory is taken") {
  struct Claim {
    const char *what, *file;
    std::string bytes;
  };
  std::string bomb(2000, '\0');  // a gz file of zeros: its header claims more than it could ever hold
  {
    const Folder scratch;
    const std::string path = scratch.path() / "bomb.gz";
    gzFile gz = gzopen(path.c_str(), "wb");
    const std::string head = images(0x7fffffff, 28, 28, 100);
    gzwrite(gz, head.data(), unsigned(head.size()));
    gzclose(gz);
    std::ifstream in(path, std::ios::binary);
    bomb.assign(std::istreambuf_iterator<char>(in), {});
  }
  for (const Claim& claim : {Claim{"two thousand million pictures", "train-images-idx3-ubyte", images(0x7fffffff, 28, 28, 36)},
                             Claim{"a product beyond 64 bits", "train-images-idx3-ubyte", images(0xffffffff, 0xffffffff, 0xffffffff, 36)},
                             Claim{"fewer labels than pictures", "train-labels-idx1-ubyte", labels(5, 5)},
                             Claim{"cut off", "train-images-idx3-ubyte", images(8, 6, 6, 100)},
                             Claim{"no idx file", "t10k-labels-idx1-ubyte", "hello"},
                             Claim{"an axis of size 0", "train-images-idx3-ubyte", images(8, 0, 6, 0)},
                             Claim{"a compressed bomb under the plain name", "train-images-idx3-ubyte", bomb}}) {
    const Folder folder;
    write_data(folder, claim.file, claim.bytes);
    refuse(folder, {claim.what, good, 3, {"bad.json:2:", "/dataset", claim.file}});
  }
  const Folder none;
  refuse(none, {"no folder at all", good, 3, {"bad.json:2:", "/dataset"}});
}
