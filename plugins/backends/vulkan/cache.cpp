#include "cache.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace lamina::vulkan {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view magic = "lamina cache 1\n";

struct Head {
  uint64_t key_bytes, data_bytes, checksum;
};

fs::path folder() {
  const auto variable = [](const char* name) {
    const char* text = std::getenv(name);
    return fs::path(text ? text : "");
  };
  fs::path base = variable("XDG_CACHE_HOME");
  if (!base.is_absolute()) {
    base = variable("HOME");
    if (!base.is_absolute()) return {};
    base /= ".cache";
  }
  return base / "lamina" / "vulkan";
}

}  // namespace

uint64_t hash_of(std::string_view bytes, uint64_t seed) {
  for (const char c : bytes) seed = (seed ^ uint8_t(c)) * 0x100000001b3u;
  return seed;
}

std::string hexadecimal(uint64_t number) {
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; number >>= 4) text[i] = "0123456789abcdef"[number & 15];
  return text;
}

std::optional<std::string> read_cached(const std::string& name, std::string_view key) {
  const fs::path at = folder();
  if (at.empty()) return std::nullopt;
  std::ifstream in(at / name, std::ios::binary);
  std::error_code error;
  const uint64_t size = fs::file_size(at / name, error);
  if (!in || error || size < magic.size() + sizeof(Head)) return std::nullopt;
  std::string start(magic.size(), '\0');
  Head head;
  in.read(start.data(), std::streamsize(start.size()));
  in.read(reinterpret_cast<char*>(&head), sizeof head);
  const uint64_t rest = size - magic.size() - sizeof head;
  if (!in || start != magic || head.key_bytes != key.size() || head.data_bytes > rest || rest - head.data_bytes != head.key_bytes)
    return std::nullopt;
  std::string there(head.key_bytes, '\0'), data(head.data_bytes, '\0');
  in.read(there.data(), std::streamsize(there.size()));
  in.read(data.data(), std::streamsize(data.size()));
  if (!in || there != key || hash_of(data) != head.checksum) return std::nullopt;
  return data;
}

void write_cached(const std::string& name, std::string_view key, std::string_view data) try {
  static std::atomic<uint64_t> counter{0};
  const fs::path at = folder();
  if (at.empty()) return;
  fs::create_directories(at);
  const fs::path temporary = at / (name + "." + std::to_string(getpid()) + "." + std::to_string(++counter));
  const Head head{key.size(), data.size(), hash_of(data)};
  {
    std::ofstream out(temporary, std::ios::binary);
    out << magic;
    out.write(reinterpret_cast<const char*>(&head), sizeof head);
    out << key << data;
    out.close();
    if (!out) {
      fs::remove(temporary);
      return;
    }
  }
  fs::rename(temporary, at / name);
} catch (const std::exception&) {
  // a full disk or a folder that may not be written
}

}  // namespace lamina::vulkan
