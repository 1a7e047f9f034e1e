// bench/support/sample.cpp: reads getrusage, /proc/stat and /proc/pressure/cpu around a run.
// SPDX-License-Identifier: MIT
#include <support/sample.hpp>

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>

namespace sluice::bench {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

struct Machine {
  double busy_s = 0;  // all CPUs together, steal excluded
  double steal_s = 0;
};

Machine read_machine() {
  std::ifstream file("/proc/stat");
  std::string label;
  // cpu user nice system idle iowait irq softirq steal ...; guest time is part of user.
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  file >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  const double tick_s = 1.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return {(user + nice + system + irq + softirq) * tick_s, steal * tick_s};
}

// Seconds in which some runnable thread waited for a CPU since the machine started; -1: not
// offered.
double read_cpu_pressure() {
  std::ifstream file("/proc/pressure/cpu");
  std::string line;
  std::getline(file, line);  // some avg10=... avg60=... avg300=... total=<microseconds>
  const auto at = line.find("total=");
  return at == std::string::npos ? -1.0 : std::stod(line.substr(at + 6)) * 1e-6;
}

struct Clocks {
  std::chrono::steady_clock::time_point wall;
  double cpu_s = 0;
  std::uint64_t voluntary = 0;
  std::uint64_t involuntary = 0;
  Machine machine;
  double pressure_s = 0;
};

void add_usage(int who, Clocks& clocks) {
  rusage usage{};
  ::getrusage(who, &usage);
  clocks.cpu_s += seconds(usage.ru_utime) + seconds(usage.ru_stime);
  clocks.voluntary += static_cast<std::uint64_t>(usage.ru_nvcsw);
  clocks.involuntary += static_cast<std::uint64_t>(usage.ru_nivcsw);
}

Clocks read_clocks() {
  Clocks clocks;
  clocks.machine = read_machine();
  clocks.pressure_s = read_cpu_pressure();
  add_usage(RUSAGE_SELF, clocks);
  add_usage(RUSAGE_CHILDREN, clocks);
  clocks.wall = std::chrono::steady_clock::now();
  return clocks;
}

}  // namespace

Sample measure(std::uint64_t items, const std::function<Latency()>& body) {
  const Clocks before = read_clocks();
  const Latency latency = body();
  const auto end = std::chrono::steady_clock::now();
  const Clocks after = read_clocks();

  Sample sample;
  sample.items = items;
  sample.latency = latency;
  sample.wall_s = std::chrono::duration<double>(end - before.wall).count();
  sample.cpu_s = after.cpu_s - before.cpu_s;
  sample.voluntary_switches = after.voluntary - before.voluntary;
  sample.involuntary_switches = after.involuntary - before.involuntary;
  const double cpu_time = sample.wall_s * std::max(1U, std::thread::hardware_concurrency());
  sample.steal = (after.machine.steal_s - before.machine.steal_s) / cpu_time;
  sample.foreign =
      std::max(0.0, (after.machine.busy_s - before.machine.busy_s - sample.cpu_s) / cpu_time);
  sample.cpu_wait =
      before.pressure_s < 0 ? -1.0 : (after.pressure_s - before.pressure_s) / sample.wall_s;
  return sample;
}

}  // namespace sluice::bench
