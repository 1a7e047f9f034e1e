// tests/processes/trouble_test.cpp: workers that destroy what they can reach, and a standard error that nobody reads.
// SPDX-License-Identifier: MIT
#include <processes/process_run.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {
namespace {

using Catch::Matchers::Contains;
using testing_support::Counted;
using testing_support::outputs_of_parcels;
using testing_support::run_parcels;
using testing_support::times;

TEST_CASE(
    "A worker that scribbles over all it can reach is killed and charged, nobody else is affected",
    "[process][hostile]") {
  const std::string trouble = GENERATE("zeros", "ones", "noise", "rampage");
  const int attempts = trouble == "rampage" ? 2 : 1;
  CAPTURE(trouble);
  // One lease at a time, so that no answer of a neighbour's lies in the log that is damaged.
  const std::uint64_t count = 2'000;
  const Counted run = run_parcels({"--count", std::to_string(count), "--trouble", trouble,
                                   "--every", "500", "--attempts", std::to_string(attempts),
                                   "--workers", "work=2", "--batch", "work=1"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 3);
  CHECK(run.of_work("dead") == 4);
  CHECK(run.of_work("deaths") == 4 * static_cast<std::uint64_t>(attempts));
  CHECK(run.lost == 499 % 3 + 999 % 3 + 1499 % 3 + 1999 % 3);
  CHECK(run.outputs == outputs_of_parcels(count) - run.lost);
  CHECK(run.doubled + run.corrupt == 0);
  CHECK(run.report["ledger"]["balanced"] == true);
  // Which of the two who look is first is left to chance.
  CHECK_THAT(run.ended.err, Contains("a worker's records are damaged at byte") ||
                                Contains("it has damaged what it shares with its parent"));
  CHECK_THAT(run.ended.err, !Contains("a wall is missing"));
}

TEST_CASE("A damaged log in the middle of many leases costs the damager's outputs and no other",
          "[process][hostile]") {
  const std::string trouble = GENERATE("zeros", "ones", "noise");
  CAPTURE(trouble);
  const Counted run = run_parcels({"--count", "2000", "--trouble", trouble, "--every", "500",
                                   "--attempts", "3", "--workers", "work=2", "--spin-us", "20"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 3);
  CHECK(run.of_work("dead") == 4);
  CHECK(run.lost == 499 % 3 + 999 % 3 + 1499 % 3 + 1999 % 3);
  CHECK(run.doubled + run.corrupt == 0);
}

// Unlucky are 99, 199 and 299, of 0, 1 and 2 outputs; of these the last one can't be read.
TEST_CASE("An answer that can't be read costs its process, and another one gives it again",
          "[process][hostile]") {
  const auto more = GENERATE(values<std::vector<std::string>>(
      {{"--workers", "work=2"}, {"--workers", "work=4", "--keep"}, {"--packets"}}));
  CAPTURE(more);
  std::vector<std::string> args = {"--count", "300", "--trouble", "seal_once", "--every", "100"};
  args.insert(args.end(), more.begin(), more.end());
  const Counted run = run_parcels(args);
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 0);
  CHECK(run.outputs == outputs_of_parcels(300));
  CHECK(run.lost + run.doubled + run.corrupt == 0);
  CHECK(run.of_work("deaths") == 2);
  CHECK(run.of_work("retried") == 2);
  // Nothing is said of an answer that is not applied.
  CHECK(times("a seal is broken", run.ended.err) == 1);
  if (more.back() == "--keep") CHECK(run.ordered);
}

TEST_CASE("An answer that can't be read is given again also after a death", "[process][hostile]") {
  const Counted run = run_parcels(
      {"--count", "300", "--trouble", "seal_after_death", "--every", "100", "--workers", "work=2"});
  INFO(run.ended.err);
  CHECK(run.ended.exit_code == 0);
  CHECK(run.outputs == outputs_of_parcels(300));
  CHECK(run.lost + run.doubled + run.corrupt == 0);
  CHECK(run.of_work("deaths") == 3 + 2);
}

TEST_CASE("An answer that nobody can read is its item's failure", "[process][hostile]") {
  // With one attempt at once. Else one process is enough to know that the codec is to blame.
  const std::uint64_t attempts = GENERATE(1U, 3U);
  const std::string policy = GENERATE("fail", "dead");
  CAPTURE(policy, attempts);
  const Counted run =
      run_parcels({"--count", "300", "--trouble", "seal", "--every", "100", "--policy", policy,
                   "--workers", "work=1", "--attempts", std::to_string(attempts)});
  INFO(run.ended.err);
  CHECK_THAT(run.ended.err, Contains("cannot decode") && Contains("its seal is broken"));
  CHECK(run.of_work("deaths") == (attempts == 1 ? 0 : 1));
  if (policy == "fail") {
    CHECK(run.ended.exit_code == 1);
    return;
  }
  CHECK(run.ended.exit_code == 3);
  CHECK(run.of_work("dead") == 2);
  CHECK(run.lost == 99 % 3 + 199 % 3 + 299 % 3);
  CHECK(run.doubled + run.corrupt == 0);
  // Once per item: what came with the answer that cost a process is not said.
  CHECK(times("a seal is broken", run.ended.err) == 3);
}

TEST_CASE("A run goes on when nobody reads its standard error", "[process][stderr]") {
  const std::string trouble = GENERATE("talkative", "once");
  CAPTURE(trouble);
  const Counted run =
      run_parcels({"--count", "300", "--trouble", trouble, "--every", "100", "--workers", "work=2"},
                  {.err_is_full = true});
  CHECK(run.ended.exit_code == 0);
  CHECK(run.outputs == outputs_of_parcels(300));
  CHECK(run.lost + run.doubled + run.corrupt == 0);
  CHECK(run.of_work("deaths") == 3);
}

TEST_CASE("What processes say arrives line by line, also much of it", "[process][stderr]") {
  const Counted run = run_parcels({"--count", "100", "--trouble", "talkative", "--every", "100"});
  CHECK(run.ended.exit_code == 0);
  const std::string& err = run.ended.err;
  std::size_t whole = 0;
  for (std::size_t at = 0; at < err.size();) {
    const std::size_t end = err.find('\n', at);
    REQUIRE(end != err.npos);
    const std::string line = err.substr(at, end - at);
    const bool ours = line.rfind("line ", 0) == 0 && line.find(" of very many") + 13 == line.size();
    CHECK((ours || line.find("lines of worker processes are lost") != line.npos));
    whole += ours ? 1 : 0;
    at = end + 1;
  }
  CHECK(whole > 1'000);
}

}  // namespace
}  // namespace sluice
