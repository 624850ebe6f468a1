// The schema of experiment files, as a text; what it takes and refuses is tested with an independent validator in check_schema.py.
#include <doctest/doctest.h>

#include "config/schema.hpp"
#include "config_fake.hpp"
#include "plugin/registry.hpp"

using namespace lamina;

TEST_CASE("the schema of the same plugins is the same text, and one that does not load is left out with its sentence") {
  std::vector<std::string> left_out, again;
  const Json schema = experiment_schema(fake::catalogue(), left_out);
  CHECK(to_text(experiment_schema(fake::catalogue(), again)) == to_text(schema));
  CHECK(left_out == again);
  REQUIRE(left_out.size() == 2);
  CHECK(left_out[0] == "The plugin broken.so was built for version 2 of the interface.");
  CHECK(fake::contains(left_out[1], "\"clash\" declares a parameter \"inputs\""));
  const Json* definitions = schema.find("definitions");
  CHECK(definitions->find("layer:conv"));
  CHECK(definitions->find("block.layer:conv"));
  CHECK(!definitions->find("layer:broken"));
  CHECK(!definitions->find("layer:clash"));
  const std::string probability = R"json({
  "type": ["number", "null"],
  "minimum": 0,
  "exclusiveMaximum": 1,
  "description": "doc of probability (real in [0, 1); default 0.5)",
  "markdownDescription": "doc of probability\n\n`real in [0, 1); default 0.5`",
  "default": 0.5
}
)json";
  CHECK(to_text(*definitions->find("layer:dropout")->find("properties")->find("probability")) == probability);
}

TEST_CASE("the schema of what comes with Lamina fits an editor") {
  Registry registry({LAMINA_PLUGINS});
  std::vector<std::string> left_out;
  const std::string text = to_text(experiment_schema(registry, left_out));
  CHECK(left_out.empty());
  CHECK(text.size() < 1 << 20);
  CHECK(text.find(LAMINA_PLUGINS) == text.npos);
}
