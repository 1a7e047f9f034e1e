// bench/stage_bench.cpp: what one stage of each kind adds to a run whose user code does nothing.
//
//   source -> (map | filter | flat_map | class) x N -> sink        8-byte items
//
// Questions: what does an item cost per stage, on which carrier; and what does starting and ending a
// run cost?
// These rows are for watching our own changes; comparisons are in versus_pipeline.
// SPDX-License-Identifier: MIT
#include <sluice/sluice.hpp>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

using sluice::Carrier;
using sluice::Stream;
using Item = std::uint64_t;

constexpr std::uint64_t kItems = 200'000;

// A stage class: adds one.
class AddOne {
 public:
  using Out = Item;
  void process(Item item, sluice::Emitter<Item>& out) { out.emit(item + 1); }
};

Stream<Item> add_stage(Stream<Item> stream, const std::string& kind, const std::string& name,
                       Carrier carrier) {
  const sluice::StageOptions options{.carrier = carrier};
  if (kind == "map") {
    return std::move(stream) | sluice::map(
                                   name, [](Item item) { return item + 1; }, options);
  }
  if (kind == "filter") {
    return std::move(stream) | sluice::filter(
                                   name, [](const Item&) { return true; }, options);
  }
  if (kind == "flat_map") {
    return std::move(stream) |
           sluice::flat_map<Item>(
               name, [](Item item, sluice::Emitter<Item>& out) { out.emit(item + 1); }, options);
  }
  return std::move(stream) | sluice::stage(name, AddOne(), options);
}

// The sum that arrives: each stage but a filter adds one to every item.
std::uint64_t expected_sum(std::uint64_t items, const std::string& kind, std::int64_t stages) {
  const std::uint64_t added = kind == "filter" ? 0 : static_cast<std::uint64_t>(stages);
  return items == 0 ? 0 : items * (items - 1) / 2 + items * added;
}

void run_stages(const std::string& kind, std::int64_t stages, Carrier carrier,
                std::uint64_t items) {
  std::uint64_t sum = 0;
  sluice::Pipeline pipeline("stages");
  Stream<Item> stream =
      pipeline.source("source",
                      [next = std::uint64_t{0}, items]() mutable {
                        return next == items ? std::nullopt : std::optional<Item>(next++);
                      },
                      {.carrier = carrier});
  for (std::int64_t i = 0; i < stages; ++i) {
    stream = add_stage(std::move(stream), kind, fmt::format("{}{}", kind, i), carrier);
  }
  std::move(stream) |
      sluice::sink("sink", [&sum](Item item) { sum += item; }, {.carrier = carrier});
  sluice::run(pipeline);
  if (sum != expected_sum(items, kind, stages)) {
    throw std::runtime_error(fmt::format("{} x {}: the sum is wrong: {}", stages, kind, sum));
  }
}

void stages(benchmark::State& state, const std::string& kind, Carrier carrier,
            std::uint64_t items) {
  for (auto _ : state) {
    try {
      run_stages(kind, state.range(0), carrier, items);
    } catch (const std::exception& error) {
      state.SkipWithError(error.what());
      return;
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(items) * state.iterations());
}

void declare(const std::string& name, const std::string& kind, Carrier carrier,
             std::uint64_t items) {
  auto* const bench = benchmark::RegisterBenchmark(
      name.c_str(),
      [kind, carrier, items](benchmark::State& state) { stages(state, kind, carrier, items); });
  bench->ArgName("stages")->UseRealTime()->MeasureProcessCPUTime();
  bench->Unit(benchmark::kMillisecond);
  for (const std::int64_t count : {0, 1, 2, 4, 8}) {
    bench->Arg(count);
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& [carrier_name, carrier] :
       {std::pair("auto", Carrier::automatic), std::pair("thread", Carrier::thread),
        std::pair("pool", Carrier::pool)}) {
    for (const char* const kind : {"map", "filter", "flat_map", "class"}) {
      declare(fmt::format("stage/{}/carrier:{}", kind, carrier_name), kind, carrier, kItems);
    }
    declare(fmt::format("stage/start_and_end/carrier:{}", carrier_name), "map", carrier, 0);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
