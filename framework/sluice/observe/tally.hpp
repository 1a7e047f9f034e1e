// sluice/observe/tally.hpp: counters that one thread writes and anybody may read.
//
// (1) One writer at a time: whoever holds the worker's claim. So an increment is a load and a
//     store, never a locked instruction.
// (2) Readers see some recent value; exact values are read after the writer has ended.
// (3) A build with SLUICE_LEDGER_MUTANTS can leave out a kind of increment, or any single increment
//     of it, at run time. tests/ledger does so for every kind and every increment of its runs: the
//     ledger's identities must fail, or, for what only the report shows, a number must be wrong.
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
  dropped,    ///< outputs that found a full edge and were dropped
  displaced,  ///< items that a full edge dropped to make room for an output
  cleared,    ///< queued items that were dropped because their edge was cancelled
  charged,    ///< bytes of the outputs accepted by an edge, in a run with a memory budget
  freed,      ///< bytes given back for items that are settled, or went to a file
  kinds,
};

#if defined(SLUICE_LEDGER_MUTANTS)
/// The mutant "done before flush": an item is settled while its outputs wait for room.
extern std::atomic<bool> settles_before_flush;
/// The mutant "kept memory": nothing is given back to the budget.
extern std::atomic<bool> keeps_memory_charged;
/// The kind of increment that this build leaves out; Count::kinds leaves out none.
extern std::atomic<Count> omitted_count;
/// Which increment of that kind, from 0; kEveryTurn leaves out all of them.
inline constexpr std::uint64_t kEveryTurn = ~std::uint64_t{0};
extern std::atomic<std::uint64_t> omitted_turn;
/// How many increments of that kind there were, left out or not. Set to 0 between runs.
extern std::atomic<std::uint64_t> omission_turns;
// Relaxed, all three: set while nothing runs; counting in any order is as good.
[[nodiscard]] inline bool omitted(Count count, std::uint64_t n) {
  if (n == 0 || omitted_count.load(std::memory_order_relaxed) != count) return false;
  const std::uint64_t turn = omission_turns.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t wanted = omitted_turn.load(std::memory_order_relaxed);
  return wanted == kEveryTurn || wanted == turn;
}
#else
[[nodiscard]] constexpr bool omitted(Count, std::uint64_t) { return false; }
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
    if (!kAccounting || omitted(count, n)) return;
    tallies_[static_cast<unsigned>(count)].add(n);
  }
  [[nodiscard]] std::uint64_t operator[](Count count) const noexcept {
    return tallies_[static_cast<unsigned>(count)].get();
  }

 private:
  Tally tallies_[static_cast<unsigned>(Count::kinds)];
};

}  // namespace sluice::detail
