// Journal, snapshot and checkpoint: what is written comes back, and damage is told.
#include "base/nearest.hpp"
#include "base/sha256.hpp"
#include "record/checkpoint.hpp"
#include "record/hdf5.hpp"
#include "record/hdf5_reader.hpp"
#include "record/journal.hpp"
#include "record/snapshot.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <numeric>

#include <doctest/doctest.h>
#include <unistd.h>

using namespace lamina;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "lamina-record-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  size_t entries() const { return size_t(std::distance(fs::directory_iterator(path), {})); }
};

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

template <typename T>
Array array_of(DType dtype, Shape shape, const std::vector<T>& values) {
  Array array{dtype, std::move(shape), std::vector<std::byte>(values.size() * sizeof(T))};
  if (!values.empty()) std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

template <typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Row step(int64_t number, double loss, double wall_time = 0) {
  return {"step", {{"step", number}, {"wall_time", wall_time}, {"epoch", int64_t(1)}, {"loss", loss}}};
}

Checkpoint small_checkpoint() {
  std::vector<float> weights(6 * 25);
  std::iota(weights.begin(), weights.end(), -3.5f);
  return {{{"model/c1/weight", array_of(DType::float32, {6, 1, 5, 5}, weights)},
           {"optimizer/velocity/c1/weight", array_of(DType::float64, {2}, std::vector<double>{1e-300, -0.0})}},
          {{"best", 0.1}, {"epoch", int64_t(3)}, {"schedule", "cosine"}, {"tuning", std::string(100'000, 'x')}, {"worst", -INFINITY}}};
}

}  // namespace

TEST_CASE("sha256 gives the digests of FIPS 180-4") {
  CHECK(sha256("", 0) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc", 3) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string million(1'000'000, 'a');
  const std::string digest = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
  CHECK(sha256(million.data(), million.size()) == digest);
  Sha256 pieces;
  for (size_t at = 0; at < million.size(); at += 999) pieces.update(million.data() + at, std::min<size_t>(999, million.size() - at));
  CHECK(pieces.hex() == digest);
  Folder folder;
  put(folder.path / "million", million);
  CHECK(sha256_file(folder.path / "million") == digest);
  CHECK(has(message_of([&] { sha256_file(folder.path); }), "not a regular file"));
}

TEST_CASE("the nearest name is one or few edits away") {
  const std::vector<std::string> names{"conv", "dense", "max_pool", "batch_norm"};
  CHECK(nearest("dnese", names) == "dense");
  CHECK(nearest("maxpool", names) == "max_pool");
  CHECK(nearest("x", names) == "");
  CHECK(did_you_mean("batchnorm", names) == "; did you mean \"batch_norm\"?");
}

TEST_CASE("HDF5 datasets of every type come back as they were") {
  Folder folder;
  const fs::path path = folder.path / "all.h5";
  std::vector<float> big(300 * 701);
  for (size_t i = 0; i < big.size(); ++i) big[i] = float(i % 97);
  const std::vector<NamedArray> all{{"a/f32", array_of(DType::float32, {300, 701}, big)},
                                    {"a/f64", array_of(DType::float64, {}, std::vector<double>{M_PI})},
                                    {"a/b/i32", array_of(DType::int32, {3, 1}, std::vector<int32_t>{-1, 0, INT32_MAX})},
                                    {"u32", array_of(DType::uint32, {1}, std::vector<uint32_t>{UINT32_MAX})},
                                    {"u8", array_of(DType::uint8, {2, 2}, std::vector<uint8_t>{0, 1, 2, 255})},
                                    {"bool", array_of(DType::boolean, {3}, std::vector<uint8_t>{1, 0, 1})},
                                    {"none", array_of(DType::float32, {0, 4}, std::vector<float>{})}};
  for (bool compress : {false, true}) {
    H5Writer writer(path);
    for (const NamedArray& named : all) writer.write(named.name, named.array, {compress});
    writer.write_int64("i64", {2}, std::vector<int64_t>{INT64_MIN, 7});
    writer.write_text("text", "größer");
    writer.write_text("empty", "");
    writer.write_texts("texts", {"a", "", "longer"});
    FileAttributes many;
    for (int i = 0; i < 40; ++i) many.emplace_back("key" + std::to_string(i), int64_t(i));
    many.emplace_back("names", std::vector<std::string>{"x", "yy"});
    many.emplace_back("one", std::vector<std::string>{"x"});
    many.emplace_back("sizes", std::vector<int64_t>{3, 4});
    many.emplace_back("real", 0.1);
    writer.group("g", many);
    CHECK(has(message_of([&] { writer.write("half", DType::float16, {1}, ""); }), "float16"));
    CHECK(has(message_of([&] { writer.attribute("g", "long", std::string(70'000, 'x')); }), "64000"));
    CHECK(has(message_of([&] { writer.attribute("nowhere", "x", int64_t(1)); }), "nowhere"));
    writer.commit();
    CHECK(folder.entries() == 1);

    const H5Reader reader(path);
    for (const NamedArray& named : all) CHECK_MESSAGE(reader.read(named.name) == named.array, named.name);
    CHECK(reader.names().size() == all.size() + 4);
    for (const DatasetInfo& info : reader.list()) CHECK(info.problem == "");
    CHECK(reader.info("a/f32").shape == Shape{300, 701});
    CHECK(reader.info("i64").stored == "int64");
    CHECK(reader.read_int64("i64") == std::vector<int64_t>{INT64_MIN, 7});
    CHECK(has(message_of([&] { reader.read("i64"); }), "does not fit int32"));
    CHECK(reader.read_float64("u8") == std::vector<double>{0, 1, 2, 255});
    CHECK(reader.read_text("text") == "größer");
    CHECK(reader.read_text("/empty") == "");
    CHECK(reader.read_texts("texts") == std::vector<std::string>{"a", "", "longer"});
    CHECK(reader.attributes("g").size() == many.size());
    CHECK(reader.attribute_number("g", "key39") == 39);
    CHECK(reader.attribute_number("g", "real") == 0.1);
    FileAttributes read = reader.attributes("g");
    std::sort(read.begin(), read.end()), std::sort(many.begin(), many.end());
    CHECK(read == many);
    CHECK(has(message_of([&] { reader.read("a/f23"); }), "did you mean \"a/f32\"?"));
    CHECK(has(message_of([&] { reader.read("text"); }), "holds texts"));
    CHECK(has(message_of([&] { H5Reader(path, {1000}).read("a/f32"); }), "more than the limit of 1000"));
  }
}

TEST_CASE("a writer without commit leaves nothing, and the old file stays") {
  Folder folder;
  put(folder.path / "run.h5", "old");
  {
    H5Writer writer(folder.path / "run.h5");
    writer.write_text("a", "b");
  }
  CHECK(content(folder.path / "run.h5") == "old");
  CHECK(folder.entries() == 1);
  CHECK(has(message_of([&] { H5Writer(folder.path / "no" / "run.h5"); }), "Cannot write"));
}

TEST_CASE("the journal writes lines that read back to the same bits") {
  Folder folder;
  const fs::path path = folder.path / "metrics.jsonl";
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> values{0.1, 1, -0.0, 1e22, 5e-324, std::nan(""), infinity, -infinity, 123456789};
  {
    Journal journal(path);
    for (size_t i = 0; i < values.size(); ++i) journal.append(step(int64_t(i), values[i]));
    journal.append({"epoch", {{"epoch", int64_t(1)}, {"train_loss", 2.5}}});
    CHECK(has(message_of([&] { Journal again(path); }), "being written by another run"));
    CHECK(has(message_of([&] { journal.append(step(3, 0)); }), "step 3 comes after step 8"));
    CHECK(has(message_of([&] { journal.append({"step", {{"step", int64_t(20)}}}); }), "lacks the column \"wall_time\""));
    CHECK(has(message_of([&] { journal.append({"bad", {{"bad", int64_t(1)}, {"a\"b", 1.0}}}); }), "cannot be the name"));
  }
  CHECK(has(content(path), "{\"kind\":\"step\",\"step\":1,\"wall_time\":0.0,\"epoch\":1,\"loss\":1.0}\n"));
  CHECK(has(content(path), "\"loss\":\"-inf\"}\n"));
  const JournalRows rows = read_journal(path);
  const Column& loss = *rows.at("step").find("loss");
  REQUIRE(loss.reals.size() == values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i]))
      CHECK(std::isnan(loss.reals[i]));
    else
      CHECK(std::memcmp(&loss.reals[i], &values[i], 8) == 0);
  }
  CHECK(rows.at("epoch").find("train_loss")->reals == std::vector<double>{2.5});
}

TEST_CASE("a resumed journal compares what it holds and appends what is new") {
  Folder folder;
  const fs::path path = folder.path / "metrics.jsonl";
  {
    Journal journal(path);
    for (int i = 1; i <= 10; ++i) journal.append(step(i, 1.0 / i));
  }
  const std::string before = content(path);
  {
    Journal journal(path);                                                 // from a checkpoint at step 5
    for (int i = 6; i <= 10; ++i) journal.append(step(i, 1.0 / i, 99.0));  // other times are no difference
    CHECK(content(path) == before);
    journal.append(step(11, 0.5));
    CHECK(journal.rows("step").size() == 11);
    CHECK(journal.rows("epoch").size() == 0);
  }
  CHECK(content(path).size() > before.size());
  {
    Journal journal(path);
    journal.append(step(7, 1.0 / 7));
    const std::string text = message_of([&] { journal.append(step(8, std::nextafter(1.0 / 8, 1))); });
    CHECK(has(text, "step 8"));
    CHECK(has(text, "\"loss\" is 0.12500000000000003, but"));
    CHECK(has(text, "has 0.125."));
  }
  Journal journal(path);
  journal.append(step(7, 1.0 / 7));
  CHECK(has(message_of([&] { journal.append(step(9, 1.0 / 9)); }), "its next row is step 8"));
}

TEST_CASE("a torn last line is cut off, other damage is an error with its line") {
  Folder folder;
  const fs::path path = folder.path / "metrics.jsonl";
  {
    Journal journal(path);
    for (int i = 1; i <= 3; ++i) journal.append(step(i, 1.0 / i));
  }
  const std::string whole = content(path);
  const size_t two = whole.find('\n', whole.find('\n') + 1) + 1;
  for (size_t size = two; size < whole.size(); ++size) {
    put(path, whole.substr(0, size));
    CHECK(read_journal(path).at("step").size() == 2);
    Journal journal(path);
    CHECK(content(path).size() == two);
    journal.append(step(3, 1.0 / 3));
    CHECK(content(path) == whole);
  }
  for (const std::string& tail : {std::string(100'000, '\0'), std::string("{}\n"), std::string(200'000, 'x') + "\n"}) {
    put(path, whole + tail);
    Journal journal(path);
    CHECK(content(path) == whole);
  }
  const auto fault = [&](const std::string& bytes) {
    put(path, bytes);
    return message_of([&] { read_journal(path); });
  };
  const std::string line = whole.substr(0, whole.find('\n') + 1);
  CHECK(has(fault("{\"kind\":\"step\"}\n" + whole), "metrics.jsonl:1: the journal is damaged: "));
  CHECK(has(fault(line + std::string(70'000, 'x') + "\n" + whole), "metrics.jsonl:2: the journal is damaged: it is longer than 64 KiB"));
  CHECK(has(fault(line + "{\"kind\":\"step\",\"step\":2,\"wall_time\":nan,\"epoch\":1,\"loss\":1.0}\n" + line), ":2: "));
  CHECK(has(fault(line + "{\"kind\":\"step\",\"step\":2,\"wall_time\":1,\"epoch\":1,\"loss\":1.0}\n" + line), "which holds reals"));
  CHECK(has(fault(line + line + line), ":2: the journal is damaged: step 1 comes after step 1"));
  CHECK(has(fault(line + "garbage\nhalf"), ":2: "));
  for (const char* text : {"{\"kind\":\"a\",\"a\":+1}", "{\"kind\":\"a\",\"a\":1 }", "{\"kind\":\"a\",\"a\":1,}",
                           "{\"kind\":\"a\",\"a\":99999999999999999999}", "{\"kind\":\"a\",\"a\":1}}",
                           "{\"kind\":\"a\",\"a\":1,\"b\":\"x\"}", "{\"kind\":\"a\",\"a\":1,\"a\":1}", "{\"kind\":\"a\",\"a\":1.}e"})
    CHECK_MESSAGE(fault(std::string(text) + "\n" + line) != "", text);
  CHECK(has(message_of([&] { Journal folder_as_file(folder.path); }), "Cannot open"));
}

TEST_CASE("a snapshot opens and its columns are the journal's") {
  Folder folder;
  const fs::path path = folder.path / "run.h5";
  Journal journal(folder.path / "metrics.jsonl");
  for (int i = 1; i <= 100; ++i) journal.append(step(i, 1.0 / i, i * 0.25));
  journal.append({"epoch", {{"epoch", int64_t(1)}, {"train_loss", 0.5}, {"validation_loss", 0.75}, {"seconds", 9.0}}});
  Snapshot snapshot{"{\"a\": 1} // given",
                    "{\"a\":1}",
                    {"seed=2"},
                    {{"backend", "cpu"}, {"seed", int64_t(2)}, {"lr", 0.5}},
                    {{"conv", "1.0", std::string(64, 'a')}, {"relu", "1.0", std::string(64, 'b')}},
                    &journal.all(),
                    {},
                    {},
                    {}};
  snapshot.layers = {{"c1", "conv", {32, 6, 28, 28}, 156}, {"relu", "relu", {32, 6, 28, 28}, 0}};
  snapshot.evaluations = {{"test",
                           {{"accuracy", 0.75}},
                           {"cat", "dog"},
                           {2, 1, 0, 1},
                           {0, 1, 2, 3},
                           {0, 0, 1, 0},
                           {0, 1, 1, 0},
                           array_of(DType::float32, {4, 2}, std::vector<float>{.9f, .1f, .2f, .8f, .3f, .7f, .6f, .4f})}};
  snapshot.arrays = {{"explain/filters/c1", array_of(DType::uint8, {2, 2}, std::vector<uint8_t>{1, 2, 3, 4})}};
  for (int time = 0; time < 2; ++time) write_snapshot(path, snapshot);

  const H5Reader reader(path);
  CHECK(reader.attribute_text("", "format") == "lamina-run");
  CHECK(reader.attribute_integer("", "format_version") == 1);
  CHECK(reader.read_text("config/source") == snapshot.source);
  CHECK(reader.read_texts("config/overrides") == snapshot.overrides);
  CHECK(reader.attribute_text("provenance", "backend") == "cpu");
  CHECK(reader.read_texts("provenance/plugins/name") == std::vector<std::string>{"conv", "relu"});
  for (const auto& [kind, rows] : journal.all())
    for (const Column& column : rows.columns) {
      if (column.real)
        CHECK(reader.read_float64("metrics/" + kind + "/" + column.name) == column.reals);
      else
        CHECK(reader.read_int64("metrics/" + kind + "/" + column.name) == column.integers);
    }
  CHECK(reader.attribute_text("metrics/step", "signal") == "loss");
  CHECK(reader.attribute_text("metrics/step/step", "CLASS") == "DIMENSION_SCALE");
  CHECK(reader.attribute_text("metrics/epoch/seconds", "units") == "s");
  CHECK(reader.read_int64("evaluation/test/counts") == std::vector<int64_t>{2, 1, 0, 1});
  CHECK(reader.attribute_number("evaluation/test", "accuracy") == 0.75);
  CHECK(reader.read("evaluation/test/predictions/probability") == *snapshot.evaluations[0].probability);
  CHECK(reader.read_texts("network/layers/output_shape")[0] == "[32, 6, 28, 28]");
  CHECK(reader.read_int64("network/layers/parameters") == std::vector<int64_t>{156, 0});
  CHECK(reader.read("explain/filters/c1") == snapshot.arrays[0].array);

  snapshot.evaluations[0].counts.pop_back();
  CHECK(has(message_of([&] { write_snapshot(path, snapshot); }), "4 are wanted"));
  CHECK(folder.entries() == 2);
  write_snapshot(path, Snapshot{});  // at the start of a run there is nothing yet
  CHECK(H5Reader(path).read_text("config/source") == "");
}

TEST_CASE("a checkpoint comes back whole, and any change of its bytes is told") {
  Folder folder;
  const fs::path path = folder.path / "1.h5";
  const Checkpoint checkpoint = small_checkpoint();
  write_checkpoint(path, checkpoint);
  CHECK(read_checkpoint(path) == checkpoint);
  const std::string bytes = content(path);
  const float first = -3.5f;
  const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&first), 4));
  REQUIRE(at != bytes.npos);
  std::string flipped = bytes;
  flipped[at] ^= 1;
  put(path, flipped);
  CHECK(has(message_of([&] { read_checkpoint(path); }), "is damaged: its content has the SHA-256"));
  flipped = bytes;
  flipped.replace(bytes.find("cosine"), 6, "cosinf");
  put(path, flipped);
  const std::string text = message_of([&] { read_checkpoint(path); });
  CHECK_MESSAGE(has(text, "damaged"), text);
  write_snapshot(path, Snapshot{});
  CHECK(has(message_of([&] { read_checkpoint(path); }), "is not a checkpoint"));
  Checkpoint twice = checkpoint;
  twice.tensors.push_back(twice.tensors[0]);
  CHECK(has(message_of([&] { write_checkpoint(path, twice); }), "model/c1/weight"));
}
