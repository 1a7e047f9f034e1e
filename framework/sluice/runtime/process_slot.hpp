// sluice/runtime/process_slot.hpp: the place of one worker's process, whoever sits in it at the moment.
//
//   worker's thread (RemoteWorker)                supervisor's thread (process_crew.hpp)
//   attaches to what is offered                   offers an incarnation, launches its process
//   lends, reads answers                          finds it dead: says how, then that
//   reads what it had answered, then `lost`       launches the next one at once, or after a while
//
// Owned by the worker's thread: the channel of the incarnation it is attached to, all of its calls.
// Owned by the supervisor: who is launched, pidfd, restarts.
// Shared: offered_ under the mutex; the atomics, each written by one side. Both sides ring the other's event
// counter after they have changed something, and a ring is remembered, so none is lost:
//   sync-point slot-dead     how the process ended is written before `dead` is stored, and read after it
//   sync-point slot-watch    the worker stores how many leases are out, then looks whether the supervisor
//                            dozes; the supervisor says that it dozes, then looks at the leases. All seq_cst.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/remote_worker.hpp>
#include <sluice/flow/run_control.hpp>
#include <sluice/os/event_counter.hpp>
#include <sluice/os/event_sleep.hpp>
#include <sluice/process/channel.hpp>
#include <sluice/runtime/death_facts.hpp>
#include <sluice/sync/habit.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sluice::detail {

/// One process in a slot.
struct Incarnation {
  std::unique_ptr<LeaseChannel> channel{};
  std::vector<Descriptor> for_the_worker{};  ///< until it is launched
  std::uint64_t key = 0;                     ///< of its launch
  std::string how{};                         ///< it ended; valid once dead
  DeathFacts facts{};                        ///< likewise
  std::atomic<bool> dead{false};
  std::atomic<bool> retired{false};  ///< it was asked to end; not a death
  // Of the worker's thread, for the supervisor to look at.
  std::atomic<bool> attached{false};
  std::atomic<int> pid{0};  ///< the supervisor's, once it has started
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::int64_t> touched_ns{0};  ///< last lease published or answer read
};

/// What a supervisor looks at while it sleeps without a time limit.
struct SupervisorBell {
  EventCounter events;
  std::atomic<bool> dozes{false};
};

class ProcessSlot final : public RemoteWorker {
 public:
  struct Settings {
    std::chrono::nanoseconds spin{0};
    std::size_t recycle_after = 0;  ///< leases; 0: never
  };
  ProcessSlot(SupervisorBell& supervisor, Settings settings);

  /// Before anything else.
  void set_control(const RunControl& control) noexcept { control_ = &control; }

  // ---- RemoteWorker: the worker's thread -----------------------------------------------------------
  void wait_started() override;
  [[nodiscard]] bool may_lend() noexcept override;
  [[nodiscard]] BlockSink* blocks_to_lend() noexcept override;
  [[nodiscard]] BlockSource* blocks_read() noexcept override;
  [[nodiscard]] bool lend(const Lease& lease, std::span<const std::byte> bytes) override;
  void publish() noexcept override;
  [[nodiscard]] const Reply& next() noexcept override;
  void free_read() noexcept override;
  [[nodiscard]] Loss take_loss() override;
  void accuse(const char* what) noexcept override;
  void wait(const Deadline& deadline, std::chrono::nanoseconds pace,
            std::size_t open) noexcept override;
  void tell_open(std::size_t open) noexcept override;
  void end() noexcept override;

  // ---- the supervisor's thread ---------------------------------------------------------------------
  void offer(std::shared_ptr<Incarnation> incarnation);
  /// Has the worker's thread look again.
  void ring() const noexcept { events_.raise(); }
  [[nodiscard]] const EventCounter& events() const noexcept { return events_; }
  /// Leases out as of now; seq_cst.
  [[nodiscard]] std::size_t open() const noexcept {
    // sync-point slot-watch: the supervisor's look.
    return open_.load(std::memory_order_seq_cst);
  }
  enum class Ending : unsigned char { no, orderly, at_once };
  [[nodiscard]] Ending ending() const noexcept {
    // sync-point slot-ending: acquires that it is attached.
    return ending_.load(std::memory_order_acquire);
  }
  struct Accusation {
    std::uint64_t key = 0;  ///< of the accused's launch; 0: nobody
    std::string what{};
  };
  /// Once.
  [[nodiscard]] Accusation take_accusation();
  /// Whether the worker still waits for the first start() to return.
  [[nodiscard]] bool starting() const noexcept { return starting_.load(std::memory_order_relaxed); }
  /// Since when the worker waits for an answer, having read them all, in clock nanoseconds; 0: it does not.
  [[nodiscard]] const std::atomic<std::int64_t>& waits_since_ns() const noexcept {
    return waits_since_ns_;
  }

 private:
  [[nodiscard]] bool attach() noexcept;
  [[nodiscard]] bool is_dead() const noexcept {
    // sync-point slot-dead: acquires how it ended, and by that it has ended: no byte of its log changes.
    return current_->dead.load(std::memory_order_acquire);
  }
  [[nodiscard]] bool news() const noexcept;
  /// Into reply_; false when there is none.
  [[nodiscard]] bool read_record();
  void tell_answered() noexcept;
  [[nodiscard]] bool spin_for_news(const LeaseChannel& channel) noexcept;
  void sleep(LeaseChannel* channel, std::size_t answers, const Deadline& deadline);
  void retire() noexcept;
  void call_supervisor() const noexcept { supervisor_->events.raise(); }

  SupervisorBell* supervisor_;
  Settings settings_;
  const RunControl* control_ = nullptr;
  EventCounter events_;
  EventSleep sleep_{events_};

  // The worker's thread only.
  std::shared_ptr<Incarnation> current_{};
  Reply reply_{};  // what next() said last; filled in place
  bool accused_ = false;
  std::size_t lent_ = 0;        // of the current incarnation
  std::size_t done_ = 0;        // of these, answered
  bool started_ = false;        // its start() has returned
  std::uint64_t answered_ = 0;  // of these, as the supervisor knows it
  BasicHabit<StandardSync> spin_{};
  bool quiet_ = false;  // it was given time to gather answers, and there was none

  mutable std::mutex mutex_;  // what follows
  std::shared_ptr<Incarnation> offered_{};
  Accusation accusation_{};

  std::atomic<bool> has_offer_{false};
  std::atomic<bool> starting_{true};
  std::atomic<std::size_t> open_{0};
  std::atomic<std::int64_t> waits_since_ns_{0};
  std::atomic<Ending> ending_{Ending::no};
};

}  // namespace sluice::detail
