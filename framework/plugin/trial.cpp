#include "plugin/trial.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "base/text.hpp"
#include "plugin/describe.hpp"
#include "plugin/library.hpp"

namespace lamina {
namespace {

constexpr const char* job = "try";

/// A number greater than 0 from the environment.
double setting(const char* variable, double otherwise, double most) {
  const char* text = std::getenv(variable);
  if (!text || !*text) return otherwise;
  double value = 0;
  const auto end = std::from_chars(text, text + std::strlen(text), value);
  if (end.ec != std::errc() || *end.ptr || !(value > 0 && value <= most)) {
    char limit[32];
    std::snprintf(limit, sizeof limit, "%g", most);
    throw std::runtime_error(std::string("is not loaded: ") + variable + " is " + in_quotes(text) + "; wanted a number in (0, " + limit +
                             "]");
  }
  return value;
}

std::string limits_in_words(const ChildRequest& request) {
  char text[64];
  std::snprintf(text, sizeof text, "%g s, %s of memory", request.seconds, bytes_text(request.memory).c_str());
  return text;
}

}  // namespace

void try_out(const LibraryImage& image, const std::string& kind, const std::string& name) {
  ChildRequest request;
  request.job = job, request.words = {image.loadable(child_file), kind, name}, request.file = image.descriptor();
  request.seconds = setting("LAMINA_PLUGIN_SECONDS", 10, 86400);
  request.memory = std::max<uint64_t>(1, uint64_t(setting("LAMINA_PLUGIN_GIB", 4, 1 << 20) * double(1 << 30)));  // 0 would be no limit
  ChildResult result;
  try {
    result = run_child(request);
  } catch (const std::runtime_error& e) {
    throw std::runtime_error(std::string("cannot be tried out: ") + e.what());
  }
  if (result.answer) return;
  if (result.refusal) throw std::runtime_error(escaped(*result.refusal));
  const std::string words = result.last_words();
  throw std::runtime_error(result.ending + " when it was tried out in a child process (limits: " + limits_in_words(request) + ")" +
                           (words.empty() ? "" : "; its last words: " + in_quotes(words, 200)));
}

ChildJobs trial_jobs() {
  return {{job, [](const std::vector<std::string>& words) {
             describe_plugin(open_library(words.at(0)), words.at(1), words.at(2));
             return std::string();
           }}};
}

}  // namespace lamina
