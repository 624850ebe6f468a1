// Numbers, times, tables and progress lines as people read them.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "base/text.hpp"
#include "cli/format.hpp"
#include "cli/progress.hpp"
#include "cli/result.hpp"

using namespace lamina;
using namespace lamina::cli;

namespace {

const StepReport middle{2327, 3810, 7, 30, 0.412, 0.0934, 5120.4, 0.6107};

}  // namespace

TEST_CASE("numbers are short and true") {
  CHECK(score(0.447) == "0.4470");
  CHECK(score(0) == "0.0000");
  CHECK(score(3.2e-5) == "3.200e-05");
  CHECK(score(1234.5) == "1234.5000");
  CHECK(score(NAN) == "nan");
  CHECK(score(-INFINITY) == "-inf");
  CHECK(counted(0) == "0");
  CHECK(counted(999) == "999");
  CHECK(counted(61706) == "61,706");
  CHECK(counted(-1234567) == "-1,234,567");
  CHECK(counted(1, "fault") == "1 fault");
  CHECK(counted(2, "fault") == "2 faults");
  CHECK(counted(0, "library", "libraries") == "0 libraries");
  CHECK(bytes_text(0) == "0 B");
  CHECK(bytes_text(1023) == "1023 B");
  CHECK(bytes_text(1024) == "1.0 KiB");
  CHECK(bytes_text((1 << 20) - 1) == "1.0 MiB");
  CHECK(bytes_text(UINT64_MAX) == "16.0 EiB");
  CHECK(duration(0) == "0.0 s");
  CHECK(duration(59.94) == "59.9 s");
  CHECK(duration(59.96) == "01:00");
  CHECK(duration(218) == "03:38");
  CHECK(duration(3723) == "1:02:03");
  CHECK(duration(3 * 86400 + 4 * 3600 + 5 * 60) == "3 d 04:05");
  CHECK(duration(NAN) == "?");
  CHECK(duration(-1) == "?");
  CHECK(iso_time(0) == "1970-01-01T00:00:00Z");
}

TEST_CASE("widths count columns, not bytes") {
  CHECK(width_of("abc") == 3);
  CHECK(width_of("β…") == 2);
  CHECK(width_of("層") == 2);
  CHECK(width_of("e\u0301") == 1);
  CHECK(width_of("\xff") == 1);
  CHECK(cut("abcdef", 6) == "abcdef");
  CHECK(cut("abcdef", 4) == "abc…");
  CHECK(cut("ab cdef", 4) == "ab…");
  CHECK(cut("abcdef", 5, false) == "ab...");
  CHECK(cut("層層層", 4) == "層…");
  CHECK(cut("abc", 0) == "");
  CHECK(wrapped("one two  three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(wrapped("unbreakable", 3) == std::vector<std::string>{"unbreakable"});
  CHECK(wrapped("", 10).empty());
}

TEST_CASE("words of a shell are quoted where they must be") {
  CHECK(shell_word("runs/lenet5-1") == "runs/lenet5-1");
  CHECK(shell_word("a b") == "'a b'");
  CHECK(shell_word("it's") == "'it'\\''s'");
  CHECK(shell_word("network.layers[c1].filters=8") == "'network.layers[c1].filters=8'");
  CHECK(shell_word("") == "''");
}

TEST_CASE("a table is aligned, cut to its width, and lets no control character through") {
  Table table({Table::Side::left, Table::Side::right});
  table.add({"name", "count"});
  table.add({"évil\033[31m", "7"});
  table.rule();
  table.add({"x"});
  CHECK(table.text("  ") == "  name            count\n  évil\\u001b[31m      7\n\n  x\n");
  Table wide({Table::Side::left, Table::Side::left});
  wide.add({"a", std::string(60, 'b')});
  const std::string text = wide.text("", 30);
  CHECK(width_of(text) - 1 == 30);
  CHECK(text.find("…") != text.npos);
}

TEST_CASE("the bar says where the run is and fits its terminal") {
  CHECK(bar_text(middle, 218, 200, true) ==
        "epoch  7/30 ━━━━━━━━━━━━━━━━━━────────────  61%  step 2,327  loss 0.4120  lr 0.0934  5,120 samples/s  ETA 03:38");
  CHECK(bar_text(middle, -1, 110, false) ==
        "epoch  7/30 #################------------  61%  step 2,327  loss 0.4120  lr 0.0934  5,120 samples/s  ETA --:--");
  CHECK(bar_text(middle, 218, 60, false) == "epoch  7/30 ###########--------  61%  loss 0.4120  ETA 03:38");
  for (size_t columns = 1; columns < 130; ++columns) CHECK(width_of(bar_text(middle, 218, columns, true)) <= columns);
  StepReport odd = middle;
  odd.progress = NAN, odd.loss = INFINITY, odd.samples_per_second = NAN, odd.learning_rate = 0;
  CHECK(bar_text(odd, 1e300, 200, false).find("  0%  step 2,327  loss inf  lr 0  ? samples/s  ETA") != std::string::npos);
  odd.progress = 0.99999;
  CHECK(bar_text(odd, 3, 200, false).find(" 99%") != std::string::npos);
  odd.progress = 1;
  CHECK(bar_text(odd, 0, 200, false).find("100%") != std::string::npos);
}

TEST_CASE("the time left counts what this process did, not what a resumed run did before") {
  Estimate estimate;
  CHECK(estimate.left(0.5, 100) < 0);
  CHECK(estimate.left(0.5, 101) < 0);
  CHECK(estimate.left(0.6, 110) == doctest::Approx(40));
}

TEST_CASE("an epoch is a line with its columns in words") {
  EpochReport epoch{6, 30, 0.447, 9.34, {{"validation_loss", 0.501}, {"validation_accuracy", 0.832}}};
  CHECK(epoch_text(epoch) == "epoch  6/30  train loss 0.4470  validation loss 0.5010  validation accuracy 0.8320  9.3 s");
}

namespace {

/// A console on a text stream, and clocks that are set by hand.
struct Shown {
  std::ostringstream out, err;
  Console console{out, err};
  double now = 1000;
  Clocks clocks() {
    return {[this] { return now; }, [] { return std::time_t(0); }};
  }
  std::string taken(std::ostringstream& stream) {
    std::string text = stream.str();
    stream.str("");
    return text;
  }
};

}  // namespace

TEST_CASE("at a terminal the bar is drawn over itself at most ten times a second, epochs above it") {
  Shown shown;
  shown.console.err_terminal.redraws = true;
  const auto progress = make_progress(shown.console, shown.clocks());
  progress->step(middle);
  CHECK(shown.taken(shown.err).rfind("\repoch  7/30 ", 0) == 0);
  shown.now += 0.05, progress->step(middle);
  CHECK(shown.taken(shown.err).empty());
  shown.now += 0.06, progress->step(middle);
  CHECK(!shown.taken(shown.err).empty());
  progress->epoch({7, 30, 0.4, 1, {}});
  CHECK(shown.taken(shown.err) == "\r\033[Kepoch  7/30  train loss 0.4000  1.0 s\n");
  progress->step(middle);
  CHECK(!shown.taken(shown.err).empty());
  progress->warning("a\033b");
  CHECK(shown.taken(shown.err) == "\r\033[Kwarning: a\\u001bb\n");
  progress->step(middle);
  shown.taken(shown.err);
  progress->end();
  CHECK(shown.taken(shown.err) == "\r\033[K");
  progress->end();
  CHECK(shown.taken(shown.err).empty());
  CHECK(shown.out.str().empty());
}

TEST_CASE("elsewhere there are whole lines with the time first, one in 30 s at most beside epochs") {
  Shown shown;
  const auto progress = make_progress(shown.console, shown.clocks());
  progress->epoch({1, 5, 0.4, 1, {}});
  CHECK(shown.taken(shown.err) == "1970-01-01T00:00:00Z  epoch 1/5  train loss 0.4000  1.0 s\n");
  shown.now += 29, progress->step(middle);
  CHECK(shown.taken(shown.err).empty());
  shown.now += 1, progress->step(middle);
  CHECK(shown.taken(shown.err) ==
        "1970-01-01T00:00:00Z  epoch  7/30  61%  step 2,327/3,810  loss 0.4120  lr 0.0934  5,120 samples/s  ETA --:--\n");
  shown.now += 1, progress->step(middle);
  progress->end();
  CHECK(shown.taken(shown.err).empty());
}

TEST_CASE("with --json each event is one line of strict JSON, steps once a second") {
  Shown shown;
  shown.console.json = true;
  const auto progress = make_progress(shown.console, shown.clocks());
  progress->step(middle), progress->step(middle);
  progress->epoch({1, 5, NAN, 1, {{"validation_loss", 0.5}}});
  progress->warning("two\nlines");
  CHECK(shown.err.str().empty());
  CHECK(shown.taken(shown.out) ==
        "{\"event\":\"step\",\"time\":\"1970-01-01T00:00:00Z\",\"step\":2327,\"steps\":3810,\"epoch\":7,\"epochs\":30,\"loss\":0.412,"
        "\"learning_rate\":0.0934,\"samples_per_second\":5120.4,\"progress\":0.6107}\n"
        "{\"event\":\"epoch\",\"time\":\"1970-01-01T00:00:00Z\",\"epoch\":1,\"epochs\":5,\"train_loss\":null,\"validation_loss\":0.5,"
        "\"seconds\":1.0}\n"
        "{\"event\":\"warning\",\"time\":\"1970-01-01T00:00:00Z\",\"message\":\"two\\nlines\"}\n");
}

TEST_CASE("with -q only warnings are told") {
  Shown shown;
  shown.console.quiet = true;
  const auto progress = make_progress(shown.console, shown.clocks());
  progress->step(middle), progress->epoch({1, 5, 0.5, 1, {}}), progress->warning("w");
  CHECK(shown.err.str() == "warning: w\n");
}

TEST_CASE("a run ends with its folder and its scores") {
  RunReport report{"runs/a b-1", 4220, 5, 38.2, {{"test", {{"loss", 0.305}, {"top_5", 0.99}}}, {"validation", {{"loss", 10.2811}}}}, 0};
  CHECK(result_text(report, {}) ==
        "run         runs/a b-1\n"
        "epochs      5 (4,220 steps)\n"
        "time        38.2 s\n"
        "validation  loss 10.2811\n"
        "test        loss 0.3050   top 5 0.9900\n");
  CHECK(resume_line(report) == "lamina resume 'runs/a b-1'");
  report.overrides = {"backend.type=\"vulkan\""};  // a resume elsewhere, which the next must be too
  CHECK(resume_line(report) == "lamina resume 'runs/a b-1' --set 'backend.type=\"vulkan\"'");
  report.stopped_by = 2;
  const Json stopped = result_json(report, "t");
  CHECK(stopped.find("event")->text() == "stopped");
  CHECK(stopped.find("signal")->integer() == 2);
  CHECK(stopped.find("evaluations")->find("test")->find("loss")->number() == 0.305);
  report.complete = true, report.early = "it got no better",
  report.weights = {"best.h5", Weights::best, 2532, 3, "validation_loss", 0.27541};
  CHECK(result_text(report, {})
            .find("early       it got no better\n"
                  "weights     best, of epoch 3 (validation loss 0.2754)\n") != std::string::npos);
  CHECK(result_json(report, "t").find("weights")->find("validation_loss")->number() == 0.27541);
  CHECK(result_json(report, "t").find("event")->text() == "finished");
}

TEST_CASE("a summary has a row per layer and says what is frozen, claimed and decomposed") {
  ExperimentSummary s;
  s.name = "net", s.backend = "cpu", s.device = "two threads", s.batch = 64, s.parameters = 61706, s.trained = 61550;
  s.arena_bytes = 8 << 20, s.state_bytes = 1 << 20, s.input_bytes = 512 << 10;
  s.layers = {{"c1", "conv", {"[64, 6, 28, 28]"}, 156, 15052800, false}, {"two", "split", {"[64, 1]", "[64, 2]"}, 0, 0, true}};
  s.claimed = {"bn1: normalize", "bn2: normalize", "loss: softmax"};
  s.ops = {{"map", "c1"}, {"conv", "c1"}, {"map", "two"}};
  const std::string text = summary_text(s, {}, true);
  CHECK(text.find("c1     conv   [64, 6, 28, 28]         156  15.05  frozen\n") != text.npos);
  CHECK(text.find("two    split  [64, 1]\n              [64, 2]\n") != text.npos);
  CHECK(text.find("total" + std::string(30, ' ') + "61,706  15.05\n") != text.npos);
  CHECK(text.find("memory      9.5 MiB of a training step: 8.0 MiB arena, 1.0 MiB state, 512.0 KiB input\n") != text.npos);
  CHECK(text.find("claimed     2×normalize (bn1, bn2), 1×softmax (loss)\n") != text.npos);
  CHECK(text.find("decomposed  none\n") != text.npos);
  CHECK(text.find("ops         3 per training step: 2×map, 1×conv\n") != text.npos);
  CHECK(text.find("  2  conv  c1\n") != text.npos);
  CHECK(summary_json(s).find("layers")->items().size() == 2);
}
