// sluice/sync/sync_policy.hpp: what the templates of sync/ need from the machine.
//
// Everything below the queue is a template over a policy, so that tests/model can run the very same
// code with atomics, a futex and a clock of its own and try all interleavings. A policy provides
//   Atomic<T>                    load, store, exchange, fetch_add, compare_exchange_*, as std::atomic
//   Plain<T>                     a variable guarded by a claim; must convert to and assign from T
//   pause(), yield(), nap()      ways to wait for another thread, in order of increasing patience
//   now_ns()                     a clock that never goes back
//   cpus()                       processors this process may use
//   sleep(word, epoch, deadline) blocks while word's upper half is `epoch`; false when the deadline
//                                passed; may return true for no reason
//   wake(word, count)            wakes up to `count` sleepers of word
//   kPatience                    how long a producer may wait for more room than it needs
//   note_wake(ns), wake_ns()     remembers how long a wake took to take effect, and about how long
//                                it takes on this machine
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>
#include <sluice/base/cpu_pause.hpp>
#include <sluice/deadline.hpp>
#include <sluice/os/cpu.hpp>
#include <sluice/os/futex.hpp>
#include <sluice/sync/wake_time.hpp>

#include <atomic>
#include <cstdint>

namespace sluice::detail {

/// The real machine.
struct StandardSync {
  template <class T>
  using Atomic = std::atomic<T>;
  template <class T>
  using Plain = T;

  static void pause() noexcept { cpu_pause(); }
  static void yield() noexcept { yield_cpu(); }
  static void nap() noexcept { detail::nap(std::chrono::microseconds{50}); }
  [[nodiscard]] static std::int64_t now_ns() noexcept { return steady_now_ns(); }
  [[nodiscard]] static unsigned cpus() noexcept { return usable_cpus(); }

  static bool sleep(const Atomic<std::uint64_t>& word, std::uint32_t epoch,
                    const Deadline& deadline) noexcept {
    return futex_wait_upper(word, epoch, deadline);
  }
  static void wake(const Atomic<std::uint64_t>& word, int count) noexcept {
    futex_wake_upper(word, count);
  }

  static constexpr std::chrono::milliseconds kPatience{5};

  static void note_wake(std::int64_t ns) noexcept { wake_time().note(ns); }
  [[nodiscard]] static std::int64_t wake_ns() noexcept { return wake_time().estimate_ns(); }

 private:
  static WakeTime& wake_time() noexcept { return process_wake_time; }
};

}  // namespace sluice::detail
