// `lamina plugins check` finds what was planted, in the check that is made for it, and lets what is good pass.
#include <doctest/doctest.h>

#include "config/faults.hpp"
#include "prove/job.hpp"
#include "support/plugins.hpp"
#include "support/process.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

Proof proof_of(const std::string& library, const std::vector<std::string>& only = {}, double seconds = 60) {
  Request request{std::string(LAMINA_TEST_PLUGINS) + "/" + library + ".so", plugins().folders(), only};
  request.seconds = seconds;
  return prove_library(request, [](const Row&) {});
}

struct Planted {
  const char *library, *check, *sentence;
  double seconds = 60;
};
const std::vector<Planted> all_planted = {
    {"layers/wrong_gradient", "gradients", "the gradient is off by"},
    {"layers/writes_behind", "kernels", "of out0, which has"},
    {"layers/reads_before", "kernels", "touches element -1 of in0"},
    {"layers/changes_input", "kernels", "changes its input 0"},
    {"layers/leaves_out", "kernels", "never writes"},
    {"layers/remembers", "kernels", "gives other bits when its work items are split"},
    {"layers/remembers", "repeatability", "other bits when the same program runs again"},
    {"layers/other_in_float", "backends", "is off by"},
    {"layers/counts", "repeatability", "it keeps something from call to call"},
    {"layers/divides_by_zero", "parameters", "SIGFPE"},
    {"layers/divides_by_zero", "parameters", "{\"parts\":0}"},
    {"layers/refuses_example", "example", "wanted an input [batch, channels, length]"},
    {"layers/refuses_in_a_word", "shapes", "refused without a sentence that says why: \"bad shape\""},
    {"layers/learns_in_evaluation", "modes", "the state \"mean\" changes in evaluation"},
    {"layers/idle_parameter", "modes", "no result depends on the parameter \"idle\""},
    {"layers/random_in_evaluation", "modes", "it draws random numbers in evaluation"},
    {"layers/hangs_on_one_sample", "shapes", "was still running after 2 s", 2},
    {"layers/other_count", "example", "3 results came, 2 are declared"},
    {"optimizers/climbs", "descent", "lower a quadratic of"},
    {"losses/per_sample", "example", "a loss is one number; its result has the shape [3, 1]"},
    {"metrics/means", "sums", "its samples' sums add up to"},
    {"initializers/own_dice", "values", "gets other values when it is filled again"},
    {"initializers/infinite", "values", "values are not finite"},
    {"schedules/remembering", "rate", "when it is asked again after others"},
    {"schedules/negative", "rate", "wanted a finite number that is not negative"},
    {"datasets/opens_others", "samples", "opened again, it has other samples"},
    {"datasets/labels_beyond", "samples", "has the class number 2; there are 2 classes"},
    {"datasets/reads_too_much", "reading", "writes behind its 4 bytes"},
    {"datasets/reads_in_order", "reading", "is another one when it is read alone"},
};

void expect_found(const Planted& p) {
  const Proof proof = proof_of(p.library, {p.check}, p.seconds);
  REQUIRE_MESSAGE(proof.rows.size() == 2, p.library);
  CHECK_MESSAGE(proof.rows[0].passed(), std::string(p.library), ": ", proof.rows[0].faults[0]);
  CHECK(!proof.passed());
  std::string all;
  for (auto& fault : proof.rows[1].faults) all += fault + "\n";
  CHECK_MESSAGE(all.find(p.sentence) != all.npos, std::string(p.library), ", ", std::string(p.check), ": wanted \"",
                std::string(p.sentence), "\", got: ", all);
}

}  // namespace

TEST_CASE("planted faults are found, and said") {
  for (auto& p : all_planted) expect_found(p);
}

TEST_CASE("planted faults on a GPU are found, and said") {
  if (!has_vulkan()) return;
  expect_found({"layers/other_on_gpu", "backends", "vulkan"});
  expect_found({"layers/writes_behind_on_gpu", "kernels", "out0"});
}

TEST_CASE("good plugins pass, in every check of their kind") {
  for (const char* library : {"layers/soft_corner", "layers/split_channels"}) {
    const Proof proof = proof_of(library);
    for (auto& row : proof.rows)
      for (auto& fault : row.faults) FAIL_CHECK(std::string(library), ", ", row.name, ": ", fault);
    CHECK(proof.passed());
    CHECK(proof.rows.size() > 8);
  }
}

TEST_CASE("a backend of few ops is held to those, and the others are named") {
  const Proof proof = proof_of("backends/two_ops", {"ops", "devices"});
  REQUIRE(proof.rows.size() == 3);
  CHECK(proof.rows[2].name == "ops");
  CHECK(proof.rows[2].left_out.size() > 20);
  CHECK_MESSAGE(proof.rows[2].passed(), proof.rows[2].faults[0]);
}

TEST_CASE("what is no plugin fails the first check, and no other is made") {
  const Proof proof = proof_of("broken_case/layers/no_entry_at_all");
  REQUIRE(proof.rows.size() == 1);
  CHECK(!proof.passed());
  CHECK(proof.rows[0].faults.at(0).find("it does not export lamina_plugin_v1") != std::string::npos);
  const Proof outside = proof_of("layers/default_outside");
  REQUIRE(outside.rows.size() == 1);
  CHECK(outside.rows[0].faults.at(0).find("the default 2, which is outside of its domain [0, 1]") != std::string::npos);
}

TEST_CASE("the program tells the verdict by table, document and exit code") {
  const std::string library = std::string(LAMINA_TEST_PLUGINS) + "/layers/refuses_example.so";
  const Finished table = run_program(LAMINA_PROGRAM, {"plugins", "check", library, "--only", "example"});
  CHECK(table.exit == 4);
  CHECK_MESSAGE(table.out.find("FAILED: layer refuses_example 1.0.0, 1 check of 2 failed") != std::string::npos, table.out);
  const Finished document = run_program(LAMINA_PROGRAM, {"plugins", "check", library, "--only", "example", "--json"});
  CHECK(document.exit == 4);
  Faults faults;
  const Json j = parse_json(document.out, {"the document"}, faults);
  REQUIRE(!faults.any());
  CHECK(!j.find("passed")->boolean());
  CHECK(j.find("checks")->items()[1].find("faults")->items().size() == 1);
  CHECK(run_program(LAMINA_PROGRAM, {"plugins", "check", "tanh", "--only", "gradients"}).exit == 0);
  const Finished typo = run_program(LAMINA_PROGRAM, {"plugins", "check", "tanh", "--only", "gradient"});
  CHECK(typo.exit == 2);
  CHECK(typo.err.find("did you mean \"gradients\"?") != std::string::npos);
}
