// bench/pipeline_bench.cpp: the shapes of whole pipelines, user code nearly free.
//
//   fan_out   source =< sink x B                    every branch gets every item
//   merge     source x B >= sink
//   route     source -< sink x B                    each item goes to one branch
//   keyed     source -> key_by -> reduce x W -> sink
//
// Question: what does a shape cost per item of its sources, beyond the stages it consists of?
// These rows are for watching our own changes; comparisons are in versus_pipeline.
// SPDX-License-Identifier: MIT
#include <sluice/sluice.hpp>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using sluice::Carrier;
using sluice::Pipeline;
using sluice::Stream;
using Item = std::uint64_t;

constexpr std::uint64_t kItems = 200'000;
constexpr std::uint64_t kSum = kItems * (kItems - 1) / 2;
constexpr std::uint64_t kKeys = 1000;

Stream<Item> numbers(Pipeline& pipeline, const std::string& name, Carrier carrier) {
  return pipeline.source(name,
                         [next = std::uint64_t{0}]() mutable {
                           return next == kItems ? std::nullopt : std::optional<Item>(next++);
                         },
                         {.carrier = carrier});
}

// A sum per branch, apart in memory.
struct alignas(128) Sum {
  std::uint64_t value = 0;
};

auto add_to(Sum& sum) {
  return [&sum](Item item) { sum.value += item; };
}

std::uint64_t total(const std::vector<Sum>& sums) {
  std::uint64_t all = 0;
  for (const Sum& sum : sums) {
    all += sum.value;
  }
  return all;
}

void require(const char* what, std::uint64_t got, std::uint64_t expected) {
  if (got != expected) {
    throw std::runtime_error(fmt::format("{}: got {}, expected {}", what, got, expected));
  }
}

std::uint64_t run_fan_out(std::size_t branches, Carrier carrier) {
  std::vector<Sum> sums(branches);
  Pipeline pipeline("fan_out");
  const Stream<Item> stream = numbers(pipeline, "source", carrier);
  for (std::size_t i = 0; i < branches; ++i) {
    stream | sluice::sink(fmt::format("sink{}", i), add_to(sums[i]), {.carrier = carrier});
  }
  sluice::run(pipeline);
  require("fan_out", total(sums), branches * kSum);
  return kItems;
}

std::uint64_t run_merge(std::size_t branches, Carrier carrier) {
  std::vector<Sum> sums(1);
  Pipeline pipeline("merge");
  Stream<Item> stream = numbers(pipeline, "source0", carrier);
  for (std::size_t i = 1; i < branches; ++i) {
    stream = merge(std::move(stream), numbers(pipeline, fmt::format("source{}", i), carrier));
  }
  std::move(stream) | sluice::sink("sink", add_to(sums[0]), {.carrier = carrier});
  sluice::run(pipeline);
  require("merge", total(sums), branches * kSum);
  return branches * kItems;
}

std::uint64_t run_route(std::size_t /*branches: two*/, Carrier carrier) {
  std::vector<Sum> sums(2);
  Pipeline pipeline("route");
  auto [even, odd] =
      route(numbers(pipeline, "source", carrier), [](const Item& item) { return item % 2 == 0; });
  even | sluice::sink("even", add_to(sums[0]), {.carrier = carrier});
  odd | sluice::sink("odd", add_to(sums[1]), {.carrier = carrier});
  sluice::run(pipeline);
  require("route", total(sums), kSum);
  return kItems;
}

std::uint64_t run_keyed(std::size_t workers, Carrier carrier) {
  std::vector<Sum> sums(1);
  Pipeline pipeline("keyed");
  numbers(pipeline, "source", carrier) |
      sluice::key_by([](const Item& item) { return item % kKeys; }) |
      sluice::reduce("sum", std::uint64_t{0},
                     [](std::uint64_t& state, const Item& item) { state += item; },
                     {.workers = workers, .carrier = carrier}) |
      sluice::sink("sink",
                   [&sums](const std::pair<std::uint64_t, std::uint64_t>& sum) {
                     sums[0].value += sum.second;
                   },
                   {.carrier = carrier});
  sluice::run(pipeline);
  require("keyed", total(sums), kSum);
  return kItems;
}

// Runs the shape once, checks the result and returns how many items the sources made.
using Shape = std::uint64_t (*)(std::size_t, Carrier);

void declare(const std::string& name, const char* argument, Shape shape, Carrier carrier,
             std::initializer_list<std::int64_t> sizes) {
  auto* const bench = benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    std::uint64_t items = 0;
    for (auto _ : state) {
      try {
        items += shape(static_cast<std::size_t>(state.range(0)), carrier);
      } catch (const std::exception& error) {
        state.SkipWithError(error.what());
        return;
      }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(items));
  });
  bench->ArgName(argument)->UseRealTime()->MeasureProcessCPUTime();
  bench->Unit(benchmark::kMillisecond);
  for (const std::int64_t size : sizes) {
    bench->Arg(size);
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& [name, carrier] :
       {std::pair("auto", Carrier::automatic), std::pair("thread", Carrier::thread),
        std::pair("pool", Carrier::pool)}) {
    declare(fmt::format("pipeline/fan_out/carrier:{}", name), "branches", run_fan_out, carrier,
            {1, 2, 4});
    declare(fmt::format("pipeline/merge/carrier:{}", name), "branches", run_merge, carrier,
            {1, 2, 4});
    declare(fmt::format("pipeline/route/carrier:{}", name), "branches", run_route, carrier, {2});
    declare(fmt::format("pipeline/keyed/carrier:{}", name), "workers", run_keyed, carrier,
            {1, 2, 4});
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
