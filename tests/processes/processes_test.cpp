// tests/processes/processes_test.cpp: stages in worker processes: same results, whatever happens to the workers.
//
// The program under test runs as a process of its own, because a test's watchdog is a thread and forks need a
// program without any.
// SPDX-License-Identifier: MIT
#include <processes/process_run.hpp>

#include <sluice/process/kill_point.hpp>

#include <catch2/catch.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <string>
#include <vector>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using testing_support::Counted;
using testing_support::outputs_of_parcels;
using testing_support::run_parcels;
using testing_support::scaled;
using Words = std::vector<std::string>;

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void check_whole(const Counted& run, std::uint64_t count, int exit_code = 0) {
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == exit_code);
  CHECK(run.outputs + run.lost == outputs_of_parcels(count));
  CHECK(run.lost == 0);
  CHECK(run.doubled == 0);
  CHECK(run.corrupt == 0);
  REQUIRE(run.report.contains("ledger"));
  CHECK(run.report["ledger"]["balanced"] == true);
}

// So many kills a second of each stage's processes. One that is killed again and again before its first answer is
// restarted ever later, and under a sanitizer it takes long to start.
std::string kills_of(const Words& stages, unsigned rate, std::uint64_t seed) {
  const unsigned slower = testing_support::kUnderSanitizer ? 4 : 1;
  std::string faults;
  for (const std::string& stage : stages) {
    faults += "kill=" + stage + ':' + std::to_string(rate / slower) + ',';
  }
  return faults + "seed=" + std::to_string(seed);
}

/// Runs until kills have met somebody: how many a short run meets is for the machine to say.
template <class Check>
void run_killed(const Words& words, const Words& stages, unsigned rate, std::uint64_t seed,
                const Check& check) {
  for (std::uint64_t deaths = 0; deaths == 0; ++seed) {
    CAPTURE(seed);
    const Counted run = run_parcels(with(words, {"--chaos", kills_of(stages, rate, seed)}));
    check(run);
    deaths = run.of_work("deaths");
  }
}

TEST_CASE("A stage in processes gives every output exactly once", "[process]") {
  const auto workers = GENERATE(1, 2, 4);
  const auto size = GENERATE(0, 40, 5'000, 200'000);
  const auto count = scaled<std::uint64_t>(size > 10'000 ? 200U : 20'000U);
  const Counted run = run_parcels({"--count", std::to_string(count), "--size", std::to_string(size),
                                   "--workers", "work=" + std::to_string(workers)});
  check_whole(run, count);
  CHECK(run.of_work("processes") == static_cast<std::uint64_t>(workers));
  CHECK(run.of_work("deaths") == 0);
  if (workers == 1) CHECK(run.ordered);
}

TEST_CASE("Order is kept over several processes, also while they are killed", "[process]") {
  const bool kills = GENERATE(false, true);
  const std::uint64_t count = scaled(60'000);
  const Words words = {"--count", std::to_string(count), "--keep", "--workers",
                       "work=3",  "--spin-us",           "10"};
  const auto in_order = [&](const Counted& run) {
    check_whole(run, count);
    CHECK(run.ordered);
  };
  if (kills) run_killed(words, {"work"}, 100, 5, in_order);
  if (!kills) in_order(run_parcels(words));
}

// It gathers the answers of cheap items; here some item ends only when what came before it was passed on.
TEST_CASE("Answers before a slow item are not kept until it is done", "[process]") {
  const std::uint64_t count = scaled(4'000);
  const Counted run = run_parcels(
      {"--count", std::to_string(count), "--size", "0", "--every", "257", "--trouble", "wait"});
  check_whole(run, count);
  CHECK(run.ordered);
}

TEST_CASE("Capacity 1 and batch 1 hold for processes, too", "[process]") {
  const std::uint64_t count = scaled(3'000);
  const Counted run =
      run_parcels({"--count", std::to_string(count), "--capacity", "work=1", "--capacity",
                   "receive=1", "--batch", "work=1", "--workers", "work=2"});
  check_whole(run, count);
}

TEST_CASE("A memory budget holds while processes are killed, and every byte is given back",
          "[process]") {
  const bool keep = GENERATE(false, true);
  const std::uint64_t count = scaled(20'000);
  Words words = {
      "--count", std::to_string(count), "--size", "4096", "--workers", "work=2", "--memory",
      "1M",      "--spin-us",           "10"};
  if (keep) words.emplace_back("--keep");
  run_killed(words, {"work"}, 100, 7, [&](const Counted& run) {
    check_whole(run, count);
    if (keep) CHECK(run.ordered);
    CHECK(run.report["memory"]["budget"] == 1'048'576);
    CHECK(run.report["memory"]["charged"] == 0);
    CHECK(run.report["memory"]["peak"] > 0);
    // Beyond it are the outputs of one item of each worker, and an item of each producer.
    CHECK(run.report["memory"]["peak"] <= 1'048'576 + 8 * 5'000);
  });
}

TEST_CASE("Two process stages in a row lose nothing when the processes of both are killed",
          "[process]") {
  const std::uint64_t count = scaled(40'000);
  const Words words = {"--count",       std::to_string(count), "--twice", "--carrier",
                       "check=process", "--workers",           "work=2",  "--workers",
                       "check=2",       "--spin-us",           "10"};
  std::uint64_t deaths_of_check = 0;
  for (std::uint64_t seed = 11; deaths_of_check == 0; seed += 100) {
    run_killed(words, {"work", "check"}, 80, seed, [&](const Counted& run) {
      check_whole(run, count);
      deaths_of_check += run.of("check", "deaths");
    });
  }
}

// Two seconds of work at least, so that there is a progress line.
TEST_CASE("Fan-out, the four clocks and the progress line are those of any stage", "[process]") {
  const std::uint64_t count = 10'000;
  const Words words = {"--count", std::to_string(count), "--fan", "--workers",
                       "work=2",  "--spin-us",           "400",   "--progress",
                       "always"};
  run_killed(words, {"work"}, 40, 31, [&](const Counted& run) {
    check_whole(run, count);
    CHECK(run.of("audit", "in") == run.outputs);
    CHECK(run.of("receive", "in") == run.outputs);
    CHECK_THAT(run.ended.err, Contains("parcels 0:0") && Contains(" items"));
    const double life = run.report["seconds"];
    for (const auto& stage : run.report["stages"]) {
      for (const auto& worker : stage["clocks"]) {
        const double sum = worker["busy_s"].get<double>() + worker["starved_s"].get<double>() +
                           worker["blocked_s"].get<double>() + worker["parked_s"].get<double>();
        CHECK(sum > 0);
        CHECK(sum <= life + 0.001);
      }
    }
    CHECK(run.report["stages"][1]["busy_s"] > 0);  // while its processes work
  });
}

// The simple channel is the judge of the fast one: what is whole over one is whole over the other.
TEST_CASE("By the same seeds of kills and stops, runs over both kinds of channel are whole",
          "[process]") {
  const bool packets = GENERATE(false, true);
  const auto size = GENERATE(40, 100'000);
  CAPTURE(packets, size);
  const std::uint64_t count = scaled(size > 1'000 ? 400U : 20'000U);
  Words words = {"--count", std::to_string(count), "--size",        std::to_string(size),
                 "--twice", "--carrier",           "check=process", "--workers",
                 "work=2",  "--workers",           "check=2",       "--spin-us",
                 "10"};
  if (packets) words.emplace_back("--packets");
  run_killed(words, {"work", "check"}, 80, 23,
             [&](const Counted& run) { check_whole(run, count); });
}

// How many deaths a run of a million parcels meets is for the machine to say, so there are as many runs as it takes.
TEST_CASE("Random kills and stops: nothing lost, nothing doubled, and they did happen",
          "[process]") {
  const std::uint64_t count = scaled(1'000'000);
  const std::uint64_t wanted = scaled(1'000);
  const std::string faults = testing_support::kUnderSanitizer  // a start takes long there
                                 ? "kill=work:20,stop=work:20,seed="
                                 : "kill=work:200,stop=work:50,seed=";
  auto random = testing_support::random_engine(1);
  std::uint64_t deaths = 0;
  std::uint64_t stops = 0;
  int runs = 0;
  for (; deaths < wanted || stops == 0; ++runs) {
    const std::string seed = std::to_string(random() % 1'000'000);
    CAPTURE(seed);
    const Counted run = run_parcels({"--count", std::to_string(count), "--workers", "work=2",
                                     "--spin-us", "4", "--chaos", faults + seed});
    check_whole(run, count);
    REQUIRE(run.ended.exit_code == 0);
    // Every kill that met a living process is a death; some meet one that has just ended.
    deaths += run.of_work("deaths");
    stops += run.report["chaos"]["stops"].get<std::uint64_t>();
  }
  CHECK(deaths >= wanted);
  WARN(runs << " times " << count << " parcels, " << deaths << " deaths, " << stops << " stops");
}

// For an hour or a night, by name: build/release/bin/tests_processes "[soak]"
TEST_CASE("Soak: ten thousand random kills over tens of millions of items", "[.][soak]") {
  auto random = testing_support::random_engine(2);
  std::uint64_t deaths = 0;
  while (deaths < 10'000) {
    const std::uint64_t seed = random() % 1'000'000;
    const std::string workers = std::to_string(1 + random() % 4);
    const std::string size = std::to_string(random() % 2 == 0 ? 40 : random() % 100'000);
    const std::uint64_t count = size.size() > 3 ? 20'000 : 1'000'000;
    CAPTURE(seed, workers, size);
    const Counted run = run_parcels({"--count", std::to_string(count), "--size", size, "--workers",
                                     "work=" + workers, "--spin-us", "4", "--chaos",
                                     "kill=work:200,stop=work:50,seed=" + std::to_string(seed)});
    check_whole(run, count);
    deaths += run.of_work("deaths");
  }
}

TEST_CASE("More memory than a process may have is an exception there, not its death", "[process]") {
  if (testing_support::kUnderSanitizer) {  // no limit there: its own memory would count
    SUCCEED("the limit is tested without");
    return;
  }
  const Counted run =
      run_parcels({"--count", "300", "--trouble", "bomb", "--every", "100", "--limit", "200000000",
                   "--policy", "dead", "--workers", "work=2"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 3);
  CHECK(run.of_work("dead") == 3);
  CHECK(run.of_work("deaths") == 0);
  CHECK(run.doubled + run.corrupt == 0);
  CHECK_THAT(run.ended.err, Contains("bad_alloc"));
}

TEST_CASE(
    "An item at which processes die is a dead letter after its attempts, its neighbours are not",
    "[process]") {
  const std::string trouble =
      GENERATE("abort", "segv", "kill", "exit0", "exit3", "quick", "stack", "words");
  const auto attempts = GENERATE(1, 3);
  const std::uint64_t count = 200;
  CAPTURE(trouble, attempts);
  const Counted run =
      run_parcels({"--count", std::to_string(count), "--trouble", trouble, "--every", "100",
                   "--attempts", std::to_string(attempts), "--workers", "work=2"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 3);
  CHECK(run.of_work("dead") == 2);
  CHECK(run.of_work("deaths") == 2 * static_cast<std::uint64_t>(attempts));
  CHECK(run.lost == 99 % 3 + 199 % 3);
  CHECK(run.doubled + run.corrupt == 0);
  CHECK(run.report["ledger"]["balanced"] == true);
  CHECK_THAT(run.ended.err, Contains("its process died " + std::to_string(attempts)));
  if (trouble == "segv") CHECK_THAT(run.ended.err, Contains("signal 11"));
  if (trouble == "exit3") CHECK_THAT(run.ended.err, Contains("exit status 3"));
  if (trouble == "words") {
    CHECK_THAT(run.ended.err, Contains("last words: first line / the last line"));
    CHECK_THAT(run.ended.err, !Contains("the last line ;"));  // without its end
  }
}

TEST_CASE("However many items kill their processes, one behind the other, the run goes on",
          "[process]") {
  const auto attempts = GENERATE(1, 3);
  const std::uint64_t count =
      attempts == 1 ? 60 : 20;  // more deaths than a run without progress survives
  CAPTURE(attempts);
  const Counted run =
      run_parcels({"--count", std::to_string(count), "--trouble", "abort", "--every", "1",
                   "--attempts", std::to_string(attempts), "--workers", "work=1"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 3);
  CHECK(run.of_work("dead") == count);
  CHECK(run.of_work("deaths") == count * static_cast<std::uint64_t>(attempts));
  CHECK(run.outputs == 0);
  CHECK(run.report["ledger"]["balanced"] == true);
  CHECK_THAT(run.ended.err, Contains(", parcel 4: its process died"));  // what it is about
}

TEST_CASE("A process that hangs or is stopped is killed after the item's timeout", "[process]") {
  const std::string trouble = GENERATE("hang", "stopped");
  CAPTURE(trouble);
  const Counted run =
      run_parcels({"--count", "60", "--trouble", trouble, "--every", "50", "--timeout-ms", "2000",
                   "--attempts", "2", "--workers", "work=2"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 3);
  CHECK(run.of_work("dead") == 1);
  CHECK(run.of_work("deaths") == 2);
  CHECK(run.lost == 49 % 3);
  CHECK_THAT(run.ended.err, Contains("it took longer than its timeout of 2000 ms"));
}

TEST_CASE("An exception in a process is judged by the stage's policy and keeps its type's text",
          "[process]") {
  const std::string policy = GENERATE("fail", "skip", "dead", "retry", "later");
  CAPTURE(policy);
  const Counted run = run_parcels({"--count", "300", "--trouble", "throw", "--every", "100",
                                   "--policy", policy, "--workers", "work=2"});
  INFO(run.ended.err);
  CHECK(run.of_work("deaths") == 0);
  if (policy == "fail") {
    CHECK(run.ended.exit_code == 1);
    CHECK_THAT(run.ended.err, Contains("an unlucky parcel"));
    return;
  }
  CHECK(run.lost == 99 % 3 + 199 % 3 + 299 % 3);
  CHECK(run.ended.exit_code == (policy == "skip" ? 0 : 3));
  CHECK(run.of_work(policy == "skip" ? "skipped" : "dead") == 3);
  CHECK(run.of_work("retried") == (policy == "retry" ? 9U : policy == "later" ? 6U : 0U));
}

TEST_CASE("What fails once is done by the next process", "[process]") {
  const Counted run =
      run_parcels({"--count", "300", "--trouble", "once", "--every", "100", "--workers", "work=2"});
  check_whole(run, 300);
  CHECK(run.of_work("deaths") == 3);
  CHECK(run.of_work("retried") == 3);
}

TEST_CASE("A start() that throws in a process fails the run with its text", "[process]") {
  const Counted run = run_parcels({"--trouble", "start"});
  CHECK(run.ended.exit_code == 1);
  CHECK_THAT(run.ended.err, Contains("stage work: start failed") && Contains("no work today"));
}

TEST_CASE("A start() that throws in a later process fails the run, whatever it says before",
          "[process]") {
  const Counted run = run_parcels({"--count", "2000", "--trouble", "start_later", "--kill-point",
                                   "11", "--after", "100", "--workers", "work=2"});
  CHECK(run.ended.exit_code == 1);
  CHECK_THAT(run.ended.err, Contains("stage work: start failed") && Contains("no work today"));
}

TEST_CASE("A start() may take longer than the timeout of an item, also after a death",
          "[process]") {
  const Counted run = run_parcels({"--count", "300", "--trouble", "slow_start", "--timeout-ms",
                                   "1000", "--kill-point", "11", "--after", "100"});
  check_whole(run, 300);
  CHECK(run.of_work("deaths") == 2);
}

TEST_CASE("A process that waits for a slow consumer does not hang", "[process]") {
  const Counted run = run_parcels({"--count", "80", "--timeout-ms", "500", "--slow-ms", "20",
                                   "--capacity", "receive=1", "--workers", "work=2"});
  check_whole(run, 80);
  CHECK(run.of_work("deaths") == 0);
}

TEST_CASE("Processes that can't even start fail the run with the reason", "[process]") {
  const Counted run = run_parcels({"--trouble", "dies_at_start", "--workers", "work=2"});
  CHECK(run.ended.exit_code == 1);
  CHECK_THAT(run.ended.err,
             Contains("6 processes in a row died without finishing an item: killed by signal 6") &&
                 Contains("(6 times)"));
}

TEST_CASE("Processes are replaced after so many items, which is no death", "[process]") {
  const std::uint64_t count = 1'000;
  const Counted run =
      run_parcels({"--count", std::to_string(count), "--recycle", "100", "--workers", "work=2"});
  check_whole(run, count);
  CHECK(run.of_work("deaths") == 0);
  CHECK(run.of_work("processes") >= 9);
}

TEST_CASE("Started by spawn, the program builds its stages again", "[process]") {
  const std::uint64_t count = scaled(10'000);
  run_killed({"--count", std::to_string(count), "--start-method", "spawn", "--workers", "work=2"},
             {"work"}, 20, 2, [&](const Counted& run) { check_whole(run, count); });
}

TEST_CASE("By every start method, and by the short name of the default, results are the same",
          "[process]") {
  const std::string method = GENERATE("fork", "forkserver", "spawn", "auto");
  CAPTURE(method);
  const Counted run = run_parcels(
      {"--count", "2000", "--start-method", method, "--workers", "work=2", "--kill-point",
       std::to_string(static_cast<int>(detail::KillPoint::called)), "--after", "300"});
  check_whole(run, 2'000);
  CHECK(run.of_work("deaths") >= 4);
  CHECK(run.of_work("retried") == run.of_work("deaths"));
}

TEST_CASE("The same pipeline on every carrier counts the same", "[process]") {
  const std::string carrier = GENERATE("thread", "pool", "process");
  const std::uint64_t count = scaled(9'000);
  const Counted run =
      run_parcels({"--count", std::to_string(count), "--trouble", "throw", "--every", "100",
                   "--policy", "skip", "--carrier", "work=" + carrier, "--workers", "work=2"});
  CHECK(run.outputs + run.lost == outputs_of_parcels(count));
  CHECK(run.of_work("skipped") == count / 100);
  CHECK(run.of_work("in") == count);
}

TEST_CASE("A stage that keeps something of its items, or can't be sent, is refused with the reason",
          "[process]") {
  const auto refused = [](const std::string& stage) {
    return run_parcels({"--carrier", stage + "=process"});
  };
  const Counted source = refused("send");
  CHECK(source.ended.exit_code == 2);
  CHECK_THAT(source.ended.err, Contains("stage send") && Contains("a source stays"));
  const Counted sink = refused("receive");
  CHECK(sink.ended.exit_code == 2);
  CHECK_THAT(sink.ended.err, Contains("stage receive") && Contains("would die with the process"));
}

TEST_CASE("Chaos wants a stage that has processes", "[process]") {
  CHECK_THAT(run_parcels({"--chaos", "kill=send:3"}).ended.err,
             Contains("stage send has no processes"));
  CHECK_THAT(run_parcels({"--chaos", "kill=nobody:3"}).ended.err,
             Contains("there is no stage nobody; there are send, work"));
  CHECK_THAT(run_parcels({"--chaos", "kill=work:0.001,seed=1"}).ended.err,
             Contains("chaos: the run ended before the first fault"));
  CHECK_THAT(run_parcels({"--chaos", "kill=work"}).ended.err, Contains("it has no STAGE:RATE"));
  CHECK(run_parcels({"--chaos", "burn=work:1"}).ended.exit_code == 2);
}

}  // namespace
}  // namespace sluice
