// bench/process_stage_bench.cpp: a whole pipeline whose middle stage runs in worker processes.
//
//   source -> work x W -> sink
//
// Questions: what does a stage in a process cost per item beside the same stage on a thread; what when tiny
// items go there in chunks, put together by batch(); how often do the parties sleep; how soon does a killed process have a successor that answers?
// bench_process has the channel alone. The program has one thread whenever a run starts.
// SPDX-License-Identifier: MIT
#include <sluice/os/cpu.hpp>
#include <sluice/sluice.hpp>
#include <support/tournament.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice::bench;
using sluice::Carrier;

template <std::size_t Words>
struct Item {
  std::array<std::uint64_t, Words> words{};
};

void work_for(std::chrono::nanoseconds time) {
  if (time.count() == 0) return;
  // Processor time, so that what other programs take is not counted as work.
  timespec now{};
  const auto read = [&now] {
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
  };
  const std::int64_t until = read() + time.count();
  while (read() < until) {
  }
}

struct Load {
  Carrier carrier = Carrier::process;
  std::size_t workers = 1;
  std::size_t capacity = sluice::kAuto;  // of the edges; and as many items at once in the process
  std::size_t chunk = 1;                 // so many items cross as one
  bool read_in_chunks = false;           // the source makes them, else batch()
  std::chrono::nanoseconds work{0};
};

// Every item is checked by its sum. Nothing is on the pool: before the next fork its threads
// would have to end.
template <std::size_t Words>
auto numbered(std::uint64_t items) {
  return [next = std::uint64_t{0}, items]() mutable {
    std::optional<Item<Words>> item;
    if (next < items) item.emplace().words[0] = next++;
    return item;
  };
}

template <std::size_t Words>
Latency run_one_by_one(const Load& load, std::uint64_t items) {
  std::uint64_t sum = 0;
  sluice::Pipeline pipeline("process_stage");
  pipeline.source("source", numbered<Words>(items)) |
      sluice::map("work",
                  [work = load.work](Item<Words> item) {
                    work_for(work);
                    ++item.words[0];
                    return item;
                  },
                  {.workers = load.workers,
                   .carrier = load.carrier,
                   .capacity = load.capacity,
                   .batch = load.carrier == Carrier::process ? load.capacity : sluice::kAuto}) |
      sluice::sink("sink", [&sum](const Item<Words>& item) { sum += item.words[0]; },
                   {.carrier = Carrier::thread, .capacity = load.capacity});
  sluice::run(pipeline);
  check_result("sum of the items", sum, items * (items + 1) / 2);
  return {};
}

template <std::size_t Words>
sluice::Stream<std::vector<Item<Words>>> chunks(sluice::Pipeline& pipeline, const Load& load,
                                                std::uint64_t items) {
  if (!load.read_in_chunks) {
    return pipeline.source("source", numbered<Words>(items)) | sluice::batch("chunk", load.chunk);
  }
  return pipeline.source("source", [next = numbered<Words>(items), size = load.chunk]() mutable {
    std::optional<std::vector<Item<Words>>> chunk(std::in_place);
    chunk->reserve(size);
    for (auto item = next(); item; item = next()) {
      chunk->push_back(*item);
      if (chunk->size() == size) return chunk;
    }
    if (chunk->empty()) chunk.reset();
    return chunk;
  });
}

template <std::size_t Words>
Latency run_in_chunks(const Load& load, std::uint64_t items) {
  using Chunk = std::vector<Item<Words>>;
  std::uint64_t sum = 0;
  sluice::Pipeline pipeline("process_stage");
  chunks<Words>(pipeline, load, items) |
      sluice::map("work",
                  [work = load.work](Chunk chunk) {
                    for (Item<Words>& item : chunk) {
                      work_for(work);
                      ++item.words[0];
                    }
                    return chunk;
                  },
                  {.workers = load.workers, .carrier = load.carrier}) |
      sluice::sink("sink",
                   [&sum](const Chunk& chunk) {
                     for (const Item<Words>& item : chunk) sum += item.words[0];
                   },
                   {.carrier = Carrier::thread});
  sluice::run(pipeline);
  check_result("sum of the items", sum, items * (items + 1) / 2);
  return {};
}

template <std::size_t Words>
Latency run_once(const Load& load, std::uint64_t items) {
  return load.chunk > 1 ? run_in_chunks<Words>(load, items) : run_one_by_one<Words>(load, items);
}

template <std::size_t Words>
Group compare(const std::string& name, Load load) {
  Group group{.name = "process_stage/" + name,
              .seconds = load.work.count() == 0        ? 0.5
                         : load.work.count() < 100'000 ? 0.8
                                                       : 2.0,
              .pinned = false,
              .contestants = {}};
  const auto add = [&](const char* who, const char* about, Carrier carrier) {
    load.carrier = carrier;
    group.contestants.push_back(
        {.name = who, .about = about, .run = [load](std::uint64_t items, Placement) {
           return run_once<Words>(load, items);
         }});
  };
  add("process",
      load.chunk > 1
          ? "a lease and a commit per chunk; batching, start and end of the process included"
          : "a lease and a commit per item; start and end of the process included",
      Carrier::process);
  add("thread", "the same stage on threads", Carrier::thread);
  return group;
}

// ---- restart ---------------------------------------------------------------------------------------

constexpr std::uint64_t kEvery = 50;

struct Stamp {
  std::int64_t ns = 0;
  bool died = false;
};

// Kills its process at every so manieth item, once.
struct Mortal {
  using Out = Stamp;

  void start(sluice::Context& given) { context = &given; }
  void process(std::uint64_t item, sluice::Emitter<Stamp>& out) {
    const bool dies = item % kEvery == kEvery - 1;
    if (dies && context->attempt() == 1) std::raise(SIGKILL);
    out.emit({.ns = sluice::detail::steady_now_ns(), .died = dies});
  }

  sluice::Context* context = nullptr;
};

// From the last item before a kill to the one that was killed, when its next process has done it.
Latency restarts(sluice::StartMethod method, std::uint64_t deaths) {
  std::vector<double> ns;
  sluice::Pipeline pipeline("restarts");
  pipeline.source("source",
                  [next = std::uint64_t{0}, deaths]() mutable {
                    return next == deaths * kEvery ? std::nullopt : std::optional(next++);
                  }) |
      sluice::stage("work", Mortal{},
                    {.carrier = Carrier::process, .process = {.attempts = 1000}}) |
      sluice::sink("sink",
                   [&ns, before = std::int64_t{0}](const Stamp& stamp) mutable {
                     if (stamp.died) ns.push_back(static_cast<double>(stamp.ns - before));
                     before = stamp.ns;
                   },
                   {.carrier = Carrier::thread});
  sluice::set_start_method(method);
  sluice::run(pipeline);
  sluice::set_start_method(sluice::StartMethod::automatic);
  check_result("deaths", ns.size(), deaths);
  std::sort(ns.begin(), ns.end());
  const auto at = [&ns](std::size_t of_1000) { return ns[(ns.size() - 1) * of_1000 / 1000]; };
  return {at(500), at(990), at(999)};
}

Group restart_group() {
  using sluice::StartMethod;
  Group group{.name = "process_stage/restart",
              .seconds = 0.3,
              .pinned = false,
              .figure = Figure::p50,
              .contestants = {}};
  const auto add = [&](const char* who, const char* about, StartMethod method) {
    group.contestants.push_back(
        {.name = who,
         .about = about,
         .run = [method](std::uint64_t deaths, Placement) { return restarts(method, deaths); },
         .fixed_items = 100});
  };
  add("forkserver", "from the last answer before a kill to the answer of the next process",
      StartMethod::forkserver);
  add("fork", "the same, forked by the supervisor", StartMethod::fork);
  return group;
}

}  // namespace

int main(int argc, char** argv) {
  using std::chrono::microseconds;
  return hold_tournament(
      "process_stage", argc, argv,
      {compare<1>("size:8B/work:none", {}), compare<8>("size:64B/work:none", {}),
       compare<8>("size:64B/work:none/capacity:4096", {.capacity = 4096}),
       compare<8>("size:64B/work:none/chunk:64", {.chunk = 64}),
       compare<8>("size:64B/work:none/chunk:64/read", {.chunk = 64, .read_in_chunks = true}),
       compare<8>("size:64B/work:none/chunk:256/read", {.chunk = 256, .read_in_chunks = true}),
       compare<8>("size:64B/work:1us", {.work = microseconds(1)}),
       compare<8>("size:64B/work:10us", {.work = microseconds(10)}),
       compare<8>("size:64B/work:10us/workers:2", {.workers = 2, .work = microseconds(10)}),
       compare<8>("size:64B/work:100us", {.work = microseconds(100)}),
       compare<8>("size:64B/work:100us/workers:2", {.workers = 2, .work = microseconds(100)}),
       compare<8>("size:64B/work:1ms", {.work = microseconds(1000)}),
       compare<8>("size:64B/work:1ms/workers:2", {.workers = 2, .work = microseconds(1000)}),
       restart_group()});
}
