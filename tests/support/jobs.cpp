#include "support/jobs.hpp"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>

#include "plugin/registry.hpp"

extern char** environ;

namespace lamina::test {
namespace {

using Words = std::vector<std::string>;

std::string everything_written_to() {
  // Whoever writes to every descriptor that is open forges no answer.
  for (int file = 3; file < 256; ++file)
    if (::write(file, "+good", 5) < 0) continue;
  return "never seen";
}

std::string a_deep_call(const Words& words, int depth) {
  volatile char block[4096];
  block[0] = char(depth);
  return depth < 0 ? "" : a_deep_call(words, depth + 1) + std::string(1, block[0]);
}

std::string what_is_open() {
  std::string text;
  for (int file = 0; file < 64; ++file) {
    struct stat info {};
    if (::fstat(file, &info)) continue;
    text += std::to_string(file) + (S_ISREG(info.st_mode) ? "r" : S_ISCHR(info.st_mode) ? "c" : S_ISFIFO(info.st_mode) ? "p" : "?") + " ";
  }
  rlimit core{};
  ::getrlimit(RLIMIT_CORE, &core);
  char byte;
  const bool empty = ::read(STDIN_FILENO, &byte, 1) == 0;
  return text + "core " + std::to_string(core.rlim_max) + " group " + (getpgrp() == getpid() ? "own" : "shared") + " input " +
         (empty ? "empty" : "open");
}

/// Why a layer of a folder, or the search path when none is named, is refused to a user without root's rights.
std::string refusal_as_nobody(const Words& words) {
  constexpr int nobody = 65534;
  if (geteuid() == 0 && (setgroups(0, nullptr) || setgid(nobody) || setuid(nobody))) throw std::runtime_error("root cannot become nobody");
  try {
    if (words.at(0).empty())
      plugin_folders();
    else
      Registry({words[0]}).find("layer", words.at(1));
  } catch (const PluginError& e) {
    return e.what();
  }
  return "";
}

/// A grandchild that outlives its parent and holds the pipes open.
std::string with_a_daemon() {
  const char* words[] = {"sleep", "600", nullptr};
  pid_t daemon = 0;
  if (posix_spawnp(&daemon, words[0], nullptr, nullptr, const_cast<char**>(words), environ)) throw std::runtime_error("no sleep");
  return std::to_string(daemon);
}

}  // namespace

ChildJobs jobs() {
  return {
      {"echo",
       [](const Words& words) {
         std::string all;
         for (auto& word : words) all += "<" + word + ">";
         return all;
       }},
      {"long", [](const Words& words) { return std::string(std::stoull(words.at(0)), 'x'); }},
      {"refuse", [](const Words& words) -> std::string { throw std::runtime_error(words.at(0)); }},
      {"number", [](const Words&) -> std::string { throw 42; }},
      {"exit",
       [](const Words& words) -> std::string {
         std::puts("leaving\n");
         std::exit(std::stoi(words.at(0)));
       }},
      {"raise",
       [](const Words& words) {
         ::raise(std::stoi(words.at(0)));
         return std::string("it lives");
       }},
      {"deep", [](const Words& words) { return a_deep_call(words, 0); }},
      {"memory", [](const Words& words) { return std::string(std::vector<char>(std::stoull(words.at(0)), 1).back(), 'y'); }},
      {"hang",
       [](const Words&) -> std::string {
         std::puts("thinking"), std::fflush(stdout);
         for (volatile bool on = true; on;) pause();
         return "";
       }},
      {"shout",
       [](const Words& words) {
         for (int i = 0; i < std::stoi(words.at(0)); ++i) std::printf("line %d\n", i);
         return std::string("hoarse");
       }},
      {"forge",
       [](const Words&) {
         everything_written_to();
         std::_Exit(0);
         return std::string();
       }},
      {"close",
       [](const Words&) {
         for (int file = 3; file < 1024; ++file) ::close(file);
         return std::string("nobody hears");
       }},
      {"late",
       [](const Words&) {
         std::atexit([] { std::abort(); });
         return std::string("good");
       }},
      {"file",
       [](const Words&) {
         char text[64];
         const ssize_t got = ::pread(child_file, text, sizeof text, 0);
         return std::string(text, got > 0 ? size_t(got) : 0);
       }},
      {"state", [](const Words&) { return what_is_open(); }},
      {"refusal as nobody", refusal_as_nobody},
      {"daemon", [](const Words&) { return with_a_daemon(); }},
  };
}

}  // namespace lamina::test
