// model/explore.cpp
// SPDX-License-Identifier: MIT
#include <model/explore.hpp>

#include <catch2/catch.hpp>

#include <support/scale.hpp>

#include <cstdlib>
#include <iostream>
#include <memory>

namespace sluice::model {
namespace {

constexpr std::uint64_t kSeed = 1;

std::uint64_t first_seed() {
  const char* text = std::getenv("SLUICE_SEED");
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : kSeed;
}

class Explorer {
 public:
  Explorer(const Scenario& scenario, const Effort& effort) : scenario_(scenario), effort_(effort) {}

  Verdict run() {
    if (search() && walk<RandomWalk>() && walk<PriorityWalk>()) report();
    return verdict_;
  }

 private:
  // Fewest decisions first, so that the first failure found is a short story.
  bool search() {
    for (unsigned bound = 0;; ++bound) {
      const unsigned preemptions = std::min(bound, effort_.preemptions);
      const unsigned weak_steps = std::min(bound, effort_.weak_steps);
      BoundedSearch strategy(preemptions, weak_steps);
      while (strategy.next()) {
        if (verdict_.executions == effort_.searched) return true;
        if (!once(strategy)) return false;
      }
      if (preemptions == effort_.preemptions && weak_steps == effort_.weak_steps) break;
    }
    verdict_.complete = true;
    return true;
  }

  template <class Walk>
  bool walk() {
    Walk strategy(first_seed(), effort_.random);
    while (strategy.next()) {
      if (!once(strategy)) return false;
    }
    return true;
  }

  bool once(Strategy& strategy) {
    ++verdict_.executions;
    Execution execution(strategy, fibers_, false);
    execution.run(scenario_);
    if (!execution.failed()) return true;
    Replay replay(execution.decisions());
    Execution again(replay, fibers_, true);
    again.run(scenario_);
    verdict_.ok = false;
    verdict_.text = "model violation: " + execution.fault() + "\n  found by " + strategy.name() +
                    ", execution " + std::to_string(verdict_.executions) + "\n" +
                    again.trace_text();
    if (again.fault() != execution.fault()) {
      verdict_.text += "  (the replay differs: " + again.fault() + ")\n";
    }
    return false;
  }

  void report() {
    verdict_.text = std::to_string(verdict_.executions) + " executions: at most " +
                    std::to_string(effort_.preemptions) + " preemptions and " +
                    std::to_string(effort_.weak_steps) + " weak steps (" +
                    (verdict_.complete ? "all" : "cut off at " + std::to_string(effort_.searched)) +
                    "), then " + std::to_string(2 * effort_.random) + " random from seed " +
                    std::to_string(first_seed());
  }

  const Scenario& scenario_;
  const Effort effort_;
  FiberPool fibers_;
  Verdict verdict_;
};

}  // namespace

Effort scaled(Effort effort) {
  effort.searched = testing_support::scaled(effort.searched);
  effort.random = testing_support::scaled(effort.random);
  if (const char* text = std::getenv("SLUICE_MODEL_EFFORT"); text != nullptr) {
    const std::size_t factor = std::strtoull(text, nullptr, 10);
    effort.searched *= factor;
    effort.random *= factor;
  }
  return effort;
}

Verdict explore(const Scenario& scenario, const Effort& effort) {
  return Explorer(scenario, effort).run();
}

void must_hold(const std::string& name, const Scenario& scenario, const Effort& effort) {
  const Verdict verdict = explore(scenario, scaled(effort));
  std::cout << "model: " << name << ": " << verdict.text << std::endl;
  INFO(verdict.text);
  CHECK(verdict.ok);
}

}  // namespace sluice::model
