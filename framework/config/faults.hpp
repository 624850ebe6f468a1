/// Everything that is wrong with an experiment, gathered and told at once.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "config/json.hpp"

namespace lamina {

/// Where something stands: for faults found at once and for those found later (shapes, columns).
struct Place {
  Position position;
  std::string pointer;  ///< RFC 6901
};

struct Fault {
  Place place;
  std::string sentence;  ///< what is wrong, what was wanted; nearest name
  Exit exit = Exit::experiment;
  /// `file:line:column  /json/pointer: sentence`, control characters escaped.
  std::string text() const;
};

/// What `throw_if_any` throws: what() has one line per fault. The exit code is that of
/// the faults, where they have one in common, else 3.
struct ConfigError : Failure {
  explicit ConfigError(std::vector<Fault> faults);
  std::vector<Fault> faults;
};

class Faults {
 public:
  void add(Place place, std::string sentence, Exit exit = Exit::experiment);
  bool any() const { return !faults_.empty(); }
  size_t count() const { return faults_.size(); }
  /// True when more than anybody reads have been told: no need to look for suggestions or for further ones.
  bool full() const { return faults_.size() >= 1000; }
  /// In the order of files and positions, each once.
  std::vector<Fault> sorted() const;
  void throw_if_any() const;

 private:
  std::vector<Fault> faults_;
  std::set<std::string> seen_;
};

/// `; did you mean "x"? known: a, b, c` for a name that is not among `names`; made to stand at the end of a sentence.
std::string suggestion(const std::string& word, std::vector<std::string> names);

}  // namespace lamina
