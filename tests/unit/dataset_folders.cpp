// Datasets of folders: pictures in every form that is read, texts as numbers, and what is refused.
#include <doctest/doctest.h>
#include <png.h>
#include <zlib.h>

#include <cstdio>

#include <jpeglib.h>

#include <algorithm>
#include <cmath>

#include "support/datasets.hpp"

using namespace lamina;
using namespace lamina::test;
namespace fs = std::filesystem;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }
using Texts = std::vector<std::string>;
using Bytes = std::vector<uint8_t>;
using Ints = std::vector<int32_t>;

/// A PNG file of a format of libpng's simplified interface, pixels row by row.
std::string png(uint32_t format, uint32_t width, uint32_t height, const std::vector<uint8_t>& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION, image.width = width, image.height = height, image.format = format;
  png_alloc_size_t bytes = 0;
  REQUIRE(png_image_write_to_memory(&image, nullptr, &bytes, 0, pixels.data(), 0, nullptr));
  std::string file(bytes, '\0');
  REQUIRE(png_image_write_to_memory(&image, file.data(), &bytes, 0, pixels.data(), 0, nullptr));
  return file.substr(0, bytes);
}
/// One of any kind; `rows` as they stand in the file, of two colors and their alphas where it has a palette.
std::string png_of(int depth, int type, int interlace, uint32_t width, std::vector<std::vector<uint8_t>> rows) {
  std::string bytes;
  png_structp out = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(out);
  const auto append = [](png_structp p, png_bytep from, size_t count) {
    static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<char*>(from), count);
  };
  png_set_write_fn(out, &bytes, append, nullptr);
  png_set_IHDR(out, info, width, png_uint_32(rows.size()), depth, type, interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  const png_color colors[] = {{10, 20, 30}, {40, 50, 60}};
  const png_byte alphas[] = {255, 77};
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(out, info, colors, 2), png_set_tRNS(out, info, alphas, 2, nullptr);
  std::vector<png_bytep> starts;
  for (auto& row : rows) starts.push_back(row.data());
  png_write_info(out, info), png_write_image(out, starts.data()), png_write_end(out, info);
  png_destroy_write_struct(&out, &info);
  return bytes;
}
std::string jpeg(int channels, uint32_t width, uint32_t height, std::vector<uint8_t> pixels, bool progressive = false) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* out = nullptr;
  unsigned long bytes = 0;
  jpeg_mem_dest(&info, &out, &bytes);
  info.image_width = width, info.image_height = height, info.input_components = channels;
  info.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  for (uint32_t row = 0; row < height; ++row) {
    JSAMPROW at = &pixels[size_t(row) * width * size_t(channels)];
    jpeg_write_scanlines(&info, &at, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string file(reinterpret_cast<char*>(out), bytes);
  std::free(out);
  return file;
}
/// What is said while it is opened, or while all is read; "" when all is well.
std::string trouble(const std::string& dataset, const std::vector<Attribute>& settings) {
  try {
    const OpenDataset data(dataset, settings);
    for (uint32_t s = 0; s < data.size(); ++s) data.values<uint8_t>(s, 0);
  } catch (const Error& e) {
    return e.text;
  }
  return "";
}

}  // namespace

TEST_CASE("image_folder: PNG and JPEG of every color, transparency, order") {
  Files files;
  const std::string path = files.root.string();
  files.write("cat/b.PNG", png(PNG_FORMAT_RGB, 2, 1, {10, 20, 30, 40, 50, 60}));
  files.write("cat/a.png", png(PNG_FORMAT_RGBA, 2, 1, {0, 100, 200, 255, 0, 100, 200, 0}));
  files.write("cat/notes.txt", "no picture"), files.write("cat/.hidden.png", "no picture");
  files.write("dog/x.jpeg", jpeg(3, 2, 1, {90, 90, 90, 90, 90, 90}));
  files.write("dog/y.jpg", jpeg(1, 2, 1, {70, 70}));
  files.write("read me", "not a class");
  const OpenDataset data("image_folder", {{"path", path}});
  CHECK(data.sample(0) == Shape{3, 1, 2});
  CHECK(data.dtype(0) == DType::uint8);
  CHECK(data.classes() == Texts{"cat", "dog"});
  CHECK(data.values<int32_t>(0, 1) == Ints{0, 0, 1, 1});
  const Bytes x = data.values<uint8_t>(0, 0);
  CHECK(Bytes(x.begin(), x.begin() + 12) == Bytes{0, 255, 100, 255, 200, 255, 10, 40, 20, 50, 30, 60});
  for (int i = 12; i < 18; ++i) CHECK(std::abs(x[size_t(i)] - 90) <= 1);
  for (int i = 18; i < 24; ++i) CHECK(std::abs(x[size_t(i)] - 70) <= 1);
  for (int64_t row : {3, 0, 2, 1}) {  // in another order, one by one
    const Bytes one = data.rows<uint8_t>(0, 0, {row});
    CHECK(std::equal(one.begin(), one.end(), x.begin() + 6 * row));
  }
  const OpenDataset alpha("image_folder", {{"path", path}, {"channels", "rgba"}, {"classes", Texts{"cat"}}});
  CHECK(alpha.sample(0) == Shape{4, 1, 2});
  CHECK(alpha.values<uint8_t>(0, 0) == Bytes{0, 0, 100, 100, 200, 200, 255, 0, 10, 40, 20, 50, 30, 60, 255, 255});
  const OpenDataset gray("image_folder", {{"path", path}, {"channels", "gray"}, {"background", int64_t(0)}, {"classes", Texts{"cat"}}});
  CHECK(gray.sample(0) == Shape{1, 1, 2});
  CHECK(gray.values<uint8_t>(0, 0) == Bytes{82, 0, 18, 48});  // 0.587 · 100 + 0.114 · 200 = 81.5; 18.15; 48.15
}

TEST_CASE("image_folder: PNG of every kind") {
  Files files;
  struct Kind {
    int depth, type;
    std::vector<uint8_t> row;  ///< of two pixels
    Bytes rgba;                ///< what they are
  };
  const std::vector<Kind> kinds = {
      {1, PNG_COLOR_TYPE_GRAY, {0x40}, {0, 0, 0, 255, 255, 255, 255, 255}},
      {2, PNG_COLOR_TYPE_GRAY, {0x60}, {85, 85, 85, 255, 170, 170, 170, 255}},
      {16, PNG_COLOR_TYPE_GRAY, {0x40, 0x40, 0xff, 0xff}, {64, 64, 64, 255, 255, 255, 255, 255}},
      {8, PNG_COLOR_TYPE_GRAY_ALPHA, {9, 200, 70, 0}, {9, 9, 9, 200, 70, 70, 70, 0}},
      {16, PNG_COLOR_TYPE_RGB, {1, 1, 2, 2, 3, 3, 0x80, 0x80, 0, 0, 0xff, 0xff}, {1, 2, 3, 255, 128, 0, 255, 255}},
      {8, PNG_COLOR_TYPE_PALETTE, {1, 0}, {40, 50, 60, 77, 10, 20, 30, 255}},
  };
  for (const Kind& k : kinds) {
    files.write("a/x.png", png_of(k.depth, k.type, PNG_INTERLACE_NONE, 2, {k.row}));
    const Bytes planes = OpenDataset("image_folder", {{"path", files.root.string()}, {"channels", "rgba"}}).values<uint8_t>(0, 0);
    REQUIRE(planes.size() == 8);
    for (size_t i = 0; i < 8; ++i) CHECK_MESSAGE(planes[i % 4 * 2 + i / 4] == k.rgba[i], k.depth, " bits, type ", k.type, ", number ", i);
  }
}

TEST_CASE("image_folder: sizes are equal, or brought to one") {
  Files files;
  const std::string train = files.path("train"), test = files.path("test");
  files.write("train/a/1.png", png(PNG_FORMAT_GRAY, 4, 2, {0, 100, 200, 40, 0, 100, 200, 40}));
  files.write("train/a/2.png", png(PNG_FORMAT_GRAY, 1, 1, {77}));
  files.write("test/a/3.png", png(PNG_FORMAT_GRAY, 2, 1, {50, 150}));
  CHECK(contains(trouble("image_folder", {{"path", train}}),
                 "/train/a/2.png has 1 × 1 pixels, " + train + "/a/1.png 4 × 2; \"size\" brings"));
  const OpenDataset data("image_folder", {{"path", train}, {"test", test}, {"size", Shape{1, 2}}, {"channels", "gray"}});
  // From four to two places the filter is four wide, weights 3/4, 3/4, 1/4 of 7/4 at the border.
  const double left = (0 * 0.75 + 100 * 0.75 + 200 * 0.25) / 1.75, right = (40 * 0.75 + 200 * 0.75 + 100 * 0.25) / 1.75;
  CHECK(data.values<uint8_t>(0, 0) == Bytes{uint8_t(std::lround(left)), uint8_t(std::lround(right)), 77, 77});
  CHECK(data.values<uint8_t>(1, 0) == Bytes{50, 150});
}

TEST_CASE("image_folder: rows and columns are resized alike, however the rows come") {
  Files files;
  const int64_t height = 13, width = 9;
  std::vector<uint8_t> picture, turned(size_t(height * width));
  for (int64_t i = 0; i < height * width; ++i) picture.push_back(uint8_t(i * i * 37 >> 2));
  for (int64_t i = 0; i < height * width; ++i) turned[size_t(i % width * height + i / width)] = picture[size_t(i)];
  files.write("a/1.png", png(PNG_FORMAT_GRAY, int(width), int(height), picture));
  std::vector<std::vector<uint8_t>> rows;
  for (int64_t y = 0; y < height; ++y) rows.emplace_back(picture.begin() + y * width, picture.begin() + (y + 1) * width);
  files.write("a/2.png", png_of(8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_ADAM7, uint32_t(width), rows));
  files.write("b/1.png", png(PNG_FORMAT_GRAY, int(height), int(width), turned));
  for (const Shape& size : {Shape{5, 4}, Shape{3, 9}, Shape{13, 2}, Shape{1, 1}, Shape{29, 31}, Shape{40, 3}}) {
    const auto read = [&](const char* name, const Shape& extent) {
      return OpenDataset("image_folder", {{"path", files.root.string()}, {"classes", Texts{name}}, {"size", extent}, {"channels", "gray"}})
          .values<uint8_t>(0, 0);
    };
    const size_t count = size_t(size[0] * size[1]);
    const Bytes both = read("a", size), other = read("b", {size[1], size[0]});
    REQUIRE(both.size() == 2 * count);
    CHECK(std::equal(both.begin(), both.begin() + int64_t(count), both.begin() + int64_t(count)));
    for (size_t i = 0; i < count; ++i) {
      const int64_t row = int64_t(i) / size[1], column = int64_t(i) % size[1];
      CHECK(std::abs(both[i] - other[size_t(column * size[0] + row)]) <= 1);
    }
  }
  const OpenDataset as_is("image_folder", {{"path", files.root.string()}, {"classes", Texts{"a"}}, {"channels", "gray"}});
  const Bytes x = as_is.values<uint8_t>(0, 0);
  CHECK(Bytes(x.begin(), x.begin() + height * width) == picture);
  CHECK(Bytes(x.begin() + height * width, x.end()) == picture);
}

TEST_CASE("image_folder: hostile pictures and folders are refused with their path") {
  Files files;
  const std::string path = files.root.string();
  const auto told = [&](const std::string& name, const std::string& bytes) {
    files.write("a/" + name, bytes);
    const std::string without = trouble("image_folder", {{"path", path}}),
                      with = trouble("image_folder", {{"path", path}, {"size", Shape{3}}});
    fs::remove(files.root / "a" / name);
    for (auto& text : {without, with}) CHECK((text.empty() || contains(text, "a/" + name)));
    CHECK(without.empty() == with.empty());
    return with;
  };
  std::vector<uint8_t> noise(3 * 16 * 16);
  for (size_t i = 0; i < noise.size(); ++i) noise[i] = uint8_t(i * i * 31 >> 3);
  const std::string p = png(PNG_FORMAT_RGB, 16, 16, noise), j = jpeg(3, 16, 16, noise);
  CHECK(told("x.png", p) == "");
  CHECK(told("x.png", j) == "");  // what a file is, is seen in its bytes
  CHECK(told("x.jpg", j) == "");
  for (size_t n = 0; n < p.size() - 12; n += 7) CHECK(told("x.png", p.substr(0, n)) != "");  // the last 12 bytes say that it ends
  for (size_t n = 0; n < j.size() - 2; n += 7) CHECK(told("x.jpg", j.substr(0, n)) != "");
  for (size_t at = 0; at < p.size(); at += 3) {  // whatever a damaged file does, it does not end the program
    std::string damaged = p;
    damaged[at] = char(damaged[at] ^ 0x55);
    told("x.png", damaged);
  }
  for (size_t at = 0; at < j.size(); at += 3) {
    std::string damaged = j;
    damaged[at] = char(damaged[at] ^ 0x55);
    told("x.jpg", damaged);
  }
  CHECK(contains(told("x.png", "GIF89a"), "is neither a PNG nor a JPEG picture"));
  CHECK(contains(told("x.png", ""), "is neither a PNG nor a JPEG picture"));
  CHECK(contains(told("x.jpg", jpeg(4, 2, 1, std::vector<uint8_t>(8, 9))), "is damaged"));  // CMYK
  std::string lying = j;  // the height in the frame header, SOF0: marker, length, precision, height
  const size_t frame = lying.find("\xff\xc0");
  REQUIRE(frame != lying.npos);
  lying[frame + 5] = '\xff', lying[frame + 7] = '\xff';
  CHECK(contains(told("x.jpg", lying), "pixels; at most"));
  lying[frame + 5] = '\x13', lying[frame + 7] = '\x13';
  CHECK(contains(told("x.jpg", lying), "pixels, but has"));
  std::string scans = jpeg(3, 16, 16, noise, true);  // all its coefficients would be held
  CHECK(told("x.jpg", scans) == "");
  const size_t progressive = scans.find("\xff\xc2");
  REQUIRE(progressive != scans.npos);
  scans[progressive + 5] = '\x7f', scans[progressive + 7] = '\x7f', scans.append(3 << 20, '\0');
  CHECK(contains(told("x.jpg", scans), "are decoded where they come in several scans"));
  std::string bomb = p;  // width and height of the first chunk, IHDR, and its checksum
  for (size_t at : {18, 22}) bomb[at] = '\x1f';
  const uint32_t sum = uint32_t(crc32(0, reinterpret_cast<const Bytef*>(bomb.data()) + 12, 17));
  for (size_t i = 0; i < 4; ++i) bomb[29 + i] = char(sum >> (24 - 8 * i));
  CHECK(contains(told("x.png", bomb), "pixels, but has"));

  CHECK(contains(trouble("image_folder", {{"path", path}}), "a holds no pictures"));
  files.pipe("a/x.png");
  CHECK(contains(trouble("image_folder", {{"path", path}}), "a/x.png is no regular file"));
  fs::remove(files.root / "a/x.png"), fs::create_symlink("x.png", files.root / "a/x.png");  // round in itself
  CHECK(contains(trouble("image_folder", {{"path", path}}), "cannot open"));
  files.write("a/x.png", p), fs::create_directory_symlink(files.root, files.root / "a/around");
  CHECK(trouble("image_folder", {{"path", path}}) == "");
  files.write("held/b/x.png", p);
  CHECK(contains(trouble("image_folder", {{"path", path}, {"classes", Texts{"a"}}, {"test", files.path("held")}}),
                 "held has the sub-folder b, which is no class of the training split"));
  CHECK(contains(trouble("image_folder", {{"path", path}, {"classes", Texts{"z"}}}), "cannot read the folder"));
  CHECK(contains(trouble("image_folder", {{"path", files.path("nowhere")}}), "cannot read the folder"));
  fs::create_directory(files.root / "empty");
  CHECK(contains(trouble("image_folder", {{"path", files.path("empty")}}), "has no sub-folders"));
}

TEST_CASE("text_folder: words by frequency, padding, unknown ones, files and folders") {
  Files files;
  const std::string train = files.path("train"), test = files.path("test");
  files.write("train/yes", "The cat's cat. The dog\n%\nthe, CAT\r\n%\r\n...\n%\nfür");
  files.write("train/no/1.txt", "no dog"), files.write("train/no/2", "the end of this");
  files.write("train/yes.dat", "index"), files.write("train/.hidden", "hidden");
  files.write("test/no/3.txt", "zebra the");
  const std::vector<Attribute> settings = {{"path", train}, {"separator", "%"}, {"length", int64_t(3)}};
  std::vector<Attribute> both = settings;
  both.emplace_back("test", test);
  const OpenDataset data("text_folder", both);
  CHECK(data.classes() == Texts{"no", "yes"});
  CHECK(data.sample(0) == Shape{3});
  // the 4; cat 2, dog 2; cat's, end, für, no, of, this 1
  CHECK(data.values<int32_t>(0, 0) == Ints{8, 4, 0, 2, 6, 9, 2, 5, 3, 2, 3, 0, 7, 0, 0});
  CHECK(data.values<int32_t>(0, 1) == Ints{0, 0, 1, 1, 1});
  CHECK(data.values<int32_t>(1, 0) == Ints{1, 2, 0});
  std::vector<Attribute> few = settings;
  few.emplace_back("vocabulary", int64_t(3)), few.emplace_back("classes", Texts{"yes"});
  CHECK(OpenDataset("text_folder", few).values<int32_t>(0, 0) == Ints{2, 1, 1, 2, 1, 0, 1, 0, 0});
  files.write("letters/a",
              "aüa\xff"
              "B");
  const OpenDataset letters("text_folder",
                            {{"path", files.path("letters")}, {"tokens", "characters"}, {"length", int64_t(7)}, {"lower_case", false}});
  CHECK(letters.values<int32_t>(0, 0) == Ints{2, 5, 2, 6, 4, 3, 0});  // a 2; \n, B, ü, \xff 1
}

TEST_CASE("text_folder: hostile folders are refused with their path") {
  Files files;
  const auto told = [&](const std::string& folder, std::vector<Attribute> more = {}) {
    more.emplace_back("path", files.path(folder)), more.emplace_back("length", int64_t(4));
    return trouble("text_folder", more);
  };
  files.write("t/a", "some words"), files.write("t/b", "...");
  CHECK(contains(told("t"), "t/b holds no texts"));
  files.pipe("t/b");
  CHECK(contains(told("t"), "t/b is no regular file"));
  CHECK(contains(told("t", {{"classes", Texts{"c"}}}), "cannot open"));
  CHECK(told("t", {{"classes", Texts{"a"}}}) == "");
  CHECK(contains(told("nowhere"), "cannot read the folder"));
  fs::create_directory(files.root / "empty");
  CHECK(contains(told("empty"), "wanted one per class"));
  fs::create_symlink("loop", files.root / "empty/loop");
  CHECK(contains(told("empty"), "cannot open"));
  files.write("train/cat/1", "a cat"), files.write("train/dog/1", "a dog"), files.write("test/dgo/1", "a dog");
  CHECK(contains(told("train", {{"test", files.path("test")}}),
                 "test has the sub-folder dgo, which is no class of the training split; did you mean \"dog\"?"));
  files.write("huge/a", "x");
  fs::resize_file(files.root / "huge/a", uint64_t(1) << 33);
  CHECK(contains(told("huge"), "huge/a has 8589934592 bytes; at most"));
}

TEST_CASE("text_folder: fortunes as Debian packs them") {
  const std::string folder = "/usr/share/games/fortunes";
  if (!fs::exists(folder + "/computers")) {
    MESSAGE("fortunes is not installed");
    return;
  }
  const OpenDataset data("text_folder", {{"path", folder},
                                         {"classes", Texts{"computers", "science"}},
                                         {"separator", "%"},
                                         {"length", int64_t(30)},
                                         {"vocabulary", int64_t(1000)}});
  CHECK(data[0].samples > 1000);
  const Ints x = data.values<int32_t>(0, 0);
  CHECK(*std::ranges::max_element(x) == 999);
  CHECK(*std::ranges::min_element(x) == 0);
}

TEST_CASE("image_folder: pictures of scikit-image as Debian packs them") {
  const fs::path folder = "/usr/lib/python3/dist-packages/skimage/data";
  if (!fs::exists(folder / "astronaut.png")) {
    MESSAGE("python3-skimage is not installed");
    return;
  }
  Files files;
  fs::create_directories(files.root / "all");
  for (const char* name : {"astronaut.png", "camera.png", "palette_color.png", "foo3x5x4indexed.png", "rocket.jpg"})
    fs::create_symlink(folder / name, files.root / "all" / name);
  const std::vector<Attribute> settings = {{"path", files.root.string()}, {"size", Shape{8, 12}}};
  const OpenDataset data("image_folder", settings);
  CHECK(data[0].samples == 5);
  CHECK(data.values<uint8_t>(0, 0).size() == 5 * 3 * 8 * 12);
  fs::create_symlink(folder / "truncated.jpg", files.root / "all/truncated.jpg");
  CHECK(contains(trouble("image_folder", settings), "all/truncated.jpg is damaged: Premature end of JPEG file"));
}
