// Libraries are looked at before they are loaded: whatever is cut off, foreign or damaged is refused with a reason.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "base/files.hpp"
#include "plugin/elf.hpp"

using namespace lamina;

static std::string library(const char* name) { return read_file(std::string(LAMINA_TEST_PLUGINS "/layers/") + name, 1 << 26); }
static std::string refusal(const std::string& bytes) {
  try {
    exported_symbols(bytes);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

TEST_CASE("a plugin exports one symbol") {
  CHECK(exported_symbols(library("gated.so")) == std::vector<std::string>{"lamina_plugin_v1"});
  CHECK(exported_symbols(library("../broken_case/layers/entry_of_a_newer_major.so")) == std::vector<std::string>{"lamina_plugin_v2"});
  CHECK(exported_symbols(library("../broken_case/layers/no_entry_at_all.so")) == std::vector<std::string>{"some_other_symbol"});
}

TEST_CASE("a library cut off anywhere is refused") {
  const std::string whole = library("gated.so");
  for (size_t k = 0; k < 100; ++k) CHECK(refusal(whole.substr(0, whole.size() * k / 100)) != "");
  for (size_t bytes = 0; bytes < 1000; ++bytes) CHECK(refusal(whole.substr(0, bytes)) != "");
  CHECK(refusal(whole.substr(0, whole.size() - 1)).find("outside of its") != std::string::npos);
  CHECK(refusal(whole) == "");
}

TEST_CASE("what is no library of this machine is refused by name") {
  const std::string whole = library("gated.so");
  auto patched = [&](size_t at, char value) {
    std::string copy = whole;
    copy[at] = value;
    return refusal(copy);
  };
  CHECK(refusal("hello") == "is no shared library (no ELF file)");
  CHECK(refusal("") == "is no shared library (no ELF file)");
  CHECK(patched(4, 1) == "is no 64-bit library");
  CHECK(patched(5, whole[5] == 1 ? 2 : 1) == "is made for a machine with another byte order");
  CHECK(patched(16, 2) == "is no shared library (another type of ELF file)");
  CHECK(patched(18, 21).find("is made for 64-bit PowerPC, this machine is ") == 0);
  CHECK(patched(19, 99).find("is made for machine number ") == 0);
  CHECK(patched(20, 7) == "has an unknown ELF version");
}

TEST_CASE("damage anywhere in the tables is refused or harmless, never a crash") {
  const std::string whole = library("gated.so");
  std::mt19937 random(1);
  size_t refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string copy = whole;
    for (int k = 0; k < 4; ++k) {
      const size_t tail = std::min<size_t>(copy.size(), 4096),
                   at = random() % (2 * tail);  // headers at the front, section table at the end
      copy[at < tail ? at : copy.size() - 1 - (at - tail)] = char(random());
    }
    refused += refusal(copy) != "";
  }
  CHECK(refused > 100);
}
