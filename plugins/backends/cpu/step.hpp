/// What a program is made of once it is compiled: steps that know their bytes.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "common/planning.hpp"

namespace lamina::cpu {

using namespace backends;  // layouts and planning

/// The addresses behind places, and scratch that belongs to a thread.
struct Memory {
  char* arena = nullptr;
  const std::vector<char*>* states = nullptr;
  const std::vector<char*>* workspaces = nullptr;  ///< one per thread
  template <class T = void>
  T* at(const Place& p) const {
    char* base = p.space == Place::Space::arena   ? arena + p.offset
                 : p.space == Place::Space::state ? (*states)[p.entry] + p.offset
                                                  : nullptr;
    return reinterpret_cast<T*>(base);
  }
};

struct Moment {  ///< of one run
  const lamina_run* run;
  int threads;
};

class Step {
 public:
  virtual ~Step() = default;
  /// Called before the first run and whenever memory has moved.
  virtual void bind(const Memory&) = 0;
  virtual void run(const Moment&) = 0;
  uint32_t op = 0;  ///< number of the op it belongs to
};

}  // namespace lamina::cpu
