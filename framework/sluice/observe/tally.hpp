// sluice/observe/tally.hpp: counters that one thread writes and anybody may read.
//
// (1) One writer at a time: whoever holds the worker's claim. So an increment is a load and a
//     store, never a locked instruction.
// (2) Readers see some recent value; exact values are read after the writer has ended.
// (3) A build with SLUICE_LEDGER_MUTANTS can leave out any one kind of increment at run time, which
//     must make the ledger's identities fail. For tests of the ledger, which are still to be written.
// Layer: observe. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::detail {

/// False only in the bench that asks what accounting costs: counters, clocks, samples and task_done
/// are then left out, and nothing can be said about a run.
#if defined(SLUICE_BENCH_WITHOUT_ACCOUNTING)
inline constexpr bool kAccounting = false;
#else
inline constexpr bool kAccounting = true;
#endif

/// Everything the ledger's identities are made of, plus what only the report shows.
enum class Count : unsigned char {
  taken,      ///< items taken from the input edge
  settled,    ///< items counted done on the input edge
  completed,  ///< items whose callback returned
  filtered,   ///< of the completed ones: no output on purpose
  skipped,    ///< given up by policy skip
  dead,       ///< given up as dead letters
  failed,     ///< given up by failing the run
  cancelled,  ///< taken, but the run or the stage ended before their turn
  retried,    ///< attempts after the first one
  created,    ///< items a source gave up before they existed as items
  emitted,    ///< outputs committed on a port, counted once per connected edge
  put,        ///< outputs accepted by an edge
  refused,    ///< outputs refused by an edge that had ended
  elsewhere,  ///< outputs that a route sent to another branch
  kinds,
};

#if defined(SLUICE_LEDGER_MUTANTS)
/// The kind of increment that this build leaves out; Count::kinds leaves out none.
extern std::atomic<Count> omitted_count;
[[nodiscard]] inline bool omitted(Count count) {
  return omitted_count.load(std::memory_order_relaxed) == count;
}
#else
[[nodiscard]] constexpr bool omitted(Count) { return false; }
#endif

/// A monotonic counter with one writer.
class Tally {
 public:
  void add(std::uint64_t n) noexcept {
    if constexpr (!kAccounting) return;
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// One worker's counters.
class Tallies {
 public:
  void add(Count count, std::uint64_t n = 1) noexcept {
    if (!kAccounting || omitted(count)) return;
    tallies_[static_cast<unsigned>(count)].add(n);
  }
  [[nodiscard]] std::uint64_t operator[](Count count) const noexcept {
    return tallies_[static_cast<unsigned>(count)].get();
  }

 private:
  Tally tallies_[static_cast<unsigned>(Count::kinds)];
};

}  // namespace sluice::detail
