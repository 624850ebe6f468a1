/// SHA-256 (NIST FIPS 180-4), for naming and checking content; not for secrets.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace lamina {

class Sha256 {
 public:
  void update(const void* data, size_t bytes);
  /// The digest of all bytes so far as 64 lower-case hexadecimal digits; ends the computation.
  std::string hex();

 private:
  void block(const uint8_t* bytes);

  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending_{};
  uint64_t length_ = 0;  // bytes so far
};

std::string sha256(const void* data, size_t bytes);

/// Digest of a regular file's bytes; std::runtime_error names a file that is not regular or cannot be read.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace lamina
