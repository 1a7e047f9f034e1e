// bench/support/crew.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <support/crew.hpp>

#include <sched.h>

#include <barrier>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

namespace sluice::bench {
namespace {

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) {
    throw std::system_error(errno, std::generic_category(), "sched_getaffinity");
  }
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

// As they were at the first call.
const std::vector<int>& process_cpus() {
  static const std::vector<int> cpus = allowed_cpus();
  return cpus;
}

void allow(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) {
    CPU_SET(static_cast<std::size_t>(cpu), &set);
  }
  if (::sched_setaffinity(0, sizeof set, &set) != 0) {
    throw std::system_error(errno, std::generic_category(), "sched_setaffinity");
  }
}

// Eight independent chains: enough to keep the arithmetic units of one core full.
void fill_one_core(std::uint64_t turns) {
  std::uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
  for (std::uint64_t i = 0; i < turns; ++i) {
    a += b ^ i, b += c, c ^= d, d += e, e ^= f, f += g, g ^= h, h += a;
    asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g), "+r"(h));
  }
}

double time_together(std::size_t threads, std::uint64_t turns) {
  const std::vector<std::function<void()>> jobs(threads, [turns] { fill_one_core(turns); });
  const auto begin = std::chrono::steady_clock::now();
  run_together(Placement::pinned, jobs);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

std::string_view name_of(Placement placement) noexcept {
  switch (placement) {
    case Placement::free:
      return "free";
    case Placement::pinned:
      return "pinned";
    case Placement::together:
      return "together";
  }
  return "";
}

void place_this_thread(Placement placement, std::size_t index) {
  if (placement == Placement::free) return;
  const std::vector<int>& cpus = process_cpus();
  allow({cpus[placement == Placement::together ? 0 : index % cpus.size()]});
}

void unpin_this_thread() { allow(process_cpus()); }

void run_together(Placement placement, const std::vector<std::function<void()>>& jobs) {
  (void)process_cpus();  // read before anything is pinned
  std::barrier start(static_cast<std::ptrdiff_t>(jobs.size()));
  std::mutex mutex;
  std::exception_ptr failure;
  std::vector<std::jthread> threads;
  threads.reserve(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    threads.emplace_back([&, i] {
      place_this_thread(placement, i);
      start.arrive_and_wait();
      try {
        jobs[i]();
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    });
  }
  threads.clear();
  if (failure) std::rethrow_exception(failure);
}

double two_cpu_factor() {
  if (std::thread::hardware_concurrency() < 2) return 1;
  constexpr std::uint64_t kTurns = 8'000'000;
  const double alone_s = time_together(1, kTurns);
  const double both_s = time_together(2, kTurns);
  return 2 * alone_s / both_s;
}

}  // namespace sluice::bench
