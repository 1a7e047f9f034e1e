// sluice/context.hpp: what user code in a stage can know and ask while it runs.
// Layer: stage. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

namespace sluice {

namespace detail {
class WorkerState;
struct ContextAccess;
}  // namespace detail

/// A stage's view of its surroundings: one per worker, valid from start() to finish().
///
/// A callable gets it as a last parameter when it takes one; a class gets it in start().
/// Threads: only from the worker's own callbacks.
class Context {
 public:
  explicit Context(detail::WorkerState& worker) noexcept : worker_(&worker) {}

  [[nodiscard]] std::string_view stage() const noexcept;  ///< the stage's name
  [[nodiscard]] std::size_t worker() const noexcept;      ///< 0 .. workers() - 1
  [[nodiscard]] std::size_t workers() const noexcept;     ///< of this stage
  [[nodiscard]] unsigned incarnation() const noexcept;    ///< 0; counts restarts of processes
  [[nodiscard]] std::uint64_t seed() const noexcept;      ///< differs by run, stage and worker
  [[nodiscard]] unsigned attempt() const noexcept;        ///< of the item in progress, from 1
  /// Ordinal of the item in progress on the input edge, from 0. A source counts its next() calls.
  [[nodiscard]] std::uint64_t item() const noexcept;

  /// The run's clock: the steady clock, or the virtual one under sluice::testing. What waits inside the
  /// framework (back-off, linger, windows, throttles) goes by it.
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept;

  /// Stop requested: sources are to end. Long waits in user code should watch it. In a stage with a soft
  /// timeout it is that of the item in progress and also requested when that is late: ask anew per item.
  /// In a worker process it is the same; one whose function has asked, here or by cancelled(), has 10 s to
  /// end by itself when the run is cancelled, any other is killed at once.
  [[nodiscard]] std::stop_token stop_token() const;
  [[nodiscard]] bool cancelled() const noexcept;  ///< contents are being dropped

  /// Records a dead letter about `subject` (a path, a key) for which there is no item.
  void dead(std::string subject, std::string reason);
  /// This stage wants no more input: the branch that feeds it ends, what it did counts. Where several
  /// workers keep an order, that is so from the item on about which it is said.
  void enough() noexcept;
  /// Stops the run: sources end, what is inside drains.
  void stop() noexcept;
  /// Cancels the run: contents are dropped and settled.
  void cancel() noexcept;
  /// One line to the run's log (standard error under sluice::main).
  void log(std::string_view text) noexcept;
  /// Tells progress displays how many bytes this worker has worked off.
  void add_bytes(std::uint64_t n) noexcept;
  /// Tells progress displays how many bytes this source will deliver in all, where it knows.
  void expect_bytes(std::uint64_t n) noexcept;

 private:
  friend struct detail::ContextAccess;

  detail::WorkerState* worker_;
};

namespace detail {

/// True in a source whose run is stopping.
[[nodiscard]] bool is_stopped_source(const Context& context) noexcept;

/// For the ready-made bodies.
struct ContextAccess {
  [[nodiscard]] static const WorkerState& worker(const Context& context) noexcept {
    return *context.worker_;
  }
  static void count_filtered(Context& context) noexcept;
};

}  // namespace detail

}  // namespace sluice
