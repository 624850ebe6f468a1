/// What each command does. All return the program's exit code and throw Failure for what ends them.
#pragma once
#include <string>

#include "cli/arguments.hpp"
#include "cli/terminal.hpp"
#include "plugin/registry.hpp"

namespace lamina::cli {

struct Context {
  const Arguments& arguments;
  Console& console;
  Registry& registry;
  std::string command_line;  ///< as it was typed, for the record
};

/// The plugin that the arguments name, with its kind where several have the name. PluginError, UsageError.
const Descriptor& found_plugin(Context& context);

int run_command(Context& context);
int resume_command(Context& context);
int check_command(Context& context);
int summary_command(Context& context);
int evaluate_command(Context& context);
int predict_command(Context& context);
int compare_backends_command(Context& context);
int bench_command(Context& context);
int plugins_list_command(Context& context);
int plugins_describe_command(Context& context);
int plugins_new_command(Context& context);
int plugins_document_command(Context& context);
int schema_command(Context& context);
int plugins_check_command(Context& context);
int backends_command(Context& context);

}  // namespace lamina::cli
