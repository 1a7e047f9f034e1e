// bench/support/results.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <support/results.hpp>

#include <sys/utsname.h>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <system_error>
#include <thread>

// The build passes these two; a build by hand may leave them out.
#ifndef SLUICE_BENCH_RESULTS
#define SLUICE_BENCH_RESULTS "bench/results"
#endif
#ifndef SLUICE_BENCH_FLAGS
#define SLUICE_BENCH_FLAGS "unknown (built by hand)"
#endif

namespace sluice::bench {
namespace {

using Json = nlohmann::ordered_json;

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    const auto colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

std::string kernel() {
  utsname name{};
  if (::uname(&name) != 0) return "unknown";
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string commit() {
  const std::string command =
      fmt::format("git -C '{}' describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null",
                  SLUICE_BENCH_RESULTS);
  const auto close = [](std::FILE* pipe) { ::pclose(pipe); };
  const std::unique_ptr<std::FILE, decltype(close)> pipe(::popen(command.c_str(), "r"), close);
  std::array<char, 128> line{};
  if (!pipe || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) return "none";
  std::string text = line.data();
  text.erase(text.find_last_not_of('\n') + 1);
  return text;
}

std::string now_utc() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

// 1.23G, 12.3M, 45.6k, 789
std::string short_number(double value) {
  if (value >= 1e9) return fmt::format("{:.3g}G", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.3g}M", value / 1e6);
  if (value >= 1e3) return fmt::format("{:.3g}k", value / 1e3);
  return fmt::format("{:.3g}", value);
}

std::string figures(const Side& side, Figure figure) {
  if (figure == Figure::p50) {
    return fmt::format("p50 {:.3g} us, p99 {:.3g}, p99.9 {:.3g}", side.latency.p50_ns / 1e3,
                       side.latency.p99_ns / 1e3, side.latency.p999_ns / 1e3);
  }
  return fmt::format("{}/s ({}..{})", short_number(side.rate.median), short_number(side.rate.min),
                     short_number(side.rate.max));
}

Json to_json(const Side& side) {
  return {{"rate_median", side.rate.median},
          {"rate_min", side.rate.min},
          {"rate_max", side.rate.max},
          {"cpu_ns_per_item", side.cpu_ns},
          {"switches_per_item", side.switches},
          {"p50_ns", side.latency.p50_ns},
          {"p99_ns", side.latency.p99_ns},
          {"p999_ns", side.latency.p999_ns},
          {"cores", side.cores}};
}

// A row of numbers in the order of kSampleColumns: named fields would make the files ten times as
// long.
const std::array kSampleColumns{"items",
                                "wall_s",
                                "cpu_s",
                                "voluntary_switches",
                                "involuntary_switches",
                                "steal",
                                "foreign",
                                "cpu_wait",
                                "p50_ns",
                                "p99_ns",
                                "p999_ns"};

Json to_json(const Sample& sample) {
  return Json::array({sample.items, sample.wall_s, sample.cpu_s, sample.voluntary_switches,
                      sample.involuntary_switches, sample.steal, sample.foreign, sample.cpu_wait,
                      sample.latency.p50_ns, sample.latency.p99_ns, sample.latency.p999_ns});
}

Json to_json(const Pair& pair) {
  return {{"reference", to_json(pair.reference)},
          {"contestant", to_json(pair.contestant)},
          {"disturbed_by", pair.disturbed_by},
          {"kept", pair.kept}};
}

Json to_json(const Outcome& outcome) {
  Json row = {{"group", outcome.group},
              {"placement", std::string(name_of(outcome.placement))},
              {"reference", outcome.reference},
              {"contestant", outcome.contestant},
              {"about", outcome.about},
              {"figure", outcome.figure == Figure::rate ? "rate" : "p50"},
              {"ratio",
               {{"median", outcome.ratio.median},
                {"low", outcome.ratio.low},
                {"high", outcome.ratio.high}}},
              {"kept", outcome.kept},
              {"dropped", outcome.dropped},
              {"kept_disturbed", outcome.kept_disturbed},
              {"two_cpu_factor", {outcome.two_cpus_before, outcome.two_cpus_after}},
              {"reference_side", to_json(outcome.reference_side)},
              {"contestant_side", to_json(outcome.contestant_side)}};
  for (const Pair& pair : outcome.pairs) row["pairs"].push_back(to_json(pair));
  return row;
}

Json header(const std::string& name, const Method& method) {
  const Provenance from = provenance();
  return {
      {"bench", name},
      {"date", from.date},
      {"commit", from.commit},
      {"machine", {{"cpu", from.cpu_model}, {"cpus", from.cpus}, {"kernel", from.kernel}}},
      {"compiler", from.compiler},
      {"flags", from.flags},
      {"method",
       {{"pairs", method.pairs},
        {"max_steal", method.max_steal},
        {"max_foreign", method.max_foreign},
        {"min_cores", method.min_cores},
        {"seed", method.seed},
        {"ratio",
         "how many times better the reference is; median of the pairs, 95 % bootstrap interval"},
        {"sample_columns", kSampleColumns}}}};
}

}  // namespace

Provenance provenance() {
  return {cpu_model(),        std::thread::hardware_concurrency(),
          kernel(),           compiler(),
          SLUICE_BENCH_FLAGS, commit(),
          now_utc()};
}

void print_heading(const Method& method) {
  const Provenance from = provenance();
  fmt::print("{} x {}, {}; {}, {}; commit {}; {}\n\n", from.cpus, from.cpu_model, from.kernel,
             from.compiler, from.flags, from.commit, from.date);
  if (method.quick) fmt::print("quick run: results are checked, timings mean nothing\n\n");
  fmt::print(
      "| group | placement | reference | contestant "
      "| reference better by [95 %] | CPU ns per item | switches per item | cores "
      "| pairs kept, dropped | two-CPU factor |\n"
      "|---|---|---|---|---|---|---|---|---|---|\n");
}

void print_row(const Outcome& outcome) {
  const Side& a = outcome.reference_side;
  const Side& b = outcome.contestant_side;
  const std::string disturbed =
      outcome.kept_disturbed == 0 ? "" : fmt::format(" ({} disturbed)", outcome.kept_disturbed);
  fmt::print(
      "| {} | {} | {}: {} | {}: {} | **{:.3g}** [{:.3g}, {:.3g}] | {:.3g}, {:.3g} "
      "| {:.2g}, {:.2g} | {:.2f}, {:.2f} | {}{}, {} | {:.2f}..{:.2f} |\n",
      outcome.group, name_of(outcome.placement), outcome.reference, figures(a, outcome.figure),
      outcome.contestant, figures(b, outcome.figure), outcome.ratio.median, outcome.ratio.low,
      outcome.ratio.high, a.cpu_ns, b.cpu_ns, a.switches, b.switches, a.cores, b.cores,
      outcome.kept, disturbed, outcome.dropped, outcome.two_cpus_before, outcome.two_cpus_after);
  std::fflush(stdout);
}

std::string result_path(const std::string& name) {
  return fmt::format("{}/{}.json", SLUICE_BENCH_RESULTS, name);
}

void write_results(const std::string& path, const std::string& name, const Method& method,
                   const std::vector<Outcome>& outcomes) {
  std::ofstream file(path);
  // One outcome a line: readable by eye and small in a diff.
  const std::string head = header(name, method).dump(1);
  file << head.substr(0, head.rfind('\n')) << ",\n \"results\": [\n";
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    file << to_json(outcomes[i]).dump() << (i + 1 == outcomes.size() ? "\n" : ",\n");
  }
  file << "]}\n" << std::flush;
  if (!file) throw std::system_error(errno, std::generic_category(), path);
}

}  // namespace sluice::bench
