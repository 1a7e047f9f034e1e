// model/weak_orders_test.cpp: the memory orders are needed: weakened by one degree, a scenario fails.
//
// The list holds the orders that the comments of sync/ argue for. "every order, weakened" is hidden; it
// goes through all places that the scenarios come by and prints which weakenings nobody notices.
// SPDX-License-Identifier: MIT
#include <model/scenarios.hpp>
#include <model/weakening.hpp>

#include <catch2/catch.hpp>

#include <iostream>
#include <string>
#include <vector>

namespace sluice::model {
namespace {

using ScenarioFunction = void (*)(Execution&);

constexpr ScenarioFunction kScenarios[] = {sleeper_and_waker,
                                           one_producer_one_consumer,
                                           one_producer_two_consumers,
                                           two_producers_one_consumer,
                                           many_at_once,
                                           getter_leaves_at_its_deadline,
                                           getter_leaves_on_stop,
                                           close_against_put_and_get,
                                           cancel_against_all,
                                           settlers_and_joiner};

constexpr Effort kEffort = {
    .preemptions = 2, .weak_steps = 1, .searched = 60'000, .random = 10'000};

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;
constexpr auto kSeqCst = std::memory_order_seq_cst;

struct Needed {
  Weakening weakening;
  ScenarioFunction scenario;
};

// Returns what failed, or nothing.
std::string noticed(const Weakening& weakening, ScenarioFunction scenario) {
  const WeakenHere weak(weakening);
  const Verdict verdict = explore(scenario, kEffort);
  REQUIRE(weak.used());  // else the code was changed and the list below was not
  return verdict.ok ? "" : verdict.text.substr(0, verdict.text.find('\n'));
}

}  // namespace

TEST_CASE("model: an order weaker than the argument needs is noticed", "[model][sync]") {
  using enum Operation;
  const std::vector<Needed> list = {
      // publish-items and publish-room: the slot is handed over with the index.
      {{{"", "store_tail", store, kRelease}, kRelaxed}, one_producer_one_consumer},
      {{{"", "tail_word", load, kAcquire}, kRelaxed}, one_producer_one_consumer},
      {{{"", "release", store, kRelease}, kRelaxed}, one_producer_one_consumer},
      {{{"", "head_word", load, kAcquire}, kRelaxed}, one_producer_one_consumer},
      // announce-or-look: the sleeper's two steps and the waker's two.
      {{{"", "announce", modify, kSeqCst}, kAcqRel}, sleeper_and_waker},
      {{{"", "needs_wake", load, kSeqCst}, kAcquire}, sleeper_and_waker},
      {{{"", "take_claim", modify, kSeqCst}, kAcqRel}, one_producer_one_consumer},
      {{{"", "may_have_items", load, kSeqCst}, kAcquire}, one_producer_one_consumer},
      {{{"", "may_have_room", load, kSeqCst}, kAcquire}, one_producer_one_consumer},
      // settle-or-join.
      {{{"", "settled", load, kSeqCst}, kAcquire}, settlers_and_joiner},
  };
  for (const Needed& needed : list) {
    const std::string fault = noticed(needed.weakening, needed.scenario);
    std::cout << "model: " << needed.weakening.text() << ": " << fault << std::endl;
    INFO(needed.weakening.text());
    CHECK_THAT(fault, Catch::StartsWith("model violation"));
  }
}

TEST_CASE("model: every order, weakened", "[.sweep]") {
  std::vector<Place> places;
  {
    const NotePlaces notes;
    for (const ScenarioFunction scenario : kScenarios) {
      CHECK(explore(scenario, {.searched = 500, .random = 500}).ok);
    }
    places = notes.places();
  }
  for (const Place& place : places) {
    for (const std::memory_order to : weaker(place.operation, place.order)) {
      const Weakening weakening{place, to};
      std::string fault;
      for (const ScenarioFunction scenario : kScenarios) {
        const WeakenHere weak(weakening);
        const Verdict verdict = explore(scenario, kEffort);
        if (!verdict.ok) fault = verdict.text.substr(0, verdict.text.find('\n'));
        if (!verdict.ok) break;
      }
      std::cout << weakening.text() << ": " << (fault.empty() ? "not noticed" : fault) << std::endl;
    }
  }
}

}  // namespace sluice::model
