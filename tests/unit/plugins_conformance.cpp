// Every plugin that the registry lists, held to what its kind promises: a new plugin is tested at birth, by the example it documents.
#include <doctest/doctest.h>

#include <algorithm>

#include "prove/prove.hpp"
#include "support/plugins.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

void hold(const Check& check, const std::string& kind, const std::string& name) {
  Findings found;
  run_check(check, {plugins().find(kind, name), plugins()}, found);
  const std::string title = kind + " " + name + ", " + check.name;
  expect_none(found, title);
  MESSAGE(title, ": ", found.summary);
  for (auto& left_out : found.left_out) MESSAGE(title, ", not checked: ", left_out);
  // What this build ships leaves no op to others.
  std::string why;
  if (check.name == std::string("ops") && !ways_of(plugins(), name, why).empty()) CHECK(found.left_out.empty());
}

}  // namespace

TEST_CASE("plugins document themselves") {
  for (auto& file : plugins().list()) {
    INFO(file.file);
    REQUIRE_MESSAGE(!file.kind.empty(), "it lies in the folder of no kind");
    const Descriptor& d = plugins().find(file.kind, file.name);
    CHECK(d.doc.size() > 10);
    CHECK(!d.version.empty());
  }
}

TEST_CASE("every kind of plugin is checked, and every check belongs to a kind") {
  for (auto& kind : Registry::kinds())
    CHECK_MESSAGE(std::ranges::any_of(checks(), [&](auto& c) { return c.kinds.size() < Registry::kinds().size() && std::ranges::count(c.kinds, kind); }), kind);
  for (auto& c : checks())
    for (auto& kind : c.kinds) CHECK_MESSAGE(std::ranges::count(Registry::kinds(), kind), c.name, ": ", kind);
}

TEST_CASE("every plugin passes every check of its kind") {
  for (auto& check : checks())
    SUBCASE(check.name)  // --subcase=gradients makes this one alone
      for (auto& kind : check.kinds)
        for (auto& name : plugins().names(kind)) hold(check, kind, name);
}
