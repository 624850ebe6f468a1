#include "integration/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

extern char** environ;

namespace lamina::test {

Child::Child(const std::vector<std::string>& command, const std::string& log,
             const std::vector<std::pair<std::string, std::string>>& environment) {
  std::vector<std::string> texts;
  for (char** e = environ; *e; ++e) texts.push_back(*e);
  for (auto& [name, value] : environment) texts.push_back(name + "=" + value);
  std::vector<char*> variables, words;
  for (auto& text : texts) variables.push_back(text.data());
  for (auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  variables.push_back(nullptr), words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  const int failed = posix_spawn(&process_, words[0], &actions, nullptr, words.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed) throw std::runtime_error("cannot start " + command[0]);
}

Child::~Child() {
  if (!running()) return;
  send(SIGKILL);
  wait();
}

bool Child::running() {
  if (status_ >= 0) return false;
  int status;
  if (waitpid(process_, &status, WNOHANG) == 0) return true;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  return false;
}

void Child::send(int signal) const { kill(process_, signal); }

int Child::wait() {
  while (running()) usleep(200);
  return status_;
}

}  // namespace lamina::test
