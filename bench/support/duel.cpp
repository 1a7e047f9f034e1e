// bench/support/duel.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <support/duel.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace sluice::bench {
namespace {

double badness(const Pair& pair) {
  return std::max(pair.reference.steal, pair.contestant.steal) +
         std::max(pair.reference.foreign, pair.contestant.foreign);
}

std::vector<double> collect(const std::vector<Pair>& pairs, Sample Pair::*side,
                            double (Sample::*figure)() const noexcept) {
  std::vector<double> values;
  for (const Pair& pair : pairs) {
    if (pair.kept) values.push_back((pair.*side.*figure)());
  }
  return values;
}

Latency latency_summary(const std::vector<Pair>& pairs, Sample Pair::*side) {
  const auto median_of = [&](double Latency::*quantile) {
    std::vector<double> values;
    for (const Pair& pair : pairs) {
      if (pair.kept) values.push_back((pair.*side).latency.*quantile);
    }
    return median(std::move(values));
  };
  return {median_of(&Latency::p50_ns), median_of(&Latency::p99_ns), median_of(&Latency::p999_ns)};
}

Side summary(const std::vector<Pair>& pairs, Sample Pair::*side) {
  Side result;
  result.rate = spread(collect(pairs, side, &Sample::rate));
  result.latency = latency_summary(pairs, side);
  result.cpu_ns = median(collect(pairs, side, &Sample::cpu_ns_per_item));
  result.switches = median(collect(pairs, side, &Sample::switches_per_item));
  result.cores = median(collect(pairs, side, &Sample::cores));
  return result;
}

double ratio_of(const Pair& pair, Figure figure) {
  if (figure == Figure::rate) return pair.reference.rate() / pair.contestant.rate();
  return pair.contestant.latency.p50_ns / pair.reference.latency.p50_ns;
}

std::vector<double> ratios(const std::vector<Pair>& pairs, Figure figure) {
  std::vector<double> values;
  for (const Pair& pair : pairs) {
    if (pair.kept) values.push_back(ratio_of(pair, figure));
  }
  return values;
}

}  // namespace

void check_result(const std::string& what, std::uint64_t got, std::uint64_t expected) {
  if (got != expected)
    throw WrongResult(fmt::format("{}: got {}, expected {}", what, got, expected));
}

std::string disturbance(const Pair& pair, bool reference_busy, bool contestant_busy,
                        const Method& method) {
  const auto of = [&method](const Sample& sample, bool busy) -> std::string {
    if (sample.steal > method.max_steal) return "steal";
    if (sample.foreign > method.max_foreign) return "foreign";
    if (busy && sample.cores() < method.min_cores) return "cores";
    return "";
  };
  const std::string reason = of(pair.reference, reference_busy);
  return reason.empty() ? of(pair.contestant, contestant_busy) : reason;
}

void keep_pairs(std::vector<Pair>& pairs) {
  std::vector<Pair*> disturbed;
  std::size_t kept = 0;
  for (Pair& pair : pairs) {
    pair.kept = pair.disturbed_by.empty();
    if (pair.kept) {
      ++kept;
    } else {
      disturbed.push_back(&pair);
    }
  }
  std::stable_sort(disturbed.begin(), disturbed.end(),
                   [](const Pair* a, const Pair* b) { return badness(*a) < badness(*b); });
  const std::size_t half = (pairs.size() + 1) / 2;
  for (std::size_t i = 0; i < disturbed.size() && kept < half; ++i, ++kept) {
    disturbed[i]->kept = true;
  }
}

std::uint64_t items_for(const Contestant& contestant, Placement placement, double seconds) {
  if (contestant.fixed_items != 0) return contestant.fixed_items;
  // A run that is disturbed looks slow and would make all others short, hence the second look.
  constexpr double kLongEnough = 0.7;
  constexpr int kLooks = 4;
  std::uint64_t items = 256;
  for (int looks = 0; looks < kLooks;) {
    const Sample sample = measure(items, [&] { return contestant.run(items, placement); });
    const double factor = seconds / sample.wall_s;
    if (factor <= 1 / kLongEnough && factor > 0.5) break;
    if (factor < 8) ++looks;
    const double next = static_cast<double>(items) * std::min(factor, 8.0);
    items = std::max<std::uint64_t>(64, static_cast<std::uint64_t>(std::llround(next)) / 64 * 64);
  }
  return items;
}

Outcome duel(const Contestant& reference, std::uint64_t reference_items,
             const Contestant& contestant, std::uint64_t contestant_items, Placement placement,
             const Method& method) {
  Outcome outcome;
  outcome.reference = reference.name;
  outcome.contestant = contestant.name;
  outcome.about = contestant.about;
  outcome.placement = placement;
  outcome.figure = method.figure;
  outcome.two_cpus_before = method.quick ? 0 : two_cpu_factor();

  const int wanted = method.quick ? 1 : method.pairs;
  int undisturbed = 0;
  for (int i = 0; i < 2 * wanted && undisturbed < wanted; ++i) {
    Pair pair;
    pair.reference =
        measure(reference_items, [&] { return reference.run(reference_items, placement); });
    pair.contestant =
        measure(contestant_items, [&] { return contestant.run(contestant_items, placement); });
    if (!method.quick) {
      pair.disturbed_by = disturbance(pair, reference.busy, contestant.busy, method);
    }
    if (pair.disturbed_by.empty()) ++undisturbed;
    outcome.pairs.push_back(pair);
  }
  keep_pairs(outcome.pairs);

  for (const Pair& pair : outcome.pairs) {
    (pair.kept ? outcome.kept : outcome.dropped) += 1;
    if (pair.kept && !pair.disturbed_by.empty()) ++outcome.kept_disturbed;
  }
  outcome.two_cpus_after = method.quick ? 0 : two_cpu_factor();
  outcome.ratio = bootstrap_median(ratios(outcome.pairs, method.figure), method.seed);
  outcome.reference_side = summary(outcome.pairs, &Pair::reference);
  outcome.contestant_side = summary(outcome.pairs, &Pair::contestant);
  return outcome;
}

}  // namespace sluice::bench
