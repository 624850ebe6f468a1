/// What a thread is doing that is not this program's own code: the words that a crash is told with.
#pragma once

namespace lamina {

/// Marks a call into a plugin for as long as it lives; costs two stores. The text must live as long, and ends a sentence that begins "The
/// program crashed in": "layer 'c1' (conv, \"/plugins/layers/conv.so\")". Marks may nest.
class Running {
 public:
  explicit Running(const char* what) noexcept : before_(now_) { now_ = what; }
  ~Running() { now_ = before_; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// Of this thread; null when it runs no plugin. A signal handler may ask.
  static const char* now() noexcept { return now_; }

 private:
  static constinit inline thread_local const char* now_ = nullptr;
  const char* before_;
};

}  // namespace lamina
