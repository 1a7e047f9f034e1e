// bench/handoff_bench.cpp: how long one item takes to another thread and back.
//
//   client -> queue -> echo -> queue -> client      one item on the way, nobody else there
//
// Question: what does a hand-over cost when the other end waits for it: spinning for a while, or
// asleep at once?
// SPDX-License-Identifier: MIT
#include <peers/library_queues.hpp>
#include <peers/mutex_queues.hpp>
#include <peers/sluice_queue.hpp>
#include <peers/spsc_ring.hpp>
#include <support/statistics.hpp>
#include <support/tournament.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice::bench;

constexpr std::size_t kCapacity = 1024;

// Our queue, which sleeps at once when there is nothing to do.
struct ParkedSluiceQueue : SluiceQueue<std::uint64_t> {
  explicit ParkedSluiceQueue(std::size_t capacity)
      : SluiceQueue<std::uint64_t>(capacity, std::chrono::nanoseconds(0)) {}
};

template <typename Q>
void settle_one(Q& queue) {
  if constexpr (requires { queue.task_done(1); }) queue.task_done(1);
}

Latency quantiles(std::vector<float>& trips_ns) {
  std::sort(trips_ns.begin(), trips_ns.end());
  const auto at = [&](double p) {
    const auto rank = static_cast<std::size_t>(p * static_cast<double>(trips_ns.size() - 1));
    return static_cast<double>(trips_ns[rank]);
  };
  return {at(0.5), at(0.99), at(0.999)};
}

// The echo adds one to each number, so that an item that was not passed on is noticed.
template <typename Q>
Latency round_trips(const std::string& name, std::uint64_t count, Placement placement) {
  using Clock = std::chrono::steady_clock;
  Q there(kCapacity);
  Q back(kCapacity);
  std::uint64_t wrong = 0;
  std::vector<float> trips_ns;
  trips_ns.reserve(count);
  const auto client = [&] {
    auto begin = Clock::now();
    for (std::uint64_t i = 0; i < count; ++i) {
      there.put(i);
      const std::uint64_t answer = back.get();
      settle_one(back);
      const auto end = Clock::now();
      wrong += answer != i + 1 ? 1U : 0U;
      trips_ns.push_back(std::chrono::duration<float, std::nano>(end - begin).count());
      begin = end;
    }
  };
  const auto echo = [&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t value = there.get();
      back.put(value + 1);
      settle_one(there);
    }
  };
  run_together(placement, {client, echo});
  check_result(name + ": wrong answers", wrong, 0);
  return quantiles(trips_ns);
}

template <typename Q>
Contestant contestant(const std::string& name, std::string about) {
  return {.name = name,
          .about = std::move(about),
          .run = [name](std::uint64_t items, Placement placement) {
            return round_trips<Q>(name, items, placement);
          }};
}

std::vector<Group> groups() {
  using Item = std::uint64_t;
  return {
      {.name = "handoff/round_trip/wait:spin",
       .figure = Figure::p50,
       .contestants = {contestant<SluiceQueue<Item>>("sluice", "spins some us, then sleeps"),
                       contestant<MoodyQueue>("moodycamel blocking", "spins 10,000 turns"),
                       contestant<MoodyRingQueue>("moodycamel ring", "spins 10,000 turns"),
                       contestant<BoostSpscQueue>("boost spsc", "polls with yield"),
                       contestant<SpscRing>("bare ring", "polls, then yields")}},
      {.name = "handoff/round_trip/wait:sleep",
       .figure = Figure::p50,
       .contestants = {contestant<ParkedSluiceQueue>("sluice, no spin", "sleeps at once"),
                       contestant<MutexQueue<Item>>("mutex+cv", "sleeps at once"),
                       contestant<TbbQueue<Item>>("oneTBB bounded", "sleeps nearly at once")}},
  };
}

}  // namespace

int main(int argc, char** argv) { return hold_tournament("handoff", argc, argv, groups()); }
