// bench/support/duel.hpp: two contestants in turns, A B A B, until enough pairs are undisturbed.
//
// Absolute figures of a virtual machine move by a factor of two between minutes; the ratio of two
// neighbouring runs does not. So the figure is the median of the ratios of the pairs, with a
// bootstrap interval, and what has to pass is the interval's lower end.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/crew.hpp>
#include <support/sample.hpp>
#include <support/statistics.hpp>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::bench {

/// A contestant moved something else than it was given.
class WrongResult : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws WrongResult unless `got` is `expected`.
void check_result(const std::string& what, std::uint64_t got, std::uint64_t expected);

/// One way to do a job.
///
/// `run` moves `items` items, checks the result and returns how long single items took, or {} where
/// nobody asked.
struct Contestant {
  std::string name;
  std::string about;  // what it promises, in a few words
  /// Two of its threads are busy all the time, whoever is faster: a run that used fewer than 1.9
  /// CPUs was disturbed. Leave false where threads wait for each other by nature.
  bool busy = false;
  std::function<Latency(std::uint64_t items, Placement placement)> run;
  std::uint64_t fixed_items = 0;  // not 0: a run can't be made longer or shorter
};

/// What two contestants are compared by.
enum class Figure { rate, p50 };

/// How to measure.
struct Method {
  int pairs = 15;             // undisturbed ones; at most as many again are run and dropped
  double seconds = 0.3;       // of one run
  double max_steal = 0.03;    // share of the CPUs' time that the host took
  double max_foreign = 0.08;  // share that other processes of the machine took
  double min_cores = 1.9;     // where two should be busy
  Figure figure = Figure::rate;
  std::uint64_t seed = 1;  // of the bootstrap
  bool quick = false;      // one short pair, nothing dropped: shows that it works, no figures
};

struct Pair {
  Sample reference;
  Sample contestant;
  std::string disturbed_by;  // empty: an undisturbed pair
  bool kept = false;
};

/// What a contestant's kept runs showed.
struct Side {
  Spread rate;      // items per second
  Latency latency;  // medians of the runs' quantiles
  double cpu_ns = 0;
  double switches = 0;
  double cores = 0;
};

struct Outcome {
  std::string group;
  std::string reference;
  std::string contestant;
  std::string about;
  Placement placement = Placement::free;
  std::vector<Pair> pairs;
  int kept = 0;
  int dropped = 0;
  int kept_disturbed = 0;  // more than half were disturbed: the least disturbed of them were kept
  /// How many times better the reference is: its rate over the contestant's, or the contestant's
  /// median latency over the reference's.
  Interval ratio;
  Figure figure = Figure::rate;
  Side reference_side;
  Side contestant_side;
  double two_cpus_before = 0;  // see two_cpu_factor()
  double two_cpus_after = 0;
};

/// Why the pair should not count; empty when it should.
[[nodiscard]] std::string disturbance(const Pair& pair, bool reference_busy, bool contestant_busy,
                                      const Method& method);

/// Decides which pairs count: all undisturbed ones and, when these are fewer than half, the least
/// disturbed others until half of all pairs count.
void keep_pairs(std::vector<Pair>& pairs);

/// How many items make a run of about `seconds`.
[[nodiscard]] std::uint64_t items_for(const Contestant& contestant, Placement placement,
                                      double seconds);

/// Runs the two in turns, with the given numbers of items a run.
///
/// Throws   WrongResult when a run's check failed.
[[nodiscard]] Outcome duel(const Contestant& reference, std::uint64_t reference_items,
                           const Contestant& contestant, std::uint64_t contestant_items,
                           Placement placement, const Method& method);

}  // namespace sluice::bench
