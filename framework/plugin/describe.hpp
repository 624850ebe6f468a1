/// The host's own copy of what a plugin says of itself.
#pragma once
#include <lamina/sized.hpp>

#include "config/descriptor.hpp"

namespace lamina {

/// A struct of the C interface as this host knows it: fields that its writer did not know read as zero, fields that the host does not
/// know are left. T starts with its size.
template <class T>
T copy_sized(const void* theirs) {
  return border::read_sized(static_cast<const T*>(theirs));
}

/// Copies and checks a descriptor: version, sizes, kind and name as expected ("" takes any), every parameter and port named and documented, types known.
/// std::runtime_error whose text is the end of a sentence: "says that its kind is \"loss\"; wanted \"layer\"".
Descriptor describe_plugin(const lamina_plugin* plugin, const std::string& kind, const std::string& name);

}  // namespace lamina
