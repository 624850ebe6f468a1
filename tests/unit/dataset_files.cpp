// Datasets of single files: what they make of good ones, and that hostile ones are refused with a sentence before memory is taken.
#include <doctest/doctest.h>

#include <numeric>

#include "support/datasets.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }
using Texts = std::vector<std::string>;

std::string idx(int type, const std::vector<uint32_t>& shape, const std::string& data) {
  std::string bytes = {0, 0, char(type), char(shape.size())};
  for (auto d : shape)
    for (int shift : {24, 16, 8, 0}) bytes += char(d >> shift);
  return bytes + data;
}
std::string npy(const std::string& type, const std::string& shape, const std::string& data, int version = 1,
                const std::string& fortran = "False") {
  std::string header = "{'descr': " + type + ", 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
  header += std::string((64 - (header.size() + (version == 1 ? 11 : 13)) % 64) % 64, ' ') + "\n";
  std::string bytes = "\x93NUMPY" + std::string{char(version), 0, char(header.size()), char(header.size() >> 8)};
  if (version > 1) bytes += std::string(2, '\0');
  return bytes + header + data;
}
template <class T>
std::string bytes_of(const std::vector<T>& v) {
  return {reinterpret_cast<const char*>(v.data()), v.size() * sizeof(T)};
}

}  // namespace

TEST_CASE("idx: plain and compressed files, one channel, class numbers") {
  Files files;
  std::string pixels(3 * 4 * 5, '\0');
  std::iota(pixels.begin(), pixels.end(), char(0));
  files.write("train-images-idx3-ubyte", idx(8, {3, 4, 5}, pixels));
  files.write_gz("train-labels-idx1-ubyte.gz", idx(8, {3}, std::string("\0\7\2", 3)));
  files.write_gz("t10k-images-idx3-ubyte.gz", idx(8, {1, 4, 5}, pixels.substr(0, 20)));
  files.write("t10k-labels-idx1-ubyte", idx(12, {1}, std::string("\0\0\0\3", 4)));
  CHECK_THROWS_WITH_AS(OpenDataset("idx", {{"path", files.root.string()}}),
                       "the splits \"train\" and \"test\" store \"target\" in different types", Error);
  files.write("t10k-labels-idx1-ubyte", idx(8, {1}, "\3"));
  OpenDataset data("idx", {{"path", files.root.string()}});
  REQUIRE(data.size() == 2);
  const lamina_split& train = data[0];
  CHECK(train.name == std::string("train"));
  CHECK(train.samples == 3);
  REQUIRE(train.column_count == 2);
  const lamina_column &input = train.columns[0], &target = train.columns[1];
  CHECK(input.name == std::string("input"));
  CHECK(input.sample.dtype == LAMINA_UINT8);
  CHECK(Shape(input.sample.dims, input.sample.dims + input.sample.rank) == Shape{1, 4, 5});
  CHECK(std::string(static_cast<const char*>(input.data), pixels.size()) == pixels);
  CHECK(target.class_count == 8);
  CHECK(target.sample.rank == 0);
  CHECK(static_cast<const uint8_t*>(target.data)[1] == 7);
  CHECK(data[1].samples == 1);
  CHECK(!data.reads());
}

TEST_CASE("idx: hostile files are refused before memory is taken") {
  Files files;
  const std::string good = idx(8, {2, 2, 2}, "abcdefgh"), labels = idx(8, {2}, std::string("\0\1", 2));
  for (const char* split : {"train", "t10k"}) {
    files.write(std::string(split) + "-images-idx3-ubyte", good);
    files.write(std::string(split) + "-labels-idx1-ubyte", labels);
  }
  auto refusal = [&](const std::string& bytes, bool packed = false) {
    fs::remove_all(files.root / "train-images-idx3-ubyte"), fs::remove_all(files.root / "train-images-idx3-ubyte.gz");
    packed ? files.write_gz("train-images-idx3-ubyte.gz", bytes) : files.write("train-images-idx3-ubyte", bytes);
    try {
      OpenDataset data("idx", {{"path", files.root.string()}});
    } catch (const Error& e) {
      return e.text.substr(files.root.string().size());
    }
    return std::string();
  };
  CHECK(refusal(good) == "");
  CHECK(refusal(good, true) == "");
  for (bool packed : {false, true})
    for (size_t n = 0; n < good.size(); ++n) CHECK(refusal(good.substr(0, n), packed) != "");
  CHECK(refusal(good + "x").find("goes on after the 8 bytes") != std::string::npos);
  CHECK(refusal(good + "x", true).find("goes on after the 8 bytes") != std::string::npos);
  const std::string huge = idx(8, {0xffffffff, 0xffff, 0xffff}, "abcdefgh"), overflow = idx(14, {0xffffffff, 0xffffffff, 0xffffffff}, "");
  for (bool packed : {false, true}) {
    CHECK(refusal(huge, packed).find("it can hold") != std::string::npos);
    CHECK(refusal(overflow, packed).find("which no array can have") != std::string::npos);
    CHECK(refusal(idx(8, {0, 2, 2}, ""), packed).find("which no array can have") != std::string::npos);
  }
  CHECK(refusal("not an idx file") != "");
  CHECK(refusal(idx(9, {2, 2, 2}, "abcdefgh")).find("element type 9") != std::string::npos);
  CHECK(refusal(idx(8, {3, 2, 2}, "abcdefghijkl")) != "");  // three pictures, two labels
  fs::remove(files.root / "train-images-idx3-ubyte");
  CHECK_THROWS_AS(OpenDataset("idx", {{"path", files.root.string()}}), Error);
  fs::create_directory(files.root / "train-images-idx3-ubyte");
  CHECK_THROWS_AS(OpenDataset("idx", {{"path", files.root.string()}}), Error);
  std::string damaged;
  files.write_gz("x.gz", good);
  std::ifstream in(files.root / "x.gz", std::ios::binary);
  damaged.assign(std::istreambuf_iterator<char>(in), {});
  fs::remove_all(files.root / "train-images-idx3-ubyte");
  for (size_t at = 10; at < damaged.size() - 4; ++at) {  // behind the header: the checksum finds it
    std::string copy = damaged;
    copy[at] ^= 0x55;
    files.write("train-images-idx3-ubyte.gz", copy);
    CHECK_THROWS_AS(OpenDataset("idx", {{"path", files.root.string()}}), Error);
  }
}

TEST_CASE("idx: Fashion-MNIST as Debian packs it") {
  const std::string path = "/usr/share/datasets/fashion-mnist";
  if (!fs::exists(path)) {
    MESSAGE("dataset-fashion-mnist is not installed");
    return;
  }
  OpenDataset data("idx", {{"path", path}});
  CHECK(data[0].samples == 60000);
  CHECK(data[1].samples == 10000);
  CHECK(data[0].columns[1].class_count == 10);
}

TEST_CASE("npy: all versions, types that are kept and integers that become int32") {
  Files files;
  const std::string y = files.write("y.npy", npy("'<i8'", "(2,)", bytes_of<int64_t>({1, 0})));
  for (int version : {1, 2, 3}) {
    const std::string x = files.write("x.npy", npy("'<f4'", "(2, 3)", bytes_of<float>({1, 2, 3, 4, 5, 6}), version));
    OpenDataset data("npy", {{"input", x}, {"target", y}, {"test_input", x}, {"test_target", y}, {"classes", Texts{"no", "yes", "never"}}});
    REQUIRE(data.size() == 2);
    CHECK(data.sample(0) == Shape{3});
    CHECK(data.values<float>(1, 0) == std::vector<float>{1, 2, 3, 4, 5, 6});
    CHECK(data.values<int32_t>(0, 1) == std::vector<int32_t>{1, 0});
    CHECK(data.classes() == Texts{"no", "yes", "never"});
  }
  const auto read = [&](const std::string& type, const std::string& bytes, DType dtype) {
    OpenDataset data("npy", {{"input", files.write("z.npy", npy(type, "(2,)", bytes))}});
    CHECK(data.dtype(0) == dtype);
    CHECK(data[0].column_count == 1);
    return data.dtype(0) == DType::int32 ? data.values<int32_t>(0, 0) : std::vector<int32_t>();
  };
  using Ints = std::vector<int32_t>;
  CHECK(read("'|i1'", bytes_of<int8_t>({-7, 7}), DType::int32) == Ints{-7, 7});
  CHECK(read("'<i2'", bytes_of<int16_t>({-700, 7}), DType::int32) == Ints{-700, 7});
  CHECK(read("'<u2'", bytes_of<uint16_t>({65535, 7}), DType::int32) == Ints{65535, 7});
  CHECK(read("'<u4'", bytes_of<uint32_t>({70000, 7}), DType::int32) == Ints{70000, 7});
  CHECK(read("'<i4'", bytes_of<int32_t>({-70000, 7}), DType::int32) == Ints{-70000, 7});
  CHECK(read("'<u8'", bytes_of<uint64_t>({70000, 7}), DType::int32) == Ints{70000, 7});
  read("'|u1'", bytes_of<uint8_t>({255, 7}), DType::uint8);
  read("'|b1'", bytes_of<uint8_t>({1, 0}), DType::boolean);
  read("'<f8'", bytes_of<double>({1, 2}), DType::float64);
  // Targets that are no class numbers stay values.
  const std::string negative = files.write("n.npy", npy("'<i4'", "(2,)", bytes_of<int32_t>({-1, 3})));
  CHECK(OpenDataset("npy", {{"input", y}, {"target", negative}}).column(0, 1).class_count == 0);
}

TEST_CASE("npy: hostile files are refused with their path") {
  Files files;
  const std::string good = npy("'<f4'", "(2, 3)", std::string(24, '\0'));
  const auto refused = [&](const std::string& bytes) { return refusal("npy", {{"input", files.write("x.npy", bytes)}}); };
  CHECK(refused(good) == "");
  for (size_t n = 0; n < good.size(); ++n) CHECK(contains(refused(good.substr(0, n)), "x.npy"));
  CHECK(contains(refused(good + "x"), "behind the header it has 25 bytes"));
  CHECK(contains(refused("PK\3\4 and so on, a zipped .npz"), "does not begin with"));
  CHECK(contains(refused(npy("'<f4'", "(2, 3)", std::string(24, '\0'), 4)), "format version 4"));
  CHECK(contains(refused(npy("'>f4'", "(2, 3)", std::string(24, '\0'))), "type '>f4'"));
  CHECK(contains(refused(npy("'|O'", "(2, 3)", std::string(24, '\0'))), "type '|O'"));
  CHECK(contains(refused(npy("'<c8'", "(2,)", std::string(16, '\0'))), "type '<c8'"));
  CHECK(contains(refused(npy("[('a', '<f4')]", "(2,)", std::string(8, '\0'))), "records"));
  CHECK(contains(refused(npy("'<f4'", "(2, 3)", std::string(24, '\0'), 1, "True")), "ascontiguousarray"));
  CHECK(contains(refused(npy("'<f4'", "(999999999999, 99999999, 99999)", "")), "more than can be counted"));
  CHECK(contains(refused(npy("'<f4'", "(99999999999999999999,)", "")), "cannot be read"));
  CHECK(contains(refused(npy("'<f4'", "(99999999999,)", "")), "behind the header it has 0 bytes"));
  CHECK(contains(refused(npy("'<f4'", "(0, 3)", "")), "no elements"));
  CHECK(contains(refused(npy("'<f4'", "(2, x)", "")), "cannot be read"));
  CHECK(contains(refused(npy("'<f4'", "()", std::string(4, '\0'))), "a single number"));
  CHECK(contains(refused(npy("'<i8'", "(1,)", bytes_of<int64_t>({int64_t(1) << 40}))), "1099511627776"));
  CHECK(contains(refused(npy("'|b1'", "(1,)", "\2")), "a bool of the value 2"));
  CHECK(contains(refusal("npy", {{"input", files.path("nowhere")}}), "cannot open"));
  CHECK(contains(refusal("npy", {{"input", files.root.string()}}), "no regular file"));
  CHECK(contains(refusal("npy", {{"input", files.pipe("pipe")}}), "no regular file"));
  const std::string x = files.write("x.npy", good), three = files.write("y.npy", npy("'|u1'", "(3,)", "abc"));
  CHECK(contains(refusal("npy", {{"input", x}, {"target", three}}), "2 inputs, but"));
  for (const std::string split : {"validation", "test"})
    CHECK(refusal("npy", {{"input", x}, {split + "_target", three}}) ==
          "\"" + split + "_target\" is given without \"" + split + "_input\"; wanted both");
}

TEST_CASE("cifar: records of both versions, names of classes, damaged files") {
  Files files;
  std::string ten, hundred;
  for (int i = 0; i < 3; ++i) {
    ten += char(i + 1) + std::string(3072, char('a' + i));
    hundred += std::string{char(i), char(50 + i)} + std::string(3072, char('a' + i));
  }
  for (const char* name :
       {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"})
    files.write(name, ten);
  files.write("train.bin", hundred), files.write("test.bin", hundred);
  files.write("batches.meta.txt", "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
  const std::string path = files.root.string();
  {
    OpenDataset data("cifar", {{"path", path}});
    CHECK(data[0].samples == 15);
    CHECK(data[1].samples == 3);
    CHECK(data.sample(0) == Shape{3, 32, 32});
    CHECK(data.values<uint8_t>(0, 1) == std::vector<uint8_t>{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3});
    CHECK(data.values<uint8_t>(1, 0)[3072] == 'b');
    CHECK(data.classes()[9] == "truck");
  }
  CHECK(OpenDataset("cifar", {{"path", path}, {"labels", "fine"}}).values<uint8_t>(0, 1) == std::vector<uint8_t>{50, 51, 52});
  OpenDataset coarse("cifar", {{"path", path}, {"labels", "coarse"}, {"train", Texts{"train.bin", "test.bin"}}});
  CHECK(coarse[0].samples == 6);
  CHECK(coarse.column(0, 1).class_count == 20);
  CHECK(coarse.classes().empty());
  files.write("test_batch.bin", ten.substr(0, 9000));
  CHECK(contains(refusal("cifar", {{"path", path}}), "test_batch.bin has 9000 bytes; wanted records of 3073"));
  files.write("test_batch.bin", "");
  CHECK(contains(refusal("cifar", {{"path", path}}), "has 0 bytes"));
  ten[3073] = 10;
  files.write("test_batch.bin", ten);
  CHECK(contains(refusal("cifar", {{"path", path}}), "sample 1 of test_batch.bin has the class number 10; wanted less than 10"));
  files.pipe("test_batch.bin");
  CHECK(contains(refusal("cifar", {{"path", path}}), "no regular file"));
}
