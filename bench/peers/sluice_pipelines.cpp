// bench/peers/sluice_pipelines.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <peers/sluice_pipelines.hpp>

#include <sluice/sluice.hpp>

#include <fmt/format.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace sluice::bench {
namespace {

// Pins each thread that runs a stage at its first item: the first one to the first CPU, the next one
// to the next. The engine has no pinning of its own, and any thread may run any stage.
class Pinning {
 public:
  explicit Pinning(Placement placement) : placement_(placement) {}
  Pinning(const Pinning&) = delete;
  Pinning& operator=(const Pinning&) = delete;

  void here() {
    static thread_local const Pinning* pinned_by = nullptr;
    if (placement_ == Placement::free || pinned_by == this) return;
    pinned_by = this;
    // relaxed: only that every thread gets another number matters.
    place_this_thread(placement_, next_.fetch_add(1, std::memory_order_relaxed));
  }

 private:
  const Placement placement_;
  std::atomic<std::size_t> next_{0};
};

auto numbers(std::uint64_t items, const Work& work, Pinning& pinning) {
  return
      [items, work, &pinning, next = std::uint64_t{0}]() mutable -> std::optional<std::uint64_t> {
        pinning.here();
        if (next == items) return std::nullopt;
        return work(next++);
      };
}

auto worker(const Work& work, Pinning& pinning) {
  return [work, &pinning](std::uint64_t value) {
    pinning.here();
    return work(value);
  };
}

void run_chain(const Chain& chain, std::uint64_t items, Placement placement, Carrier carrier) {
  Pinning pinning(placement);
  InOrder results(chain.work, chain.stages);
  Pipeline pipeline("chain");
  Stream<std::uint64_t> stream =
      pipeline.source("source", numbers(items, chain.work, pinning), {.carrier = carrier});
  for (std::size_t stage = 1; stage + 1 < chain.stages; ++stage) {
    stream = std::move(stream) | map(fmt::format("map{}", stage), worker(chain.work, pinning),
                                     {.carrier = carrier, .capacity = 1024});
  }
  std::move(stream) | sink("sink",
                           [&](std::uint64_t value) {
                             pinning.here();
                             results.take(chain.work(value));
                           },
                           {.carrier = carrier, .capacity = 1024});
  run(pipeline);
  results.require("sluice", items);
}

// `Results` is InOrder or AnyOrder, as the farm keeps its order or not.
template <class Results>
void run_farm_into(Results results, const Farm& farm, std::uint64_t items, Placement placement,
                   Carrier carrier) {
  Pinning pinning(placement);
  Pipeline pipeline("farm");
  pipeline.source("source", numbers(items, Work(0), pinning), {.carrier = carrier}) |
      map("work", worker(farm.work, pinning),
          {.workers = farm.workers,
           .carrier = carrier,
           .order = farm.ordered ? Order::keep : Order::none,
           .capacity = 1024}) |
      sink("sink",
           [&](std::uint64_t value) {
             pinning.here();
             results.take(value);
           },
           {.carrier = carrier, .capacity = 1024});
  run(pipeline);
  results.require("sluice", items);
}

void run_farm(const Farm& farm, std::uint64_t items, Placement placement, Carrier carrier) {
  if (farm.ordered) {
    run_farm_into(InOrder(farm.work, 1), farm, items, placement, carrier);
  } else {
    run_farm_into(AnyOrder(farm.work, 1), farm, items, placement, carrier);
  }
}

}  // namespace

void sluice_chain(const Chain& chain, std::uint64_t items, Placement placement) {
  run_chain(chain, items, placement, Carrier::automatic);
}

void sluice_threads_chain(const Chain& chain, std::uint64_t items, Placement placement) {
  run_chain(chain, items, placement, Carrier::thread);
}

void sluice_pool_chain(const Chain& chain, std::uint64_t items, Placement placement) {
  run_chain(chain, items, placement, Carrier::pool);
}

void sluice_farm(const Farm& farm, std::uint64_t items, Placement placement) {
  run_farm(farm, items, placement, Carrier::automatic);
}

void sluice_pool_farm(const Farm& farm, std::uint64_t items, Placement placement) {
  run_farm(farm, items, placement, Carrier::pool);
}

void sluice_threads_farm(const Farm& farm, std::uint64_t items, Placement placement) {
  run_farm(farm, items, placement, Carrier::thread);
}

}  // namespace sluice::bench
