/// Environment variables that a test sets for a while.
#pragma once
#include <cstdlib>
#include <optional>
#include <string>

namespace lamina::test {

/// Sets a variable of this process, and of those it starts, until it dies; then all is as before. Tests run on one thread.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* text = std::getenv(name)) before_ = text;
    setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (before_)
      setenv(name_, before_->c_str(), 1);
    else
      unsetenv(name_);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace lamina::test
