// pipelines/errors_sources_test.cpp: exceptions outside of stages' callbacks: a source's next, factories, key
// functions and route predicates.
// SPDX-License-Identifier: MIT
#include <support/collected.hpp>
#include <support/numbers.hpp>
#include <support/outcome.hpp>
#include <support/trouble.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

/// Calls 3, 4 and 8 of next() fail: 3 always, the others on the first attempt. Each call has two numbers.
class Reader {
 public:
  using Out = Number;
  explicit Reader(bool emits_first) : emits_first_{emits_first} {}
  bool next(Emitter<Number>& out) {
    const std::uint64_t call = out.context().item();
    const bool first = out.context().attempt() == 1;
    if (call == 3 || ((call == 4 || call == 8) && first)) {
      if (emits_first_) out.emit(kLeaked);
      throw std::runtime_error("call " + std::to_string(call));
    }
    out.emit(2 * call);
    out.emit(2 * call + 1);
    return call < 9;
  }

 private:
  bool emits_first_;
};

std::vector<Number> without_calls(const std::vector<Number>& calls) {
  std::vector<Number> list;
  for (Number n = 0; n < 20; ++n) {
    bool left_out = false;
    for (const Number call : calls) left_out = left_out || n / 2 == call;
    if (!left_out) list.push_back(n);
  }
  return list;
}

TEST_CASE("Source: a next that throws, before or after it has emitted, follows its policy",
          "[pipeline][errors]") {
  struct Case {
    ErrorPolicy policy;
    std::vector<Number> lost;
    std::uint64_t skipped, dead, retried;
  };
  const Case cases[] = {{skip(), {3, 4, 8}, 3, 0, 0},
                        {dead_letter("bad"), {3, 4, 8}, 0, 3, 0},
                        {retry(2).then(skip()), {3}, 1, 0, 4},
                        {retry(1, 20us).then(skip()), {3}, 1, 0, 3},
                        {retry(2, 20us).then(dead_letter("bad")), {3}, 0, 1, 4}};
  for (const Case& with : cases) {
    for (const bool emits_first : {false, true}) {
      for_every_driver([&](const Driver& driver) {
        Pipeline p("next");
        Collected<Number> got;
        std::vector<DeadLetter> letters;
        p.source("read", Reader(emits_first), {.carrier = driver.at(0), .on_error = with.policy}) |
            sink("collect", got.sink(), {.carrier = driver.at(1), .capacity = 1});
        const Outcome outcome = driver.run(
            p, {.on_dead_letter = [&](const DeadLetter& letter) { letters.push_back(letter); }});
        CHECK(outcome.report.status == RunStatus::done);
        CHECK(got.items() == without_calls(with.lost));
        const StageReport& read = outcome.report.stage("read");
        CHECK(read.skipped == with.skipped);
        CHECK(read.dead == with.dead);
        CHECK(read.retried == with.retried);
        CHECK(read.failed == 0);
        CHECK(read.out == got.size());
        CHECK(outcome.report.error_count == with.skipped);
        CHECK(outcome.report.dead_letters == with.dead);
        for (const ErrorReport& error : outcome.report.errors) {
          CHECK(error.stage == "read");
          CHECK(error.phase == "next");
          CHECK(error.attempt == with.policy.retries + 1);
        }
        REQUIRE(letters.size() == with.dead);
        for (std::size_t i = 0; i < letters.size(); ++i) {
          CHECK(letters[i].error == "call " + std::to_string(with.lost[i]));
          CHECK(letters[i].label == "bad");
          CHECK_FALSE(letters[i].has_payload);
        }
      });
    }
  }
}

TEST_CASE("Source: a next that throws fails the run, at once or after its retries",
          "[pipeline][errors]") {
  for (const ErrorPolicy& policy : {fail_run(), retry(2), retry(2, 20us)}) {
    for (const bool emits_first : {false, true}) {
      for_every_driver([&](const Driver& driver) {
        Pipeline p("next");
        Collected<Number> got;
        p.source("read", Reader(emits_first), {.carrier = driver.at(0), .on_error = policy}) |
            sink("collect", got.sink(), {.carrier = driver.at(1), .capacity = 1});
        const Outcome outcome = driver.run(p);
        REQUIRE(outcome.error.has_value());
        CHECK(outcome.error->stage() == "read");
        CHECK(outcome.error->phase() == "next");
        CHECK(outcome.error->attempt() == policy.retries + 1);
        CHECK(nested_text(*outcome.error) == "call 3");
        CHECK(outcome.report.stage("read").failed == 1);
        CHECK(outcome.report.stage("read").retried == policy.retries);
        CHECK(outcome.report.error_count == 1);
        for (const Number n : got.items()) CHECK(n < 6);
      });
    }
  }
}

TEST_CASE("Factory: what it throws comes out of start as it is, and nothing has run",
          "[pipeline][errors]") {
  for_every_mix([](const Driver& driver) {
    for (const int good : {0, 1, 2}) {  // the factory's calls before the one that throws
      Pipeline p("factory");
      std::atomic<int> calls{0};
      std::atomic<int> items{0};
      const auto make = [&calls, good] {
        if (calls++ == good) throw std::runtime_error("nothing to make it of");
        return [](Number n) { return n; };
      };
      const auto read = [&items, next = Number{0}]() mutable -> std::optional<Number> {
        ++items;
        return next < 9 ? std::optional(next++) : std::nullopt;
      };
      p.source("read", read, {.carrier = driver.at(0)}) |
          map("same", factory(make), {.workers = 3, .carrier = driver.at(1)}) |
          sink("count", [&items](Number) { ++items; }, {.carrier = driver.at(2)});
      CHECK_THROWS_WITH(start(p), "nothing to make it of");
      CHECK(calls == good + 1);
      CHECK(items == 0);
      CHECK(driver.run(p).report.status == RunStatus::done);  // it throws once only
      CHECK(items == 10 + 9);
    }
  });
}

TEST_CASE("Factory: an exception that is no std::exception comes out of start, too",
          "[pipeline][errors]") {
  Pipeline p("factory");
  const auto make = []() -> std::optional<Number> (*)() { throw 42; };
  p.source("read", factory(make)) | sink("drop", [](Number) {});
  CHECK_THROWS_AS(start(p), int);
}

/// Copying it throws, once it is armed.
struct Uncopyable {
  bool armed = false;
  Uncopyable() = default;
  Uncopyable(Uncopyable&&) = default;
  Uncopyable& operator=(Uncopyable&&) = default;
  Uncopyable& operator=(const Uncopyable&) = default;
  Uncopyable(const Uncopyable& other) : armed{other.armed} {
    if (armed) throw std::runtime_error("no copies");
  }
  ~Uncopyable() = default;
  Number operator()(Number n) const { return n; }
};

TEST_CASE("Copies: an object that can't be copied for its workers fails the start",
          "[pipeline][errors]") {
  Pipeline p("copies");
  Uncopyable object;
  object.armed = true;
  p.source("read", numbers(9)) | map("same", std::move(object), {.workers = 2}) |
      sink("drop", [](Number) {});
  CHECK_THROWS_WITH(start(p), "no copies");
}

/// Throws for every third item, while it is armed.
struct ThrowingKey {
  static constexpr Number kEvery = 3;
  Number operator()(const Number& n) const {
    if (n % kEvery == 1) throw std::runtime_error("no key for " + std::to_string(n));
    return n;
  }
};

/// Fan-out of "emit": a branch by key, or by route, and one that takes everything.
struct Selected {
  Collected<Number> chosen;
  Collected<Number> all;

  void connect(const Stream<Number>& from, bool by_route) {
    if (by_route) {
      auto arms = route(from, [](const Number& n) { return ThrowingKey{}(n) % 2 == 0; });
      arms[0] | sink("even", chosen.sink(), {.capacity = 1});
      arms[1] | sink("odd", chosen.sink(), {.capacity = 2});
    } else {
      from | key_by(ThrowingKey{}) | sink("keyed", chosen.sink(), {.workers = 2, .capacity = 2});
    }
    from | sink("all", all.sink(), {.capacity = 2});
  }
};

std::vector<Number> with_a_key(Number count) {
  std::vector<Number> list;
  for (Number n = 0; n < count; ++n) {
    if (n % ThrowingKey::kEvery != 1) list.push_back(n);
  }
  return list;
}

template <class Test>
void for_every_selection(Test test) {
  for (const bool by_route : {false, true}) {
    INFO((by_route ? "route predicate" : "key function"));
    for_every_driver([&](const Driver& driver) { test(by_route, driver); });
  }
}

TEST_CASE("Key and route: what they throw is judged as the producing stage's failure at that item",
          "[pipeline][errors]") {
  for_every_selection([](bool by_route, const Driver& driver) {
    Selected selected;
    Pipeline p("fails");
    selected.connect(p.source("read", numbers(20), {.carrier = driver.at(0)}) |
                         map("emit", [](Number n) { return n; }, {.carrier = driver.at(1)}),
                     by_route);
    const Outcome outcome = driver.run(p);
    check_failed(outcome, {.stage = "emit", .item = 1, .cause = "no key for 1"});
    CHECK(nested_text(*outcome.error) == "no key for 1");
    for (const Number n : selected.chosen.items()) CHECK(n == 0);
    for (const Number n : selected.all.items()) CHECK(n == 0);
  });
}

TEST_CASE("Key and route: an item that is skipped for its key reaches no branch",
          "[pipeline][errors]") {
  for_every_selection([](bool by_route, const Driver& driver) {
    for (const ErrorPolicy& policy :
         {skip(), retry(2).then(skip()), retry(1, 20us).then(skip()), dead_letter("key")}) {
      for (const bool many : {false, true}) {
        Selected selected;
        Pipeline p("skips");
        std::vector<DeadLetter> letters;
        auto read = p.source("read", numbers(20), {.carrier = driver.at(0)});
        const StageOptions options = {.carrier = driver.at(1), .on_error = policy};
        const auto padded = [](Number n, Emitter<Number>& out) {  // good ones before the bad one
          out.emit(n);
        };
        selected.connect(many ? read | flat_map<Number>("emit", padded, options)
                              : read | map(
                                           "emit", [](Number n) { return n; }, options),
                         by_route);
        const Outcome outcome = driver.run(
            p, {.on_dead_letter = [&](const DeadLetter& letter) { letters.push_back(letter); }});
        CHECK(selected.chosen.sorted() == with_a_key(20));
        CHECK(selected.all.sorted() == with_a_key(20));
        const StageReport& emit = outcome.report.stage("emit");
        CHECK(emit.skipped + emit.dead == 7);
        CHECK(emit.retried == 7 * policy.retries);
        CHECK(emit.completed == 13);
        CHECK(emit.out == 26);
        for (const DeadLetter& letter : letters) {
          CHECK(letter.error == "no key for " + letter.payload);
        }
      }
    }
  });
}

TEST_CASE("Key and route: an item's good outputs are held back when a later one has no key",
          "[pipeline][errors]") {
  for_every_selection([](bool by_route, const Driver& driver) {
    Selected selected;
    Pipeline p("several");
    const auto two = [](Number n, Emitter<Number>& out) {
      out.emit(2 * n);
      out.emit(2 * n + 1);
    };
    selected.connect(
        p.source("read", numbers(9), {.carrier = driver.at(0)}) |
            flat_map<Number>("emit", two, {.carrier = driver.at(1), .on_error = skip()}),
        by_route);
    const Outcome outcome = driver.run(p);
    // (0, 1), (4, 5) and so on: two of three pairs have a number without a key
    CHECK(selected.all.sorted() == std::vector<Number>{2, 3, 8, 9, 14, 15});
    CHECK(selected.chosen.sorted() == std::vector<Number>{2, 3, 8, 9, 14, 15});
    CHECK(outcome.report.stage("emit").skipped == 6);
  });
}

TEST_CASE("Key and route: at a source they fail its next, in finish they fail the run",
          "[pipeline][errors]") {
  for_every_selection([](bool by_route, const Driver& driver) {
    Selected at_source;
    Pipeline p("source");
    at_source.connect(p.source("read", numbers(20), {.carrier = driver.at(0), .on_error = skip()}),
                      by_route);
    const Outcome skipped = driver.run(p);
    CHECK(at_source.all.sorted() == with_a_key(20));
    CHECK(skipped.report.stage("read").skipped == 7);
    for (const ErrorReport& error : skipped.report.errors) CHECK(error.phase == "next");

    Selected in_finish;
    Pipeline q("finish");
    in_finish.connect(
        q.source("read", numbers(20), {.carrier = driver.at(0)}) |
            reduce("emit", Number{0}, [](Number& sum, Number n) { sum = n - n % 3 + 1; },
                   {.carrier = driver.at(1), .on_error = skip()}),
        by_route);
    check_failed(driver.run(q), {.stage = "emit", .phase = "finish", .cause = "no key for 19"});
    CHECK(in_finish.all.size() + in_finish.chosen.size() == 0);
  });
}

TEST_CASE("Key and route: a retry after a key that threw has the whole item again",
          "[pipeline][errors]") {
  for_every_driver([](const Driver& driver) {
    Pipeline p("again");
    Collected<std::string> got;
    std::atomic<int> calls{0};
    const auto key = [&calls](const std::string& text) {
      if (calls++ % 2 == 0) throw std::runtime_error("no key at first");
      return text;
    };
    const auto text = [](Number n) { return std::string(40, 'x') + std::to_string(n); };
    p.source("read", numbers(5), {.carrier = driver.at(0)}) | map("text", text) |
        map("same", [](std::string s) { return s; },
            {.carrier = driver.at(1), .on_error = retry(3)}) |
        key_by(key) | sink("collect", got.sink());
    CHECK(driver.run(p).report.status == RunStatus::done);
    std::vector<std::string> expected;
    for (Number n = 0; n < 5; ++n) expected.push_back(text(n));
    CHECK(got.sorted() == expected);
  });
}

}  // namespace
}  // namespace sluice
