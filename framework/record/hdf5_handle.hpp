/// What the HDF5 sources of this folder share. Not for others; hdf5.h itself stays in the .cpp files.
#pragma once
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace lamina {

/// Owns one HDF5 identifier (hid_t is int64_t, herr_t is int: checked where hdf5.h is known).
class Handle {
 public:
  using Close = int (*)(int64_t);

  Handle() = default;
  Handle(int64_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_), std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() { reset(); }

  /// False when closing failed, for a file: when its last bytes could not be written.
  bool reset() { return id_ < 0 || close_(std::exchange(id_, -1)) >= 0; }
  explicit operator bool() const { return id_ >= 0; }
  operator int64_t() const { return id_; }

 private:
  int64_t id_ = -1;
  Close close_ = nullptr;
};

/// Keeps a file that HDF5 has just opened from child processes: the library does not say O_CLOEXEC.
void close_on_exec(int64_t file);

/// Stands at the start of every public function that calls HDF5: one thread at a time, the library silent (its error stack is
/// per thread), no filter plugins and no external links in the whole process.
class Hdf5Guard {
 public:
  Hdf5Guard();

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

/// The innermost reason of the last failed HDF5 call, as ": reason", or "".
std::string hdf5_reason();

/// The handle, or a FileError "sentence: HDF5's reason." when `id` says that the call failed.
Handle opened(int64_t id, Handle::Close close, const std::string& sentence);

/// FileError "sentence: HDF5's reason." when an HDF5 call returned a negative status.
void require(int64_t status, const std::string& sentence);

}  // namespace lamina
