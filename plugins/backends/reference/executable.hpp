/// A program of the reference backend: its kernels, one after the other on the calling thread.
#pragma once
#include <lamina/backend.hpp>

#include "kernel.hpp"

namespace reference {

class Executable {
 public:
  /// Prepares every kernel; Error names the op that cannot run. `storage` outlives this, its arena is made large enough.
  Executable(lamina::Program program, Storage& storage);
  void run(const lamina::Run&);  ///< done when it returns
  void wait() {}
  std::vector<lamina::OpTime> profile(bool enable);

 private:
  void check_places() const;
  void check_states();
  void gather(const lamina::Run&, const Value& input) const;
  void show(const lamina::Run&) const;

  lamina::Program program_;
  Storage& storage_;
  std::vector<Kernel> kernels_;  ///< one per op
  std::vector<const Value*> inputs_;
  std::vector<double> seconds_;
  bool profiling_ = false, states_checked_ = false;
};

}  // namespace reference
