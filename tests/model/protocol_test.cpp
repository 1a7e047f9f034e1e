// model/protocol_test.cpp: every interleaving of a router and two worker processes with deaths before
// every step, and the proof that broken protocols are found.
// SPDX-License-Identifier: MIT
#include <model/breadth_first.hpp>
#include <model/protocol_model.hpp>

#include <catch2/catch.hpp>

#include <iostream>
#include <string>

namespace sluice::model {
namespace {

SearchResult search(const ProtocolShape& shape) {
  const ProtocolModel model(shape);
  return BreadthFirst(model).run();
}

std::string text_of(const SearchResult& result) {
  std::string text = result.fault;
  for (const std::string& step : result.steps) text += "\n  " + step;
  return text;
}

void must_hold_for(const ProtocolShape& shape) {
  const SearchResult result = search(shape);
  std::cout << "model: protocol: " << shape.items << " items, at most " << shape.kills
            << " kills, window " << shape.window << (shape.gathers ? ", gathers" : "") << ": "
            << result.states << " states, " << result.transitions << " transitions, "
            << result.final_states << " ends (all)" << std::endl;
  INFO(text_of(result));
  CHECK(result.fault.empty());
  CHECK(result.final_states > 0);
}

}  // namespace

TEST_CASE("model: no death at any step loses or doubles an item, or leaves anybody asleep",
          "[model][process]") {
  must_hold_for({.items = 2, .kills = 0, .window = 1});
  must_hold_for({.items = 2, .kills = 1, .window = 1});
  must_hold_for({.items = 2, .kills = 1, .window = 2});
  must_hold_for({.items = 2, .kills = 2, .window = 1});
  must_hold_for({.items = 2, .kills = 2, .window = 2});
  must_hold_for({.items = 3, .kills = 1, .window = 2});
  must_hold_for({.items = 3, .kills = 2, .window = 2});
}

TEST_CASE("model: nobody is left asleep by a router that waits for more answers than there will be",
          "[model][process]") {
  must_hold_for({.items = 2, .kills = 0, .window = 1, .gathers = true});
  must_hold_for({.items = 2, .kills = 1, .window = 2, .gathers = true});
  must_hold_for({.items = 2, .kills = 2, .window = 2, .gathers = true});
  must_hold_for({.items = 3, .kills = 1, .window = 2, .gathers = true});
}

TEST_CASE("model: three deaths and four items", "[.large]") {
  must_hold_for({.items = 3, .kills = 3, .window = 2});
  must_hold_for({.items = 4, .kills = 3, .window = 2});
}

TEST_CASE("model: each broken protocol is found", "[model][process]") {
  struct Broken {
    const char* name;
    ProtocolMutant mutant;
    const char* fault;
    bool gathers = false;
  };
  const Broken list[] = {
      {"two stores", ProtocolMutant::two_stores, "an output arrives twice"},
      {"leases taken from the living", ProtocolMutant::taken_from_the_living, "ledger mismatch"},
      {"a dead worker's leases move, and its log is read on",
       ProtocolMutant::other_worker_gets_them, "ledger mismatch"},
      {"deaths ignored", ProtocolMutant::deaths_ignored, "stuck"},
      {"the router sleeps without a look", ProtocolMutant::router_sleeps_unlooked, "stuck"},
      {"a worker sleeps without a look", ProtocolMutant::worker_sleeps_unlooked, "stuck"},
      {"the router is not woken", ProtocolMutant::router_not_woken, "stuck"},
      {"a worker is not rung for", ProtocolMutant::worker_not_rung, "stuck"},
      {"a worker does not tell of its sleep", ProtocolMutant::worker_sleeps_untold, "stuck", true},
      {"the router does not look whether the worker sleeps",
       ProtocolMutant::router_sleeps_beside_worker, "stuck", true},
  };
  for (const Broken& broken : list) {
    const SearchResult result = search(
        {.items = 2, .kills = 1, .window = 1, .gathers = broken.gathers, .mutant = broken.mutant});
    std::cout << "model: protocol: " << broken.name << ": " << result.fault << " after "
              << result.steps.size() << " steps" << std::endl;
    INFO(broken.name);
    CHECK(result.fault == broken.fault);
  }
}

TEST_CASE("model: without a last look at a dead worker's log work is redone, not lost or doubled",
          "[model][process]") {
  const SearchResult result = search(
      {.items = 2, .kills = 1, .window = 2, .mutant = ProtocolMutant::resent_without_last_read});
  INFO(text_of(result));
  CHECK(result.fault.empty());
}

}  // namespace sluice::model
