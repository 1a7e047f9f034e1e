// pipelines/errors_policies_test.cpp: skip, retry and dead letters: who gets through, and what is counted.
// SPDX-License-Identifier: MIT
#include <support/collected.hpp>
#include <support/numbers.hpp>
#include <support/outcome.hpp>
#include <support/trouble.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

constexpr Number kCount = 40;

/// Of the items, some fail always, some twice, some once; the first and the last are among them.
unsigned failing(Number n) {
  if (n == 0 || n % 7 == 4 || n == kCount - 1) return kAlways;
  if (n % 7 == 1) return 2;
  return n % 7 == 3 ? 1 : 0;
}

struct Policy {
  const char* name;
  ErrorPolicy policy;
};
std::vector<Policy> policies() {
  return {
      {"skip", skip()},
      {"dead letter", dead_letter("bad")},
      {"retry, then skip", retry(2).then(skip())},
      {"retry later, then skip", retry(2, 20us).then(skip())},
      {"retry, then dead letter", retry(1).then(dead_letter("bad"))},
      {"retry later, then dead letter", retry(2, 20us).then(dead_letter("bad"))},
  };
}

bool gets_through(const ErrorPolicy& policy, Number n) { return failing(n) <= policy.retries; }

struct Expected {
  std::vector<Number> through{};
  std::vector<Number> lost{};
  std::uint64_t retried = 0;
};
Expected expected_under(const ErrorPolicy& policy) {
  Expected made;
  for (Number n = 0; n < kCount; ++n) {
    (gets_through(policy, n) ? made.through : made.lost).push_back(n);
    made.retried += std::min(failing(n), policy.retries);
  }
  return made;
}

std::vector<Number> repeated(const std::vector<Number>& list, std::size_t times) {
  std::vector<Number> made;
  for (const Number n : list) made.insert(made.end(), times, n);
  return made;
}

/// A run of one kind of stage under one policy; its dead letters in order of item.
struct Trial {
  Trial(const TroubledKind& kind, const ErrorPolicy& policy, const Driver& driver,
        std::size_t workers, std::size_t capacity) {
    Pipeline p("policy");
    kind.connect(
        p.source("read", numbers(kCount), {.carrier = driver.at(0)}), trouble, got,
        {.workers = workers, .carrier = driver.at(1), .capacity = capacity, .on_error = policy});
    outcome = driver.run(
        p, {.on_dead_letter = [this](const DeadLetter& letter) { letters.push_back(letter); }});
    std::sort(letters.begin(), letters.end(), [](const DeadLetter& a, const DeadLetter& b) {
      return std::stoull(a.payload) < std::stoull(b.payload);
    });
  }

  Trouble trouble{failing};
  Collected<Number> got;
  std::vector<DeadLetter> letters;
  Outcome outcome;
};

void check_attempts(const Trial& trial, const ErrorPolicy& policy) {
  for (Number n = 0; n < kCount; ++n) {
    const unsigned allowed = policy.retries + 1;
    CHECK(trial.trouble.attempts(n) == (failing(n) >= allowed ? allowed : failing(n) + 1));
  }
}

void check_counts(const StageReport& stage, const Expected& expected, const ErrorPolicy& policy) {
  const bool buries = policy.last == ErrorPolicy::Last::dead_letter;
  CHECK(stage.in == kCount);
  CHECK(stage.completed == expected.through.size());
  CHECK(stage.skipped == (buries ? 0 : expected.lost.size()));
  CHECK(stage.dead == (buries ? expected.lost.size() : 0));
  CHECK(stage.retried == expected.retried);
  CHECK(stage.failed + stage.cancelled + stage.refused + stage.filtered == 0);
}

void check_errors(const Report& report, const Expected& expected, const ErrorPolicy& policy,
                  bool one_lane) {
  REQUIRE(report.error_count == expected.lost.size());
  REQUIRE(report.errors.size() == expected.lost.size());
  std::vector<std::string> causes;
  std::vector<std::string> expected_causes;
  for (const ErrorReport& error : report.errors) {
    CHECK(error.stage == "fail");
    CHECK(error.phase == "process");
    CHECK(error.has_item);
    CHECK(error.attempt == policy.retries + 1);
    if (one_lane) CHECK(error.cause == Trouble::text(error.item));
    causes.push_back(error.cause);
  }
  for (const Number n : expected.lost) expected_causes.push_back(Trouble::text(n));
  std::sort(causes.begin(), causes.end());
  std::sort(expected_causes.begin(), expected_causes.end());
  CHECK(causes == expected_causes);
}

void check_letters(const Trial& trial, const Expected& expected, const ErrorPolicy& policy,
                   bool one_lane) {
  CHECK(trial.outcome.report.dead_letters == expected.lost.size());
  REQUIRE(trial.letters.size() == expected.lost.size());
  for (std::size_t i = 0; i < expected.lost.size(); ++i) {
    const DeadLetter& letter = trial.letters[i];
    const Number n = expected.lost[i];
    CHECK(letter.stage == "fail");
    if (one_lane) CHECK(letter.item == n);
    CHECK(letter.attempt == policy.retries + 1);
    CHECK(letter.error == Trouble::text(n));
    CHECK(letter.label == "bad");
    CHECK(letter.subject.empty());
    CHECK(letter.has_payload);
    CHECK(letter.payload == std::to_string(n));
  }
}

TEST_CASE("Policies: every kind of stage loses the items it has to, and no other",
          "[pipeline][errors]") {
  for (const TroubledKind& kind : kTroubledKinds) {
    for (const Policy& with : policies()) {
      for (const std::size_t workers : {1U, 3U}) {
        INFO(kind.name << " under " << with.name << ", " << workers << " workers");
        for_every_driver(
            [&](const Driver& driver) {
              const Trial trial(kind, with.policy, driver, workers, workers == 1 ? 1 : 16);
              const Expected expected = expected_under(with.policy);
              const Report& report = trial.outcome.report;
              const bool buries = with.policy.last == ErrorPolicy::Last::dead_letter;
              const bool one_lane = workers == 1 || report.edges[0].lanes == 1;
              CHECK(report.status == RunStatus::done);
              CHECK(trial.got.sorted() == repeated(expected.through, kind.arrivals));
              check_attempts(trial, with.policy);
              const StageReport& stage = report.stage("fail");
              check_counts(stage, expected, with.policy);
              if (kind.outputs) CHECK(stage.out == *kind.outputs * expected.through.size());
              if (buries) {
                check_letters(trial, expected, with.policy, one_lane);
              } else {
                CHECK(trial.letters.empty());
                check_errors(report, expected, with.policy, one_lane);
              }
            },
            2);
      }
    }
  }
}

TEST_CASE("Policies: one worker keeps the order of what it skips and retries at once",
          "[pipeline][errors]") {
  const TroubledKind& map = kTroubledKinds[0];
  for (const ErrorPolicy& policy : {skip(), retry(2).then(skip()), dead_letter("bad")}) {
    for_every_driver([&](const Driver& driver) {
      const Trial trial(map, policy, driver, 1, 4);
      CHECK(trial.got.items() == expected_under(policy).through);
    });
  }
}

TEST_CASE("Policies: a keyed stage keeps the order of a key across its retries",
          "[pipeline][errors]") {
  for (const auto back_off : {0us, 20us}) {
    for_every_driver([&](const Driver& driver) {
      Pipeline p("keyed");
      Trouble trouble(failing);
      Collected<Number> got;
      const auto same = [&trouble](Number n) {
        trouble.attempt(n);
        return n;
      };
      p.source("read", numbers(kCount), {.carrier = driver.at(0)}) |
          key_by([](const Number& n) { return n % 5; }) |
          map("fail", same,
              {.workers = 3,
               .carrier = driver.at(1),
               .on_error = retry(2, back_off).then(skip())}) |
          sink("collect", got.sink());
      CHECK(driver.run(p).report.status == RunStatus::done);
      std::map<Number, std::vector<Number>> of_key;
      for (const Number n : got.items()) of_key[n % 5].push_back(n);
      for (const auto& [key, list] : of_key) CHECK(std::is_sorted(list.begin(), list.end()));
    });
  }
}

TEST_CASE("Policies: retries that are used up without a then fail the run, at the last attempt",
          "[pipeline][errors]") {
  for (const auto back_off : {0us, 20us}) {
    for (const TroubledKind& kind : kTroubledKinds) {
      INFO(kind.name << ", back-off " << back_off.count() << " us");
      for_every_driver(
          [&](const Driver& driver) {
            Pipeline p("used up");
            Collected<Number> got;
            Trouble trouble([](Number n) { return n == 11 ? kAlways : n % 2 == 1 ? 3U : 0U; });
            kind.connect(p.source("read", numbers(kCount), {.carrier = driver.at(0)}), trouble, got,
                         {.workers = 1, .carrier = driver.at(1), .on_error = retry(3, back_off)});
            const Outcome outcome = driver.run(p);
            check_failed(outcome,
                         {.stage = "fail", .item = 11, .attempt = 4, .cause = Trouble::text(11)});
            CHECK(nested_text(*outcome.error) == Trouble::text(11));
            CHECK(trouble.attempts(11) == 4);
            CHECK(outcome.report.stage("fail").failed == 1);
            for (const Number n : got.items()) CHECK((n < kCount && n != 11));
          },
          2);
    }
  }
}

TEST_CASE("Policies: the callable sees the number of its attempt and the same item each time",
          "[pipeline][errors]") {
  for (const auto back_off : {0us, 20us}) {
    for_every_driver([&](const Driver& driver) {
      Pipeline p("attempts");
      Collected<std::string> seen;
      const auto consume = [&seen](std::string text, Context& context) {
        const std::string mine = std::move(text);  // a failed attempt has taken its item apart
        seen.add(mine + " " + std::to_string(context.item()) + " " +
                 std::to_string(context.attempt()));
        if (context.attempt() < 3) throw std::runtime_error("not yet");
        return mine;
      };
      Collected<std::string> got;
      p.source("read", numbers(2), {.carrier = driver.at(0)}) |
          map("text",
              [](Number n) { return "a text too long to lie in place: " + std::to_string(n); }) |
          map("consume", consume, {.carrier = driver.at(1), .on_error = retry(2, back_off)}) |
          sink("collect", got.sink());
      CHECK(driver.run(p).report.stage("consume").retried == 4);
      const std::string text = "a text too long to lie in place: ";
      CHECK(got.sorted() == std::vector<std::string>{text + "0", text + "1"});
      CHECK(seen.sorted() == std::vector<std::string>{text + "0 0 1", text + "0 0 2",
                                                      text + "0 0 3", text + "1 1 1",
                                                      text + "1 1 2", text + "1 1 3"});
    });
  }
}

TEST_CASE("Policies: exceptions that are no std::exception are skipped and buried like others",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    for (const ErrorPolicy& policy : {skip(), retry(1).then(dead_letter("odd"))}) {
      Pipeline p("numbers thrown");
      Collected<Number> got;
      const auto fail = [](Number n) {
        if (n % 2 == 1) throw 42;
        return n;
      };
      p.source("read", numbers(6), {.carrier = driver.at(0)}) |
          map("fail", fail, {.carrier = driver.at(1), .on_error = policy}) |
          sink("collect", got.sink());
      std::vector<DeadLetter> letters;
      const Outcome outcome = driver.run(
          p, {.on_dead_letter = [&](const DeadLetter& letter) { letters.push_back(letter); }});
      CHECK(got.items() == std::vector<Number>{0, 2, 4});
      CHECK(outcome.report.errors.size() + letters.size() == 3);
      for (const DeadLetter& letter : letters) {
        CHECK(letter.error == "an exception that is not a std::exception");
      }
    }
  });
}

/// An item whose bytes nobody knows.
struct Opaque {
  Number n;
};

TEST_CASE("Policies: a dead letter has the payload of texts and numbers, unspoiled by the attempts",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    for (const ErrorPolicy& policy : {dead_letter(), retry(2).then(dead_letter())}) {
      Pipeline p("payloads");
      const auto spoil = [](std::string text) {
        const std::string taken = std::move(text);
        throw std::runtime_error("spoilt " + std::to_string(taken.size()));
      };
      auto read = p.source("read", numbers(1), {.carrier = driver.at(0)});
      read | map("text", [](Number) { return std::string(60, 'x'); }) |
          sink("texts", spoil, {.carrier = driver.at(1), .on_error = policy});
      read | map("opaque", [](Number n) { return Opaque{n}; }) |
          sink("opaques", [](Opaque) { throw std::runtime_error("no"); }, {.on_error = policy});
      std::map<std::string, DeadLetter> letters;
      const Outcome outcome = driver.run(
          p, {.on_dead_letter = [&](const DeadLetter& letter) { letters[letter.stage] = letter; }});
      REQUIRE(letters.size() == 2);
      CHECK(letters["texts"].has_payload);
      CHECK(letters["texts"].payload == std::string(60, 'x'));
      CHECK(letters["texts"].error == "spoilt 60");
      CHECK(letters["texts"].label.empty());
      CHECK_FALSE(letters["opaques"].has_payload);
      CHECK(letters["opaques"].payload.empty());
      CHECK(outcome.report.dead_letters == 2);
    }
  });
}

}  // namespace
}  // namespace sluice
