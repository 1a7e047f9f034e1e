// model/model_sync.hpp: the sync policy of the simulated machine; the queue's own code runs on it.
//
// To be included before the templates of sync/: their assertions then end an execution, in every
// build, instead of the program.
// Not simulated: std::stop_token (its state changes at once, for everybody; callbacks run as written),
// the clock behind Deadline (only whether one exists counts: it may pass at any time).
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/assert.hpp>

#include <model/cell.hpp>
#include <model/execution.hpp>
#include <model/shadow.hpp>

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage)
#undef SLUICE_ASSERT
#define SLUICE_ASSERT(condition, text) ::sluice::model::expect((condition), "assertion: " text)

#include <sluice/deadline.hpp>

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace sluice::model {

/// As std::atomic; every operation names its place.
template <class T>
class Atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(Cell::Value));

 public:
  explicit Atomic(T value = T()) : cell_(to_word(value)) {}

  T load(std::memory_order order, const char* file = __builtin_FILE(), int line = __builtin_LINE(),
         const char* function = __builtin_FUNCTION()) const noexcept {
    return from_word(cell_.load(order, {file, function, line}));
  }
  void store(T value, std::memory_order order, const char* file = __builtin_FILE(),
             int line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) noexcept {
    cell_.store(to_word(value), order, {file, function, line});
  }
  T exchange(T value, std::memory_order order, const char* file = __builtin_FILE(),
             int line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) noexcept {
    return from_word(cell_.modify(Rmw::exchange, to_word(value), order, {file, function, line}));
  }
  T fetch_add(T value, std::memory_order order, const char* file = __builtin_FILE(),
              int line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) noexcept {
    return from_word(cell_.modify(Rmw::add, to_word(value), order, {file, function, line}));
  }
  T fetch_sub(T value, std::memory_order order, const char* file = __builtin_FILE(),
              int line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) noexcept {
    return from_word(cell_.modify(Rmw::subtract, to_word(value), order, {file, function, line}));
  }
  T fetch_or(T value, std::memory_order order, const char* file = __builtin_FILE(),
             int line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) noexcept {
    return from_word(cell_.modify(Rmw::set_bits, to_word(value), order, {file, function, line}));
  }
  T fetch_and(T value, std::memory_order order, const char* file = __builtin_FILE(),
              int line = __builtin_LINE(), const char* function = __builtin_FUNCTION()) noexcept {
    return from_word(cell_.modify(Rmw::keep_bits, to_word(value), order, {file, function, line}));
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                             std::memory_order failure, const char* file = __builtin_FILE(),
                             int line = __builtin_LINE(),
                             const char* function = __builtin_FUNCTION()) noexcept {
    return exchange_if(expected, desired, success, failure, true, {file, function, line});
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                               std::memory_order failure, const char* file = __builtin_FILE(),
                               int line = __builtin_LINE(),
                               const char* function = __builtin_FUNCTION()) noexcept {
    return exchange_if(expected, desired, success, failure, false, {file, function, line});
  }

  [[nodiscard]] T latest() const noexcept { return from_word(cell_.latest()); }

 private:
  [[nodiscard]] static Cell::Value to_word(T value) noexcept {
    Cell::Value word = 0;
    std::memcpy(&word, &value, sizeof(T));
    return word;
  }
  [[nodiscard]] static T from_word(Cell::Value word) noexcept {
    T value;
    std::memcpy(&value, &word, sizeof(T));
    return value;
  }
  bool exchange_if(T& expected, T desired, std::memory_order success, std::memory_order failure,
                   bool may_fail, const Site& site) noexcept {
    Cell::Value word = to_word(expected);
    const bool done =
        cell_.compare_exchange(word, to_word(desired), success, failure, may_fail, site);
    expected = from_word(word);
    return done;
  }

  Cell cell_;
};

/// A variable that only the owner of a claim may use: races are found.
template <class T>
class Plain {
 public:
  explicit Plain(T value = T()) : value_(value) {}
  Plain(const Plain&) = delete;
  Plain& operator=(const T& value) {
    history_.write(*Execution::current(), "a plain variable");
    value_ = value;
    return *this;
  }
  // NOLINTNEXTLINE(google-explicit-constructor): stands for a T
  operator T() const {
    history_.read(*Execution::current(), "a plain variable");
    return value_;
  }

 private:
  T value_;
  mutable PlainHistory history_;
};

struct ModelSync {
  template <class T>
  using Atomic = model::Atomic<T>;
  template <class T>
  using Plain = model::Plain<T>;

  static void pause() noexcept { Execution::current()->yield(); }
  static void yield() noexcept { Execution::current()->yield(); }
  static void nap() noexcept { Execution::current()->yield(); }
  [[nodiscard]] static std::int64_t now_ns() noexcept { return Execution::current()->now_ns(); }
  [[nodiscard]] static unsigned cpus() noexcept { return 2; }
  /// Ends when the machine likes, as every deadline.
  static constexpr std::chrono::hours kPatience{1};

  /// The kernel compares and goes to sleep in one step; nothing is ordered by it.
  static bool sleep(const Atomic<std::uint64_t>& word, std::uint32_t epoch,
                    const Deadline& deadline) noexcept {
    Execution& execution = *Execution::current();
    execution.before_step();
    if (word.latest() >> 32 != epoch) return true;
    if (execution.choose(2) != 0) return true;  // a signal came
    return execution.sleep(&word, !deadline.is_never());
  }
  static void wake(const Atomic<std::uint64_t>& word, int count) noexcept {
    Execution& execution = *Execution::current();
    execution.before_step();
    execution.wake(&word, count);
  }

  // Only decides how long to spin, which is not simulated.
  static void note_wake(std::int64_t) noexcept {}
  [[nodiscard]] static std::int64_t wake_ns() noexcept { return 1000; }
};

}  // namespace sluice::model
