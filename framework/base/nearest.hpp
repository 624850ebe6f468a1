/// Suggestions for a misspelt name, the same for the program and for plugins.
#pragma once
#include <lamina/members.hpp>
