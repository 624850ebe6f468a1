// Files nobody should trust: each ends in a sentence, none in a crash, a hang or a large allocation.
#include "record/checkpoint.hpp"
#include "record/hdf5.hpp"
#include "record/hdf5_reader.hpp"

#include <cstring>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lamina;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "lamina-hostile-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
};

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const FileError& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A file made with HDF5 itself, for what H5Writer does not write.
struct Raw {
  hid_t file;
  explicit Raw(const fs::path& path) : file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  ~Raw() { H5Fclose(file); }

  void dataset(const char* name, hid_t type, std::vector<hsize_t> dims, hid_t properties = H5P_DEFAULT, const void* data = nullptr) {
    const std::vector<hsize_t> unlimited(dims.size(), H5S_UNLIMITED);  // so that a chunk may be larger than its dataset
    const bool grows = properties != H5P_DEFAULT && H5Pget_layout(properties) == H5D_CHUNKED;
    const hid_t space = H5Screate_simple(int(dims.size()), dims.data(), grows ? unlimited.data() : nullptr);
    const hid_t made = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    REQUIRE(made >= 0);
    if (data) H5Dwrite(made, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    H5Dclose(made), H5Sclose(space);
  }
};

hid_t chunked(std::vector<hsize_t> chunk, bool deflate, bool checksum = false) {
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(properties, int(chunk.size()), chunk.data());
  if (deflate) H5Pset_shuffle(properties), H5Pset_deflate(properties, 4);
  if (checksum) H5Pset_fletcher32(properties);
  return properties;
}

}  // namespace

TEST_CASE("links and storage outside the file are refused") {
  Folder folder;
  {
    H5Writer other(folder.path / "other.h5");
    other.write_text("secret", "x");
    other.commit();
  }
  const fs::path path = folder.path / "links.h5";
  {
    Raw raw(path);
    const int32_t value = 1;
    raw.dataset("fine", H5T_STD_I32LE, {1}, H5P_DEFAULT, &value);
    H5Lcreate_soft("/fine", raw.file, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(raw.file, "/", raw.file, "circle", H5P_DEFAULT, H5P_DEFAULT);
    const hid_t external = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(external, "/etc/hostname", 0, 4);
    raw.dataset("elsewhere", H5T_STD_I32LE, {1}, external);
    const hid_t virtual_layout = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t one = 1;
    const hid_t space = H5Screate_simple(1, &one, nullptr);
    H5Pset_virtual(virtual_layout, space, (folder.path / "other.h5").c_str(), "secret", space);
    raw.dataset("virtual", H5T_STD_I32LE, {1}, virtual_layout);
    H5Pclose(external), H5Pclose(virtual_layout), H5Sclose(space);
  }
  const H5Reader reader(path);
  CHECK(reader.read_int64("fine") == std::vector<int64_t>{1});
  CHECK(has(message_of([&] { reader.read("soft"); }), "is a soft link"));
  CHECK(has(message_of([&] { reader.read("elsewhere"); }), "keeps its data in other files"));
  CHECK(has(message_of([&] { reader.read("virtual"); }), "is virtual"));
  CHECK(has(message_of([&] { reader.read("circle/fine"); }), "circle"));
  CHECK(reader.list().size() == 3);
}

TEST_CASE("external links are refused") {
  // Written by hand: opening any file through Lamina takes external links out of the library for the whole process.
  Folder folder;
  const fs::path path = folder.path / "external.h5";
  {
    Raw raw(path);
    const char link[] = "\0other.h5\0/secret";
    if (H5Lcreate_external("other.h5", "/secret", raw.file, "external", H5P_DEFAULT, H5P_DEFAULT) < 0)
      H5Lcreate_ud(raw.file, "external", H5L_TYPE_EXTERNAL, link, sizeof link, H5P_DEFAULT, H5P_DEFAULT);
    raw.dataset("fine", H5T_STD_I32LE, {1});
  }
  const std::string text = message_of([&] { H5Reader(path).read("external"); });
  CHECK_MESSAGE((has(text, "external link") || has(text, "no dataset")), text);
}

TEST_CASE("claims beyond the file are refused before memory is taken") {
  Folder folder;
  const fs::path path = folder.path / "claims.h5";
  {
    Raw raw(path);
    const hid_t small = chunked({1024}, true), plain = chunked({64}, false), tiny = chunked({1}, true), wide = chunked({1, 1 << 26}, true);
    raw.dataset("contiguous", H5T_STD_U8LE, {1u << 30});
    raw.dataset("deflated", H5T_STD_U8LE, {1u << 30}, small);
    raw.dataset("chunked", H5T_STD_U8LE, {1u << 20}, plain);
    raw.dataset("many", H5T_STD_U8LE, {1u << 20}, tiny);
    raw.dataset("padded", H5T_STD_U8LE, {1000, 1}, wide);
    raw.dataset("overflow", H5T_IEEE_F64LE, {1234567});
    H5Pclose(small), H5Pclose(plain), H5Pclose(tiny), H5Pclose(wide);
  }
  std::string bytes = content(path);
  const uint64_t honest = 1234567, huge = uint64_t(1) << 61;
  for (size_t at; (at = bytes.find(std::string(reinterpret_cast<const char*>(&honest), 8))) != bytes.npos;)
    bytes.replace(at, 8, reinterpret_cast<const char*>(&huge), 8);
  std::ofstream(path, std::ios::binary) << bytes;
  const H5Reader reader(path);
  for (const char* name : {"contiguous", "deflated", "chunked", "many", "padded", "overflow"}) {
    const std::string text = message_of([&] { reader.read(name); });
    CHECK_MESSAGE((has(text, " claims ") || has(text, " has chunks of ")), text);
    CHECK(reader.info(name).problem == text);
  }
}

TEST_CASE("classes and filters Lamina does not read are named") {
  Folder folder;
  const fs::path path = folder.path / "classes.h5";
  {
    Raw raw(path);
    const hid_t compound = H5Tcreate(H5T_COMPOUND, 4), lists = H5Tvlen_create(H5T_STD_I32LE), opaque = H5Tcreate(H5T_OPAQUE, 3);
    H5Tinsert(compound, "x", 0, H5T_STD_I32LE);
    const hid_t texts = H5Tcopy(H5T_C_S1), half = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_size(texts, H5T_VARIABLE);
    H5Tset_fields(half, 15, 10, 5, 0, 10), H5Tset_size(half, 2), H5Tset_ebias(half, 15);
    raw.dataset("compound", compound, {1});
    raw.dataset("vlen", lists, {1});
    raw.dataset("texts", texts, {1});
    raw.dataset("opaque", opaque, {1});
    raw.dataset("reference", H5T_STD_REF_OBJ, {1});
    raw.dataset("half", half, {1});
    const hid_t nbit = chunked({4}, false);
    H5Pset_nbit(nbit);
    raw.dataset("nbit", H5T_STD_I32LE, {4}, nbit);
    const int16_t big_endian[2] = {0x0100, -1};
    raw.dataset("i16", H5T_STD_I16BE, {2}, H5P_DEFAULT, big_endian);
    raw.dataset("u64", H5T_STD_U64LE, {1}, H5P_DEFAULT, "\1\2\0\0\0\0\0\0");
    H5Tclose(compound), H5Tclose(lists), H5Tclose(opaque), H5Tclose(texts), H5Tclose(half), H5Pclose(nbit);
  }
  const H5Reader reader(path);
  const std::pair<const char*, const char*> wanted[] = {{"compound", "compound values"},
                                                        {"vlen", "lists of variable length"},
                                                        {"texts", "texts of variable length"},
                                                        {"opaque", "opaque"},
                                                        {"reference", "references"},
                                                        {"half", "float16"},
                                                        {"nbit", "filter 5"}};
  for (const auto& [name, part] : wanted) {
    const std::string text = message_of([&] { reader.read(name); });
    CHECK_MESSAGE(has(text, part), text);
  }
  CHECK(reader.read_int64("i16") == std::vector<int64_t>{1, -1});
  CHECK(reader.read("i16").dtype == DType::int32);
  CHECK(reader.read_int64("u64") == std::vector<int64_t>{513});
}

TEST_CASE("chunks with checksums are decoded, and damage in them is found") {
  Folder folder;
  const fs::path path = folder.path / "checksums.h5";
  std::vector<int32_t> values(37 * 53);
  for (size_t i = 0; i < values.size(); ++i) values[i] = int32_t(i * 2654435761u);
  for (bool deflate : {false, true}) {
    const hid_t properties = chunked({10, 7}, deflate, true);
    {
      Raw raw(path);
      raw.dataset("x", H5T_STD_I32LE, {37, 53}, properties, values.data());
    }
    H5Pclose(properties);
    const Array array = H5Reader(path).read("x");
    REQUIRE(array.bytes.size() == values.size() * 4);
    CHECK(std::memcmp(array.bytes.data(), values.data(), array.bytes.size()) == 0);
    std::string bytes = content(path);
    if (deflate) continue;
    bytes[bytes.find(std::string(reinterpret_cast<const char*>(values.data()), 28))] ^= 1;
    std::ofstream(path, std::ios::binary) << bytes;
    CHECK(has(message_of([&] { H5Reader(path).read("x"); }), "checksum"));
  }
}

TEST_CASE("a file cut short anywhere, a text and a FIFO are refused") {
  Folder folder;
  const fs::path path = folder.path / "checkpoint.h5";
  std::vector<std::byte> weights(4 * 4096);
  write_checkpoint(path, {{{"model/c1/weight", {DType::float32, {64, 64}, weights}}}, {{"epoch", int64_t(1)}}});
  const std::string whole = content(path);
  for (size_t part = 0; part < 20; ++part) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, whole.size() * part / 20);
    CHECK(message_of([&] { read_checkpoint(path); }) != "");
  }
  std::ofstream(path) << "weights: none\n";
  CHECK(has(message_of([&] { H5Reader reader(path); }), "is not a sound HDF5 file"));
  fs::remove(path);
  CHECK(has(message_of([&] { H5Reader reader(path); }), "cannot be opened"));
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  CHECK(has(message_of([&] { H5Reader reader(path); }), "is not a regular file"));
  CHECK(has(message_of([&] { H5Reader reader(folder.path); }), "is a folder, not a regular file"));
}
