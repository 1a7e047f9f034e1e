// sluice/options.hpp: what a stage can be told, as plain values with designated initialisers.
//
// One flat aggregate per kind of stage; members that two kinds share stand in the same order, so a
// designated initialiser list reads alike everywhere. Unset means `kAuto`: the scheduler decides
// and `sluice describe` prints what it chose and why.
// Layer: stage. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace sluice {

/// What the workers of a stage run on.
enum class Carrier : unsigned char {
  automatic,  ///< the scheduler decides: pool, or thread for sources and `.blocking` stages
  thread,     ///< long-lived threads of the stage's own
  pool,       ///< the shared pool of long-lived threads, as many as cores; must not block for long
  process,    ///< supervised worker processes
};

/// In which order the outputs of a stage with several workers leave it.
enum class Order : unsigned char {
  automatic,  ///< one worker keeps it (but for items that wait for a retry); several do not, unless
              ///< the scheduler made them several because the stage is pure
  none,       ///< as the workers finish
  keep,       ///< that of their items, also after filters, several outputs, retries and skips
  per_key,    ///< that of their items among those of one key; needs key_by, which gives just that
};

/// "The scheduler decides" for every numeric option.
inline constexpr std::size_t kAuto = ~std::size_t{0} - 1;  // ~0 is `unbounded`

/// What happens when user code throws while it processes an item.
///
/// Build one with fail_run(), skip(), dead_letter(label) or retry(n, back_off).then(...).
struct ErrorPolicy {
  enum class Last : unsigned char { fail_run, skip, dead_letter };

  Last last = Last::fail_run;            ///< what happens after the last attempt
  unsigned retries = 0;                  ///< further attempts after the first one
  std::chrono::nanoseconds back_off{0};  ///< wait before the first retry; doubles with each
  std::string label{};                   ///< dead letters only: why, in the user's words

  /// retry(n).then(policy): `policy` applies after the last attempt.
  [[nodiscard]] ErrorPolicy then(ErrorPolicy after) const {
    after.retries = retries;
    after.back_off = back_off;
    return after;
  }
};

namespace detail {

/// How long to wait before attempt number `attempt` (from 2): doubles with each, up to 2^16-fold,
/// and never more than an hour unless the policy itself says so.
[[nodiscard]] constexpr std::chrono::nanoseconds back_off_before(const ErrorPolicy& policy,
                                                                 unsigned attempt) {
  constexpr std::chrono::nanoseconds kMost = std::chrono::hours{1};
  std::chrono::nanoseconds wait = policy.back_off;
  for (unsigned i = 2; i < attempt && i < 18 && wait < kMost; ++i) wait *= 2;
  return wait;
}

}  // namespace detail

/// The first failing item fails the run (the default).
[[nodiscard]] inline ErrorPolicy fail_run() { return {}; }
/// A failing item is counted as skipped and dropped.
[[nodiscard]] inline ErrorPolicy skip() { return {.last = ErrorPolicy::Last::skip}; }
/// A failing item becomes a dead letter, with its history, under `label`.
[[nodiscard]] inline ErrorPolicy dead_letter(std::string label = {}) {
  return {.last = ErrorPolicy::Last::dead_letter, .label = std::move(label)};
}
/// A failing item is tried up to `n` more times; without .then(...) the run fails after that.
/// Needs a callable that takes `const In&`, or a copyable In. `back_off` doubles with each retry.
[[nodiscard]] inline ErrorPolicy retry(unsigned n, std::chrono::nanoseconds back_off = {}) {
  return {.retries = n, .back_off = back_off};
}

/// What the worker processes of a stage may do. No effect on other carriers.
struct ProcessOptions {
  /// An item at work for longer: its process is killed, which is charged to the item. 0: none. Time in
  /// which outputs wait for room does not count. Without one, too, a process that is found stopped for 10 s is
  /// killed.
  std::chrono::nanoseconds timeout{0};
  /// Processes that may die at one item before it is a dead letter. Deaths that are known to be no fault of its own, or
  /// that kills from outside explain, don't count, up to 20 in all; 1: it is never tried again, whoever was at fault.
  unsigned attempts = 3;
  /// Of private writable memory per process; more is std::bad_alloc there. 0: no limit.
  std::uint64_t memory_bytes = 0;
  std::size_t recycle_after =
      0;  ///< items after which a process makes place for a new one; 0: never
};

/// Options of a source.
struct SourceOptions {
  Carrier carrier = Carrier::automatic;
  std::size_t batch = kAuto;  ///< calls of next() per step, at most
  bool blocking = false;      ///< informative: sources get a thread of their own anyway
  bool streaming = false;     ///< one next() may emit without bound: emit blocks, no retry
  ErrorPolicy on_error{};     ///< of next(); dead letters of a source have no item
};

/// Options of a stage with input and output.
struct StageOptions {
  std::size_t workers = kAuto;
  Carrier carrier = Carrier::automatic;
  Order order = Order::automatic;
  std::size_t capacity = kAuto;  ///< of the input edge, in items
  /// Of the input edge, in bytes as weight_of() counts them (weight.hpp), besides the bound in items. An item
  /// that is heavier goes in alone. A worker takes no more than its share at once. Unset: no such bound.
  std::size_t capacity_bytes = kAuto;
  std::size_t batch = kAuto;  ///< items taken from the input edge at once, at most
  bool pure = false;  ///< no side effects, no state: without `workers`, one per core, order kept
  bool blocking = false;   ///< waits for the outside world: wants a thread of its own
  bool streaming = false;  ///< one item may emit without bound: emit blocks, no retry
  /// An item at work for longer is told to the log, counted, and its Context::stop_token() requests a
  /// stop; what it makes of that is its own affair. 0: none. Waiting in a streaming emit counts.
  std::chrono::nanoseconds soft_timeout{0};
  ProcessOptions process{};
  ErrorPolicy on_error{};
};

/// Options of a sink.
struct SinkOptions {
  std::size_t workers = kAuto;
  Carrier carrier = Carrier::automatic;
  std::size_t capacity = kAuto;        ///< of the input edge, in items
  std::size_t capacity_bytes = kAuto;  ///< as StageOptions::capacity_bytes
  std::size_t batch = kAuto;           ///< items taken from the input edge at once, at most
  bool blocking = false;               ///< waits for the outside world: wants a thread of its own
  std::chrono::nanoseconds soft_timeout{0};  ///< as StageOptions::soft_timeout
  ProcessOptions process{};
  ErrorPolicy on_error{};
};

}  // namespace sluice
