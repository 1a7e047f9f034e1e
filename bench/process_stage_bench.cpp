// bench/process_stage_bench.cpp: a whole pipeline whose middle stage runs in worker processes.
//
//   source -> work x W -> sink
//
// Questions: what does a stage in a process cost per item beside the same stage on a thread; how often do
// the parties sleep; how soon does a killed process have a successor that answers?
// bench_process has the channel alone. The program has one thread whenever a run starts.
// SPDX-License-Identifier: MIT
#include <sluice/os/cpu.hpp>
#include <sluice/sluice.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using sluice::Carrier;
using Clock = std::chrono::steady_clock;

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
  std::uint64_t items = 0;
  std::chrono::nanoseconds work{0};
};

struct Figures {
  double seconds = 0;
  double cpu_seconds = 0;
  double switches = 0;
};

double switches_so_far() {
  double all = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage used{};
    ::getrusage(who, &used);
    all += static_cast<double>(used.ru_nvcsw + used.ru_nivcsw);
  }
  return all;
}

// Every item is checked by its sum. Nothing is on the pool: before the next fork its threads would have to end, which
// takes half a second.
template <std::size_t Words>
Figures run_once(const Load& load) {
  std::uint64_t sum = 0;
  sluice::Pipeline pipeline("process_stage");
  pipeline.source("source",
                  [next = std::uint64_t{0}, items = load.items]() mutable {
                    std::optional<Item<Words>> item;
                    if (next < items) item.emplace().words[0] = next++;
                    return item;
                  }) |
      sluice::map("work",
                  [work = load.work](Item<Words> item) {
                    work_for(work);
                    ++item.words[0];
                    return item;
                  },
                  {.workers = load.workers, .carrier = load.carrier}) |
      sluice::sink("sink", [&sum](const Item<Words>& item) { sum += item.words[0]; },
                   {.carrier = Carrier::thread});
  const double switches = switches_so_far();
  const auto begin = Clock::now();
  const sluice::Report report = sluice::run(pipeline);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (sum != load.items * (load.items + 1) / 2) throw std::runtime_error("the sum is wrong");
  return {.seconds = seconds,
          .cpu_seconds = report.cpu_seconds,
          .switches = switches_so_far() - switches};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Runs on threads and in processes in turn; the ratio is that of each pair.
template <std::size_t Words>
void compare(const std::string& name, Load load, int pairs) {
  std::vector<double> ratios;
  std::vector<double> rates;
  std::vector<double> thread_rates;
  std::vector<double> switches;
  std::vector<double> cpu_ns;
  std::vector<double> thread_cpu_ns;
  const auto items = static_cast<double>(load.items);
  for (int i = 0; i < pairs; ++i) {
    load.carrier = Carrier::thread;
    const Figures threads = run_once<Words>(load);
    load.carrier = Carrier::process;
    const Figures processes = run_once<Words>(load);
    ratios.push_back(threads.seconds / processes.seconds);
    rates.push_back(items / processes.seconds);
    thread_rates.push_back(items / threads.seconds);
    switches.push_back(processes.switches / items);
    thread_cpu_ns.push_back(threads.cpu_seconds * 1e9 / items);
    cpu_ns.push_back(processes.cpu_seconds * 1e9 / items);
  }
  const auto least = [](const std::vector<double>& of) {
    return *std::min_element(of.begin(), of.end());
  };
  const auto most = [](const std::vector<double>& of) {
    return *std::max_element(of.begin(), of.end());
  };
  fmt::print(
      "{:<28} process {:>8.3f} M/s ({:.3f}..{:.3f})  thread {:>8.3f} M/s  process/thread {:.3f} "
      "({:.3f}..{:.3f})  cpu {:.0f} ({:.0f}) ns/item  switches {:.4f}/item\n",
      name, median(rates) / 1e6, least(rates) / 1e6, most(rates) / 1e6, median(thread_rates) / 1e6,
      median(ratios), least(ratios), most(ratios), median(cpu_ns), median(thread_cpu_ns),
      median(switches));
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
void restarts(std::uint64_t deaths) {
  std::vector<double> ms;
  sluice::Pipeline pipeline("restarts");
  pipeline.source("source",
                  [next = std::uint64_t{0}, deaths]() mutable {
                    return next == deaths * kEvery ? std::nullopt : std::optional(next++);
                  }) |
      sluice::stage("work", Mortal{},
                    {.carrier = Carrier::process, .process = {.attempts = 1000}}) |
      sluice::sink("sink", [&ms, before = std::int64_t{0}](const Stamp& stamp) mutable {
        if (stamp.died) ms.push_back(static_cast<double>(stamp.ns - before) * 1e-6);
        before = stamp.ns;
      });
  sluice::run(pipeline);
  std::sort(ms.begin(), ms.end());
  fmt::print(
      "restart after a kill: median {:.2f} ms, least {:.2f}, 90 % {:.2f}, most {:.2f} ({})\n",
      median(ms), ms.front(), ms[ms.size() * 9 / 10], ms.back(), ms.size());
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::string(argv[1]) == "--quick";
  const std::string only = argc > 1 && !quick ? argv[1] : "";
  const int pairs = quick ? 1 : argc > 2 ? std::atoi(argv[2]) : 7;
  const auto wanted = [&only](const char* name) { return only.empty() || only == name; };
  const std::uint64_t tiny = quick ? 20'000 : 1'000'000;
  const std::uint64_t heavy = quick ? 1'000 : 50'000;
  using std::chrono::microseconds;
  if (wanted("8B")) compare<1>("8 B, no work", {.items = tiny}, pairs);
  if (wanted("64B")) compare<8>("64 B, no work", {.items = tiny}, pairs);
  if (wanted("1us")) compare<8>("64 B, 1 us", {.items = tiny / 5, .work = microseconds(1)}, pairs);
  if (wanted("10us")) compare<8>("64 B, 10 us", {.items = heavy, .work = microseconds(10)}, pairs);
  if (wanted("10us2")) {
    compare<8>("64 B, 10 us, 2 workers", {.workers = 2, .items = heavy, .work = microseconds(10)},
               pairs);
  }
  if (wanted("restart")) restarts(quick ? 5 : 100);
  return 0;
}
