// bench/peers/serial_pipelines.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <peers/serial_pipelines.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

namespace sluice::bench {
namespace {

std::uint64_t all_stages(const Chain& chain, std::uint64_t value) {
  for (std::size_t stage = 0; stage < chain.stages; ++stage) {
    value = chain.work(value);
  }
  return value;
}

}  // namespace

void serial_chain(const Chain& chain, std::uint64_t items, Placement placement) {
  InOrder sink(chain.work, chain.stages);
  run_together(placement, {[&] {
                 for (std::uint64_t i = 0; i < items; ++i) {
                   sink.take(all_stages(chain, i));
                 }
               }});
  sink.require("serial loop", items);
}

void limit_chain(const Chain& chain, std::uint64_t items, Placement placement) {
  // About 100 us a chunk: cheap to claim, and the last one is short against the run.
  const std::uint64_t turns = std::max<std::uint64_t>(1, chain.work.turns() * chain.stages);
  const std::uint64_t chunk = std::clamp<std::uint64_t>(100'000 / turns, 1, 4096);
  const Work whole(chain.work.turns() * chain.stages);
  std::atomic<std::uint64_t> next{0};
  std::atomic<std::uint64_t> right{0};
  const auto loop = [&] {
    std::uint64_t mine = 0;
    while (true) {
      // relaxed: only the claim matters; the joining of the threads orders everything else.
      const std::uint64_t first = next.fetch_add(chunk, std::memory_order_relaxed);
      if (first >= items) break;
      const std::uint64_t last = std::min(first + chunk, items);
      for (std::uint64_t i = first; i < last; ++i) {
        mine += all_stages(chain, i) == whole.expected(i) ? 1U : 0U;
      }
    }
    right.fetch_add(mine, std::memory_order_relaxed);
  };
  run_together(placement, std::vector<std::function<void()>>(
                              std::max(2U, std::thread::hardware_concurrency()), loop));
  check_result("limit: right results", right.load(std::memory_order_relaxed), items);
}

void serial_farm(const Farm& farm, std::uint64_t items, Placement placement) {
  serial_chain({1, farm.work}, items, placement);
}

void limit_farm(const Farm& farm, std::uint64_t items, Placement placement) {
  limit_chain({1, farm.work}, items, placement);
}

}  // namespace sluice::bench
