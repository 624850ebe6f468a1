#include "plugin/permissions.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/text.hpp"
#include "plugin/registry.hpp"

namespace lamina {
namespace {

const char open_to_all[] = "may be written by everyone on this machine, so anyone could put code there";

std::string command(const char* words, const std::filesystem::path& file) {
  return "`" + std::string(words) + " " + escaped(file.string()) + "`";
}

}  // namespace

void check_folder_rights(const std::filesystem::path& folder) {
  const std::string name = "The plugin folder " + in_quotes(folder.string(), 400) + " ";
  struct stat info {};
  if (::stat(folder.c_str(), &info) || ::access(folder.c_str(), R_OK | X_OK))
    throw PluginError(name + "cannot be read: " + std::strerror(errno) + "; " + command("chmod u+rx", folder) +
                      " by its owner, or a search path without it, mends that.");
  if (info.st_mode & S_IWOTH) throw PluginError(name + open_to_all + "; " + command("chmod o-w", folder) + " mends that.");
}

void check_file_rights(const std::filesystem::path& file, const struct stat& info) {
  if (S_ISREG(info.st_mode) && ::access(file.c_str(), R_OK))
    throw std::runtime_error(std::string("cannot be read: ") + std::strerror(errno) + "; " + command("chmod u+r", file) +
                             " by its owner mends that");
  if (info.st_mode & S_IWOTH) throw std::runtime_error(std::string(open_to_all) + "; " + command("chmod o-w", file) + " mends that");
}

}  // namespace lamina
