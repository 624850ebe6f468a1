#include "record/hdf5_handle.hpp"

#include "record/array.hpp"

#include <string_view>
#include <type_traits>

#include <fcntl.h>
#include <hdf5.h>

namespace lamina {
namespace {

static_assert(std::is_same_v<hid_t, int64_t> && std::is_same_v<herr_t, int>, "Handle expects HDF5 1.10 or later");

std::recursive_mutex& library_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

}  // namespace

Hdf5Guard::Hdf5Guard() : lock_(library_mutex()) {
  static const bool prepared = [] {
    // After a file could not be closed, because the disk was full, HDF5 1.10 crashes when it cleans up at the end of the process.
    // There is nothing to clean up: every file here is closed by its owner.
    H5dont_atexit();
    H5open();
    H5PLset_loading_state(0);          // a file must not choose which shared libraries run in this process
    H5Lunregister(H5L_TYPE_EXTERNAL);  // nor which other files are opened
    return true;
  }();
  (void)prepared;
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5Eclear2(H5E_DEFAULT);
}

std::string hdf5_reason() {
  std::string reason;
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned depth, const H5E_error2_t* error, void* out) -> herr_t {
        if (depth == 0 && error->desc) *static_cast<std::string*>(out) = std::string(": ") + error->desc;
        return 0;
      },
      &reason);
  // System errors come as a line of times, descriptors and addresses around the one part that says something.
  constexpr std::string_view mark = "error message = '";
  const size_t begin = reason.find(mark);
  if (begin == std::string::npos) return reason;
  const size_t end = reason.find('\'', begin + mark.size());
  return ": " + reason.substr(begin + mark.size(), end - begin - mark.size());
}

Handle opened(int64_t id, Handle::Close close, const std::string& sentence) {
  require(id, sentence);
  return Handle(id, close);
}

void close_on_exec(int64_t file) {
  void* descriptor = nullptr;  // an int of the driver that files are opened with here
  if (H5Fget_vfd_handle(file, H5P_DEFAULT, &descriptor) >= 0 && descriptor) fcntl(*static_cast<int*>(descriptor), F_SETFD, FD_CLOEXEC);
}

void require(int64_t status, const std::string& sentence) {
  if (status < 0) throw FileError(sentence + hdf5_reason() + ".");
}

}  // namespace lamina
