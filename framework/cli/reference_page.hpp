/// Reference pages of plugins, made from what they declare: for terminals, for scripts and as Markdown. Pure functions.
#pragma once
#include <string>
#include <vector>

#include "cli/terminal.hpp"
#include "config/descriptor.hpp"
#include "config/json.hpp"

namespace lamina::cli {

std::string page_text(const Descriptor& plugin, const Terminal& terminal);
Json page_json(const Descriptor& plugin);
/// The page as it stands in docs/plugins: nothing in it depends on the machine or on where the library lies.
std::string page_markdown(const Descriptor& plugin);
/// The list of all pages by kind; links are as document_path tells.
std::string index_markdown(const std::vector<const Descriptor*>& plugins);
/// "layers/conv.md"
std::string document_path(const Descriptor& plugin);

// What the pages share.
/// The keys of the experiment file that stand beside a plugin's own: those it cannot do without, and the names of the others.
struct KindKeys {
  std::vector<Parameter> required;
  std::vector<std::string> others;
};
KindKeys keys_of_kind(const Descriptor& plugin);
/// The plugin's own; the fields of an object of names follow it, named as --set would: parameters.*.initial.
std::vector<Parameter> all_parameters(const Descriptor& plugin);
/// " (optional)", " (one or more)" or ""
std::string port_note(const Port& port);
/// "Results", or what they are called for this kind.
std::string results_title(const Descriptor& plugin);
/// "in the network, for x [2, 3, 8, 8]": where the example stands, and what it is made for; "" where neither is to be said.
std::string example_note(const Descriptor& plugin);

}  // namespace lamina::cli
