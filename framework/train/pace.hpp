/// How far the host runs ahead of the device.
#pragma once
#include <cstddef>

namespace lamina::pace {

inline constexpr size_t ring = 8;        ///< steps that may be under way before they are waited for
inline constexpr double seconds = 0.05;  ///< and the time after which they are, however few

}  // namespace lamina::pace
