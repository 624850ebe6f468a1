// docs/experiment.md has the table of keys that the program itself reads by.
#include <doctest/doctest.h>

#include "base/files.hpp"
#include "config/keys.hpp"

TEST_CASE("the documented keys are the keys") {
  const std::string document = lamina::read_file(LAMINA_SOURCE "/docs/experiment.md", 1 << 20);
  CHECK(document.ends_with(lamina::config_reference()));
}
