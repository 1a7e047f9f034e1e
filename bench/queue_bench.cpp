// bench/queue_bench.cpp: our queue by itself, over the shapes it is used in.
//
//   producer x P -> queue -> consumer x C        8-byte items
//
// Questions: what does the account cost; from which capacity on does a queue stop being the brake;
// and what is a batch worth?
// These rows are for watching our own changes; comparisons are in versus_queue.
// SPDX-License-Identifier: MIT
#include <peers/sluice_queue.hpp>
#include <support/queue_job.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <exception>

namespace {

using namespace sluice::bench;

constexpr std::uint64_t kItems =
    1'000'000;  // in one iteration, threads started and joined included

template <typename Q>
void move_items(benchmark::State& state) {
  const QueueShape shape{
      static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)),
      static_cast<std::size_t>(state.range(2)), static_cast<std::size_t>(state.range(3))};
  // Two slots hold two items: a hand-over each. Fewer of them make a row of a bearable length.
  const std::uint64_t items = shape.capacity < 64 ? kItems / 20 : kItems;
  for (auto _ : state) {
    try {
      move_through_queue<Q>("queue_bench", shape, items, Placement::free);
    } catch (const std::exception& error) {
      state.SkipWithError(error.what());
      return;
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(items) * state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(items * sizeof(std::uint64_t)) *
                          state.iterations());
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"producers", "consumers", "capacity", "batch"});
  for (const std::int64_t side : {1, 2, 4}) {
    for (const std::int64_t batch : {1, 8, 64}) {
      bench->Args({side, side, 1024, batch});
    }
  }
  bench->Args({4, 1, 1024, 1})->Args({1, 4, 1024, 1});
  bench->UseRealTime()->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
}

void capacities(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"producers", "consumers", "capacity", "batch"});
  for (const std::int64_t capacity : {1, 2, 16, 64, 256, 1024, 4096, 65536}) {
    bench->Args({1, 1, capacity, 1});
  }
  bench->UseRealTime()->MeasureProcessCPUTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(move_items<SluiceQueue<std::uint64_t>>)
    ->Name("queue/move/account:settled")
    ->Apply(shapes);
BENCHMARK(move_items<UnaccountedSluiceQueue<std::uint64_t>>)
    ->Name("queue/move/account:left")
    ->Apply(shapes);
BENCHMARK(move_items<SluiceQueue<std::uint64_t>>)
    ->Name("queue/capacity/account:settled")
    ->Apply(capacities);

}  // namespace

BENCHMARK_MAIN();
