/// What a backend can run on, asked without opening anything.
#pragma once
#include <string>
#include <vector>

#include "config/descriptor.hpp"

namespace lamina::program {

struct ListedDevice {
  std::string name, type, driver;
  std::string why;      ///< why it is not available
  std::string details;  ///< limits and features, a line each
  uint64_t memory = 0;  ///< bytes; 0: not known
  uint32_t threads = 0;
  bool available = false;
};

/// std::exception with a sentence when the backend fails.
std::vector<ListedDevice> devices_of(const Descriptor& backend);

/// Bytes of the available device with the most memory; 0 where none says how much it has.
uint64_t largest_memory(const Descriptor& backend);

}  // namespace lamina::program
