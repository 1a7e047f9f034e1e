// sluice/process/log_ends.hpp: the two ends of a pair of logs, as templates, so that the same code
// runs between processes, between threads, and on the simulated machine of tests/model.
//
// The words and who owns them: process/log_words.hpp. Commit, free and read: process/log.hpp. Sleeping
// and waking: process/log_sleep.hpp.
// (1) The worker gives a lease's bytes back (down.freed) before it commits. So a router that was woken
//     by the commit finds the room, too. A worker killed in between has freed a lease that it never
//     committed: `freed` is about bytes and says nothing about work.
// (2) A stop is stored after all leases were published; the worker reads it before its last look
//     at them: sync-point log-stop.
// (3) The parent shows a record only after its whole transaction was parsed into private memory, so
//     that a hostile worker can't show half of one either. Before the last one it looks at that one's head and at
//     the first one's again: who ran wild over his log while they were read has seldom left both as they were.
// A bell for the worker has ring() and wait(), which says false once the parent is gone. The router's
// has ring(); it waits elsewhere. Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/process/log.hpp>
#include <sluice/process/log_sleep.hpp>
#include <sluice/process/log_words.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sluice::detail {

template <class Sync, class Area, class Bell>
class LogParentEnd {
 public:
  LogParentEnd(ParentWords<Sync>& ours, const WorkerWords<Sync>& theirs, Area down, Area up,
               Bell& worker_bell)
      : down_(ours.commit, theirs.freed, down),
        up_(theirs.commit, ours.freed, up),
        mark_(ours.sleeping),
        enough_(ours.enough),
        watch_(theirs.sleeping),
        stop_(ours.stop),
        bell_(worker_bell) {
    parsed_.reserve(kUsualRecords);
  }

  /// Returns  false when there is no room.
  [[nodiscard]] bool lend(RecordHead head, std::span<const std::byte> first,
                          std::span<const std::byte> second) {
    const std::uint64_t size = record_size(first.size() + second.size());
    // sync-point log-freed: acquire.
    if (!down_.has_room(size, std::memory_order_acquire)) return false;
    if (up_.has_waited()) {  // so does the worker, perhaps
      watch_.soon_asked();
      down_.expect_record();
    }
    down_.append(head, first, second);
    return true;
  }
  [[nodiscard]] LogWriter<Sync, Area>& down() noexcept { return down_; }

  void publish() noexcept {
    if (!down_.has_staged()) return;
    down_.publish();
    kill_point_beside(KillPoint::lent);
    ring_if(kForLease);
  }
  void request_stop() noexcept {
    publish();
    // sync-point log-stop, log-announce-or-look: after the last lease, before the look.
    stop_.store(1, std::memory_order_seq_cst);
    ring_if(kForLease);
  }

  /// The next record of a committed transaction, until the next call; nullptr: none. `open` is asked for the
  /// bytes of each record with flags while its transaction is parsed.
  template <class Open>
  [[nodiscard]] const LogRecord* next(Open open) {
    if (cursor_ == parsed_.size() && !parse(open)) return nullptr;
    const LogRecord& record = parsed_[cursor_++];
    if (cursor_ > 1 && cursor_ == parsed_.size()) expect_unchanged(record);
    read_to_ = record.end;
    return &record;
  }
  /// Whether next() is between two transactions.
  [[nodiscard]] bool between() const noexcept { return cursor_ == parsed_.size(); }
  void free_read() noexcept {
    if (read_to_ == up_.freed()) return;
    // seq_cst because the worker may be about to sleep for room.
    up_.free_to(read_to_, std::memory_order_seq_cst);
#ifndef SLUICE_MUTANT_LOG_FREED_NO_RING
    ring_if(kForRoom);
#endif
  }
  [[nodiscard]] bool has_records(bool closely) const noexcept {
    if (cursor_ != parsed_.size()) return true;
    if (closely && sleeps_until_ != 0) {
      return up_.has_length(sleeps_until_) ||
             (watch_.sleeps_unrung() && up_.may_have_record(std::memory_order_acquire));
    }
    // sync-point log-announce-or-look: the router's look when it is about to sleep.
    return up_.may_have_record(closely ? std::memory_order_seq_cst : std::memory_order_acquire);
  }

  /// Sleeps until there are about so many answers more, or the worker sleeps, too.
  void announce_sleep(std::size_t answers) noexcept {
    sleeps_until_ = answers > 1 ? length_with(answers) : 0;
    // Seen with the announcement; who sees a later value finds the router awake, or about to look.
    enough_.store(sleeps_until_, std::memory_order_relaxed);
    mark_.announce(kForRecords);
  }
  void end_sleep() noexcept { mark_.awake(); }

 private:
  static constexpr std::size_t kUsualRecords = 64;

  // Never more than half of the log: then there is room for what comes until the router is awake.
  [[nodiscard]] std::uint64_t length_with(std::size_t answers) const noexcept {
    const std::uint64_t half = up_.capacity() / 2;
    const std::uint64_t each = mean_bytes_ > 0 ? mean_bytes_ : 1;
    return up_.position() + (answers < half / each ? answers * each : half);
  }
  // An estimate: a wrong one wakes the router too early, or when the worker has nothing left to do.
  void learn_size(std::uint64_t bytes) noexcept {
    mean_bytes_ = mean_bytes_ == 0 ? bytes : (7 * mean_bytes_ + bytes) / 8;
  }

  void ring_if(std::uint64_t reason) noexcept {
    if (!watch_.must_ring(reason)) return;
    watch_.rang();
    bell_.ring();
  }

  // The heads of one transaction, into private memory. A worker that was wrong once is never believed
  // again.
  template <class Open>
  [[nodiscard]] bool parse(Open& open) {
    if (wrong_.has_value()) throw ProtocolViolation(*wrong_);
    parsed_.clear();
    cursor_ = 0;
    try {
      // sync-point log-commit: acquire.
      if (!up_.has_record(std::memory_order_acquire)) return false;
      parse_transaction(open);
    } catch (const ProtocolViolation& violation) {
      parsed_.clear();
      wrong_ = violation;
      throw;
    } catch (...) {
      parsed_.clear();
      wrong_.emplace("they could not be read before", up_.position());
      throw;
    }
    return true;
  }
  void expect_unchanged(const LogRecord& record) {
    const LogRecord& first = parsed_.front();
    const bool is_freed = up_.freed() >= first.end;  // then something else may be there
    if ((is_freed || up_.still_has(first)) && up_.still_has(record)) return;
    wrong_.emplace("they changed after they were published", record.end);
    parsed_.clear();
    cursor_ = 0;
    throw ProtocolViolation(*wrong_);
  }
  template <class Open>
  void parse_transaction(Open& open) {
    const std::uint64_t begin = up_.position();
    for (;;) {
      const std::uint64_t position = up_.position();
      if (up_.at_limit()) throw ProtocolViolation("a transaction has no end", position);
      LogRecord& record = parsed_.emplace_back();
      up_.read(record);
      if (record.head.flags != 0) open(record, position);
      const std::uint8_t type = record.head.type;
      if (type < kOutputRecord || type > kNoteRecord) {
        throw ProtocolViolation("there is no such type of record", position);
      }
      // A note in front of a transaction is as good as one by itself.
      const bool closes = type == kDoneRecord || type == kFailedRecord ||
                          (type == kNoteRecord && parsed_.size() == 1);
      if (!closes) continue;
      learn_size(up_.position() - begin);
      return;
    }
  }

  LogWriter<Sync, Area> down_;
  LogReader<Sync, Area> up_;
  SleepMark<Sync> mark_;
  LogWord<Sync>& enough_;
  SleepWatch<Sync> watch_;
  LogWord<Sync>& stop_;
  Bell& bell_;
  std::uint64_t sleeps_until_ = 0;  // what was announced: a length of the up log; 0: any record
  std::uint64_t mean_bytes_ = 0;    // of a transaction
  std::vector<LogRecord> parsed_{};
  std::size_t cursor_ = 0;
  std::uint64_t read_to_ = 0;
  std::optional<ProtocolViolation> wrong_{};
};

enum class StageStatus : std::uint8_t { staged, never_fits, parent_gone };

template <class Sync, class Area, class Bell, class RouterBell>
class LogWorkerEnd {
 public:
  LogWorkerEnd(WorkerWords<Sync>& ours, const ParentWords<Sync>& theirs, Area down, Area up,
               Bell& bell, RouterBell& router, std::int64_t spin_ns)
      : words_(ours),
        down_(theirs.commit, ours.freed, down),
        up_(ours.commit, theirs.freed, up),
        mark_(ours.sleeping),
        watch_(theirs.sleeping),
        enough_(theirs.enough),
        stop_(theirs.stop),
        bell_(bell),
        router_(router),
        spin_ns_(spin_ns) {}

  /// Returns  false at the end: stopped, or the parent is gone.
  [[nodiscard]] bool take(LogRecord& lease) {
    if (!down_.has_record(std::memory_order_acquire) && !wait_for_lease()) return false;
    down_.read(lease);
    return true;
  }

  void begin(std::uint64_t ticket, std::int64_t now_ns) noexcept {
    words_.started_ns.store(static_cast<std::uint64_t>(now_ns), std::memory_order_relaxed);
    // sync-point log-started: with its time, or an earlier one.
    words_.started.store(ticket, std::memory_order_release);
  }

  /// Stages a record. Blocks  until there is room.
  [[nodiscard]] StageStatus append(RecordHead head, std::span<const std::byte> first,
                                   std::span<const std::byte> second) {
    const std::uint64_t size = record_size(first.size() + second.size());
    // sync-point log-freed: acquire.
    if (!up_.has_room(size, std::memory_order_acquire)) {
      if (!up_.could_have_room(size)) return StageStatus::never_fits;
      if (!wait_for_room(size)) return StageStatus::parent_gone;
    }
    if (down_.has_waited()) {
      watch_.soon_asked();
      up_.expect_record();
    }
    up_.append(head, first, second);
#ifdef SLUICE_MUTANT_LOG_TWO_STORES
    up_.publish();
#endif
    return StageStatus::staged;
  }
  void discard() noexcept { up_.discard(); }
  [[nodiscard]] LogWriter<Sync, Area>& up() noexcept { return up_; }

  /// After the closing record was appended. `ends_lease`: the lease taken last is done with.
  void commit(bool ends_lease) noexcept {
    if (ends_lease) down_.free_to(down_.position(), std::memory_order_release);
    kill_point(KillPoint::closed);
    kill_point(KillPoint::publishing);
    up_.publish();
    kill_point(KillPoint::published);
    if (ends_lease) words_.started.store(0, std::memory_order_relaxed);
    tell_router();
  }

  /// Blocks   until the parent has freed up to `position`. Returns  false when it is gone.
  [[nodiscard]] bool wait_until_freed(std::uint64_t position) {
    return wait_for(kForRoom, [&](std::memory_order order) {
      up_.look(order);
      return up_.freed() >= position;
    });
  }

  void say_ready() noexcept {
    // sync-point log-ready: release.
    words_.ready.store(1, std::memory_order_release);
    // Whether it sleeps or not: once in a life, and a bell remembers.
    router_.ring();
  }

 private:
  void tell_router() noexcept {
#ifndef SLUICE_MUTANT_LOG_ROUTER_NOT_WOKEN
    if (!watch_.must_ring(kForRecords)) return;
    if (up_.committed() >= enough_.load(std::memory_order_relaxed)) ring_router();
#endif
  }
  // A router that waits for more than there is gets no more. One that any record would wake was told.
  void tell_router_of_sleep() noexcept {
#ifndef SLUICE_MUTANT_LOG_BOTH_SLEEP
    // sync-point log-both-sleep: the worker's look.
    if (!watch_.must_ring(kForRecords)) return;
    if (enough_.load(std::memory_order_relaxed) != 0) ring_router();
#endif
  }
  void ring_router() noexcept {
    watch_.rang();
    router_.ring();
  }

  [[nodiscard]] bool wait_for_lease() {
    return wait_for(kForLease,
                    [&](std::memory_order order) {
                      if (down_.has_record(order)) return true;
                      // sync-point log-stop: acquires the leases published before it; with seq_cst it is the
                      // sleeper's look, too.
                      return stop_.load(order) != 0;
                    }) &&
           down_.has_record(std::memory_order_acquire);
  }

  [[nodiscard]] bool wait_for_room(std::uint64_t size) {
    return wait_for(kForRoom, [&](std::memory_order order) { return up_.has_room(size, order); });
  }

  template <class Ready>
  [[nodiscard]] bool wait_for(std::uint64_t reason, Ready ready) {
    for (SpinBudget<Sync> budget(spin_ns_);;) {
      if (ready(std::memory_order_acquire)) return true;
      if (!budget.spin()) break;
    }
    for (;;) {
      mark_.announce(reason);
#ifndef SLUICE_MUTANT_LOG_SLEEP_WITHOUT_LOOK
      // sync-point log-announce-or-look: the worker's look.
      if (ready(std::memory_order_seq_cst)) break;
#endif
      tell_router_of_sleep();
      kill_point(reason == kForLease ? KillPoint::asleep : KillPoint::out_of_room);
      if (!bell_.wait()) {
        mark_.awake();
        return false;
      }
#ifdef SLUICE_MUTANT_LOG_SLEEP_WITHOUT_LOOK
      if (ready(std::memory_order_seq_cst)) break;
#endif
    }
    mark_.awake();
    return true;
  }

  WorkerWords<Sync>& words_;
  LogReader<Sync, Area> down_;
  LogWriter<Sync, Area> up_;
  SleepMark<Sync> mark_;
  SleepWatch<Sync> watch_;
  const LogWord<Sync>& enough_;
  const LogWord<Sync>& stop_;
  Bell& bell_;
  RouterBell& router_;
  std::int64_t spin_ns_;
};

}  // namespace sluice::detail
