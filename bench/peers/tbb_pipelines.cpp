// bench/peers/tbb_pipelines.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <peers/tbb_pipelines.hpp>

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_scheduler_observer.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

namespace sluice::bench {
namespace {

namespace tbb = oneapi::tbb;

constexpr std::size_t kTokens = 64;

// Pins the threads of an arena to the CPUs in turn while they work in it.
class ArenaPinning : public tbb::task_scheduler_observer {
 public:
  explicit ArenaPinning(tbb::task_arena& arena) : task_scheduler_observer(arena) { observe(true); }
  ~ArenaPinning() override { observe(false); }
  ArenaPinning(const ArenaPinning&) = delete;
  ArenaPinning& operator=(const ArenaPinning&) = delete;

  void on_scheduler_entry(bool /*is_worker*/) override {
    place_this_thread(Placement::pinned,
                      static_cast<std::size_t>(tbb::this_task_arena::current_thread_index()));
  }
  void on_scheduler_exit(bool /*is_worker*/) override { unpin_this_thread(); }
};

// One arena for all runs, as a program would have; oneTBB keeps its threads between runs.
template <typename Body>
void in_arena(Placement placement, const Body& body) {
  const int threads = static_cast<int>(std::max(2U, std::thread::hardware_concurrency()));
  if (placement == Placement::free) {
    static tbb::task_arena arena(threads);
    arena.execute(body);
    return;
  }
  static tbb::task_arena arena(threads);
  static ArenaPinning pinning(arena);
  arena.execute(body);
}

using Middle = tbb::flow::function_node<std::uint64_t, std::uint64_t>;
using Last = tbb::flow::function_node<std::uint64_t, tbb::flow::continue_msg>;

template <typename Sink>
void pipeline_farm(const Farm& farm, std::uint64_t items, Placement placement,
                   tbb::filter_mode sink_mode, Sink& sink) {
  std::uint64_t next = 0;
  const auto source = tbb::make_filter<void, std::uint64_t>(
      tbb::filter_mode::serial_in_order, [&](tbb::flow_control& control) -> std::uint64_t {
        if (next == items) {
          control.stop();
          return 0;
        }
        return next++;
      });
  const auto workers = tbb::make_filter<std::uint64_t, std::uint64_t>(
      tbb::filter_mode::parallel, [&](std::uint64_t value) { return farm.work(value); });
  const auto last = tbb::make_filter<std::uint64_t, void>(
      sink_mode, [&](std::uint64_t value) { sink.take(value); });
  in_arena(placement, [&] { tbb::parallel_pipeline(kTokens, source & workers & last); });
  sink.require("oneTBB parallel_pipeline", items);
}

template <typename Sink>
void graph_farm(const Farm& farm, std::uint64_t items, Placement placement, Sink& sink) {
  in_arena(placement, [&] {
    tbb::flow::graph graph;
    std::uint64_t next = 0;
    tbb::flow::input_node<Numbered> source(graph, [&](tbb::flow_control& control) -> Numbered {
      if (next == items) {
        control.stop();
        return {};
      }
      const std::uint64_t number = next++;
      return {number, number};
    });
    tbb::flow::limiter_node<Numbered> limiter(graph, kTokens);
    tbb::flow::function_node<Numbered, Numbered> workers(
        graph, farm.workers, [&](const Numbered& item) {
          return Numbered{item.number, farm.work(item.value)};
        });
    tbb::flow::sequencer_node<Numbered> order(graph,
                                              [](const Numbered& item) { return item.number; });
    tbb::flow::function_node<Numbered, tbb::flow::continue_msg> last(
        graph, tbb::flow::serial, [&](const Numbered& item) {
          sink.take(item.value);
          return tbb::flow::continue_msg();
        });
    tbb::flow::make_edge(source, limiter);
    tbb::flow::make_edge(limiter, workers);
    if (farm.ordered) {
      tbb::flow::make_edge(workers, order);
      tbb::flow::make_edge(order, last);
    } else {
      tbb::flow::make_edge(workers, last);
    }
    tbb::flow::make_edge(last, limiter.decrementer());
    source.activate();
    graph.wait_for_all();
  });
  sink.require("oneTBB flow graph", items);
}

}  // namespace

void tbb_pipeline_chain(const Chain& chain, std::uint64_t items, Placement placement) {
  InOrder sink(chain.work, chain.stages);
  constexpr auto kMode = tbb::filter_mode::serial_in_order;
  std::uint64_t next = 0;
  tbb::filter<void, std::uint64_t> filters = tbb::make_filter<void, std::uint64_t>(
      kMode, [&](tbb::flow_control& control) -> std::uint64_t {
        if (next == items) {
          control.stop();
          return 0;
        }
        return chain.work(next++);
      });
  for (std::size_t stage = 1; stage + 1 < chain.stages; ++stage) {
    filters = filters & tbb::make_filter<std::uint64_t, std::uint64_t>(
                            kMode, [&](std::uint64_t value) { return chain.work(value); });
  }
  const tbb::filter<void, void> all =
      filters & tbb::make_filter<std::uint64_t, void>(
                    kMode, [&](std::uint64_t value) { sink.take(chain.work(value)); });
  in_arena(placement, [&] { tbb::parallel_pipeline(kTokens, all); });
  sink.require("oneTBB parallel_pipeline", items);
}

void tbb_pipeline_farm(const Farm& farm, std::uint64_t items, Placement placement) {
  if (farm.ordered) {
    InOrder sink(farm.work, 1);
    pipeline_farm(farm, items, placement, tbb::filter_mode::serial_in_order, sink);
  } else {
    AnyOrder sink(farm.work, 1);
    pipeline_farm(farm, items, placement, tbb::filter_mode::serial_out_of_order, sink);
  }
}

void tbb_graph_chain(const Chain& chain, std::uint64_t items, Placement placement) {
  AnyOrder sink(chain.work,
                chain.stages);  // a chain of serial nodes mixes neighbours up now and then
  in_arena(placement, [&] {
    tbb::flow::graph graph;
    std::uint64_t next = 0;
    tbb::flow::input_node<std::uint64_t> source(graph,
                                                [&](tbb::flow_control& control) -> std::uint64_t {
                                                  if (next == items) {
                                                    control.stop();
                                                    return 0;
                                                  }
                                                  return chain.work(next++);
                                                });
    tbb::flow::limiter_node<std::uint64_t> limiter(graph, kTokens);
    tbb::flow::make_edge(source, limiter);
    std::vector<std::unique_ptr<Middle>> middle;
    tbb::flow::sender<std::uint64_t>* previous = &limiter;
    for (std::size_t stage = 1; stage + 1 < chain.stages; ++stage) {
      middle.push_back(std::make_unique<Middle>(
          graph, tbb::flow::serial, [&](std::uint64_t value) { return chain.work(value); }));
      tbb::flow::make_edge(*previous, *middle.back());
      previous = middle.back().get();
    }
    Last last(graph, tbb::flow::serial, [&](std::uint64_t value) {
      sink.take(chain.work(value));
      return tbb::flow::continue_msg();
    });
    tbb::flow::make_edge(*previous, last);
    tbb::flow::make_edge(last, limiter.decrementer());
    source.activate();
    graph.wait_for_all();
  });
  sink.require("oneTBB flow graph", items);
}

void tbb_graph_farm(const Farm& farm, std::uint64_t items, Placement placement) {
  if (farm.ordered) {
    InOrder sink(farm.work, 1);
    graph_farm(farm, items, placement, sink);
  } else {
    AnyOrder sink(farm.work, 1);
    graph_farm(farm, items, placement, sink);
  }
}

}  // namespace sluice::bench
