// bench/versus_pipeline.cpp: whole pipelines, ours and what a user would otherwise pick.
//
//   chain   source -> map -> map -> sink            each stage costs 0, 100 ns, 1 us, 10 us
//   farm    source -> worker x 2 -> sink            a worker costs 1 us, 10 us; order kept or not
//
// Question: how close to two serial loops at the same time (the most that two CPUs can do) does a
// pipeline come, depending on how much work an item is?
// To add a contestant, write one function per shape (see peers/) and one line in the lists below.
// SPDX-License-Identifier: MIT
#include <peers/library_queues.hpp>
#include <peers/mutex_queues.hpp>
#include <peers/serial_pipelines.hpp>
#include <peers/sluice_pipelines.hpp>
#include <peers/tbb_pipelines.hpp>
#include <peers/thread_pipelines.hpp>
#include <support/tournament.hpp>

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <vector>

namespace {

using namespace sluice::bench;

template <typename Shape>
using Runner = void (*)(const Shape&, std::uint64_t, Placement);

template <typename Shape>
Contestant contestant(const Shape& shape, std::string name, std::string about, bool busy,
                      Runner<Shape> run) {
  return {std::move(name), std::move(about), busy,
          [shape, run](std::uint64_t items, Placement placement) {
            run(shape, items, placement);
            return Latency{};
          },
          0};
}

std::vector<Contestant> chain_contestants(const Chain& chain) {
  return {
      contestant(chain, "sluice", "1024 per edge, carriers chosen by the scheduler", false,
                 sluice_chain),
      contestant(chain, "sluice, pool", "1024 per edge, all on the pool", false, sluice_pool_chain),
      contestant(chain, "sluice, threads", "1024 per edge, thread per stage", false,
                 sluice_threads_chain),
      contestant(chain, "2 x serial", "two serial loops, items claimed in chunks", true,
                 limit_chain),
      contestant(chain, "serial loop", "one thread", false, serial_chain),
      contestant(chain, "oneTBB pipeline", "64 tokens", false, tbb_pipeline_chain),
      contestant(chain, "oneTBB flow graph", "limiter of 64, no order", false, tbb_graph_chain),
      contestant(chain, "threads, oneTBB queue", "thread per stage, 1024 per edge", false,
                 threads_chain<TbbQueue>),
      contestant(chain, "threads, mutex+cv", "thread per stage, 1024 per edge", false,
                 threads_chain<MutexQueue>),
      contestant(chain, "threads, mutex+cv batch 64",
                 "thread per stage, 1024 per edge, private batches of 64", false,
                 threads_chain<BatchedMutexQueue>),
  };
}

std::vector<Contestant> farm_contestants(const Farm& farm) {
  const std::string queues =
      farm.ordered ? "1024 per edge, reordered by the sink" : "1024 per edge";
  const std::string ours =
      farm.ordered ? "1024 per edge, window and edge together" : "1024 per edge";
  return {
      contestant(farm, "sluice", ours + ", carriers chosen by the scheduler", false, sluice_farm),
      contestant(farm, "sluice, pool", ours + ", all on the pool", false, sluice_pool_farm),
      contestant(farm, "sluice, threads", ours + ", a thread each", false, sluice_threads_farm),
      contestant(farm, "2 x serial", "two serial loops, items claimed in chunks", true, limit_farm),
      contestant(farm, "serial loop", "one thread", false, serial_farm),
      contestant(farm, "oneTBB pipeline", "64 tokens", false, tbb_pipeline_farm),
      contestant(farm, "oneTBB flow graph",
                 farm.ordered ? "limiter of 64, sequencer" : "limiter of 64", false,
                 tbb_graph_farm),
      contestant(farm, "threads, oneTBB queue", queues, false, threads_farm<TbbQueue>),
      contestant(farm, "threads, mutex+cv", queues, false, threads_farm<MutexQueue>),
      contestant(farm, "threads, mutex+cv batch 64", queues + ", private batches of 64", false,
                 threads_farm<BatchedMutexQueue>),
  };
}

// 1024 queued items of 10 us are 10 ms per edge at either end of a run: the more an item costs, the
// longer a run has to be.
double seconds_for(std::chrono::nanoseconds price) {
  using namespace std::chrono_literals;
  if (price >= 10us) return 1.2;
  return price >= 1us ? 0.6 : 0.3;
}

std::vector<Group> groups() {
  using namespace std::chrono_literals;
  std::vector<Group> all;
  for (const std::chrono::nanoseconds price : {0ns, 100ns, 1000ns, 10000ns}) {
    all.push_back({.name = fmt::format("chain/stages:4/work_ns:{}", price.count()),
                   .seconds = seconds_for(price),
                   .contestants = chain_contestants({4, Work::costing(price)})});
  }
  for (const bool ordered : {false, true}) {
    for (const std::chrono::nanoseconds price : {1000ns, 10000ns}) {
      all.push_back({.name = fmt::format("farm/workers:2/order:{}/work_ns:{}",
                                         ordered ? "keep" : "none", price.count()),
                     .seconds = seconds_for(price),
                     .contestants = farm_contestants({2, Work::costing(price), ordered})});
    }
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) { return hold_tournament("versus_pipeline", argc, argv, groups()); }
