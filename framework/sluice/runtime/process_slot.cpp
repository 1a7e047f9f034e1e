// sluice/runtime/process_slot.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/process_slot.hpp>

#include <sluice/base/cpu_pause.hpp>
#include <sluice/codec.hpp>
#include <sluice/flow/remote_error.hpp>
#include <sluice/os/cpu.hpp>
#include <sluice/process/kill_point.hpp>

#include <algorithm>

namespace sluice::detail {
namespace {

// With items cheaper than this a wake for each answer would cost a good part of the item: some 20 us of two
// processors where machines are virtual.
constexpr std::chrono::nanoseconds kCheap{250'000};
// For so long answers may lie before they are looked at, while the process has more to do.
constexpr std::chrono::nanoseconds kGather{1'000'000};
// With fewer items than this in the process there is nothing to gather.
constexpr std::size_t kFew = 3;

// attempts in the lower half, deaths at this item in the upper one: what a lease has room for.
std::uint32_t packed(unsigned attempt, unsigned deaths) noexcept {
  return (std::min(deaths, 0xFFFFU) << 16U) | std::min(attempt, 0xFFFFU);
}

}  // namespace

ProcessSlot::ProcessSlot(SupervisorBell& supervisor, Settings settings)
    : supervisor_(&supervisor), settings_(settings) {}

// ---- who sits in it --------------------------------------------------------------------------------

void ProcessSlot::offer(std::shared_ptr<Incarnation> incarnation) {
  {
    const std::lock_guard lock(mutex_);
    offered_ = std::move(incarnation);
    has_offer_.store(true, std::memory_order_release);
  }
  ring();
}

// Nobody is left before what he had answered was read: take_loss() comes first.
bool ProcessSlot::attach() noexcept {
  if (current_ != nullptr) return true;
  if (!has_offer_.load(std::memory_order_acquire)) return false;
  const std::lock_guard lock(mutex_);
  current_ = std::move(offered_);
  offered_.reset();
  has_offer_.store(false, std::memory_order_relaxed);
  accused_ = false;
  lent_ = done_ = answered_ = 0;
  started_ = quiet_ = false;
  if (current_ != nullptr) current_->attached.store(true, std::memory_order_relaxed);
  return current_ != nullptr;
}

RemoteWorker::Loss ProcessSlot::take_loss() {
  const std::uint64_t begun = current_->channel->progress().started;
  Loss loss{.begun = begun,
            .fault = fault_of(current_->facts, begun, accused_),
            .accused = accused_,
            .how = current_->how};
  current_.reset();
  return loss;
}

void ProcessSlot::accuse(const char* what) noexcept {
  if (accused_) return;  // the first word says what came first
  accused_ = true;
  {
    const std::lock_guard lock(mutex_);
    accusation_.key = current_->key;
    try {
      accusation_.what = what;
    } catch (...) {  // then it is killed for a reason that nobody has the memory to tell
      accusation_.what.clear();
    }
  }
  call_supervisor();
}

ProcessSlot::Accusation ProcessSlot::take_accusation() {
  const std::lock_guard lock(mutex_);
  return std::exchange(accusation_, {});
}

void ProcessSlot::wait_started() {
  struct Started {
    std::atomic<bool>& starting;
    ~Started() { starting.store(false, std::memory_order_relaxed); }
  } const at_the_end{starting_};
  for (;;) {
    if (control_->cancelled()) return;
    const Reply& reply = next();
    if (reply.what == What::lost) {
      static_cast<void>(take_loss());
    } else if (reply.what == What::failed) {
      rethrow_remote(decode<FailedNote>(reply.bytes));
    } else if (started_) {
      return;
    } else {
      wait({}, {}, 0);
    }
  }
}

// ---- leases and answers ----------------------------------------------------------------------------

bool ProcessSlot::may_lend() noexcept { return attach() && !accused_ && !is_dead(); }

BlockSink* ProcessSlot::blocks_to_lend() noexcept {
  return current_ == nullptr ? nullptr : current_->channel->blocks_to_lend();
}

BlockSource* ProcessSlot::blocks_read() noexcept {
  return current_ == nullptr ? nullptr : current_->channel->blocks_read();
}

bool ProcessSlot::lend(const Lease& lease, std::span<const std::byte> bytes) {
  if (!may_lend()) return false;
  if (settings_.recycle_after != 0 && lent_ >= settings_.recycle_after) {
    if (done_ == lent_) retire();
    return false;
  }
  try {
    const bool lent = current_->channel->lend({.ticket = lease.ticket,
                                               .item = lease.item,
                                               .attempt = packed(lease.attempt, lease.deaths),
                                               .bytes = bytes});
    if (lent) {
      ++lent_;
      kill_points_aim_at(current_->pid);
      kill_point_beside(KillPoint::lending);
    }
    return lent;
  } catch (const ProtocolViolation& error) {  // no fault of the item's
    accuse(error.what());
    return false;
  }
}

void ProcessSlot::publish() noexcept {
  if (current_ == nullptr) return;
  current_->touched_ns.store(steady_now_ns(), std::memory_order_relaxed);
  try {
    current_->channel->publish();
  } catch (const std::exception& error) {
    accuse(error.what());
  }
}

const RemoteWorker::Reply& ProcessSlot::next() noexcept {
  reply_.what = What::nothing;
  if (!attach()) return reply_;
  // Looked at before the log: what is read after it was dead is all there is.
  const bool dead = is_dead();
  if (!accused_) {
    try {
      if (read_record()) return reply_;
    } catch (
        const std::exception& error) {  // ProtocolViolation, or no memory to map what it has sent
      accuse(error.what());
    }
  }
  tell_answered();
  reply_.what = dead ? What::lost : What::nothing;
  return reply_;
}

bool ProcessSlot::read_record() {
  Record record;
  if (!current_->channel->next(record)) return false;
  if (!started_ && record.type == RecordType::note) {
    started_ = true;  // the first thing it says
    if (!current_->channel->next(record)) return false;
  }
  reply_.ticket = record.ticket;
  reply_.bytes = record.bytes;
  switch (record.type) {
    case RecordType::output:
      reply_.what = What::output;
      return true;
    case RecordType::note:
      reply_.what = What::note;
      return true;
    case RecordType::done:
      reply_.what = What::done;
      break;
    case RecordType::failed:
      reply_.what = What::failed;
      break;
  }
  ++done_;
  return true;
}

// For the supervisor: once per batch, because a clock per answer would cost as much as a tiny item.
void ProcessSlot::tell_answered() noexcept {
  if (answered_ == done_) return;
  answered_ = done_;
  quiet_ = false;
  current_->answered.store(done_, std::memory_order_relaxed);
  current_->touched_ns.store(steady_now_ns(), std::memory_order_relaxed);
}

void ProcessSlot::free_read() noexcept {
  if (current_ == nullptr || accused_) return;
  tell_answered();
  try {
    current_->channel->free_read();
  } catch (const std::exception& error) {
    accuse(error.what());
  }
}

// ---- waiting ---------------------------------------------------------------------------------------

bool ProcessSlot::news() const noexcept {
  if (control_->cancelled()) return true;
  return current_ == nullptr ? has_offer_.load(std::memory_order_acquire) : is_dead();
}

// True when there are some.
bool ProcessSlot::spin_for_news(const LeaseChannel& channel) noexcept {
  if (settings_.spin.count() == 0 || !spin_.try_again()) return false;
  const std::int64_t until = steady_now_ns() + settings_.spin.count();
  bool found = false;
  do {
    found = channel.has_records(false) || news();
    if (!found) cpu_pause();
  } while (!found && steady_now_ns() < until);
  spin_.note(!found);
  return found;
}

// Many cheap items: sleeps until half of them are answered, so that the process has the other half while its
// answers are applied. If there is none after a while, some item is not cheap: the next one ends the sleep.
void ProcessSlot::wait(const Deadline& deadline, std::chrono::nanoseconds pace,
                       std::size_t open) noexcept {
  static_cast<void>(attach());
  LeaseChannel* const channel = current_ == nullptr || accused_ ? nullptr : current_->channel.get();
  const bool gathers =
      channel != nullptr && open >= kFew && pace.count() > 0 && pace < kCheap && !quiet_;
  if (channel != nullptr && !gathers && spin_for_news(*channel)) return;
  try {
    if (gathers) {
      const Deadline looks =
          Deadline::at(Clock::time_point(std::chrono::nanoseconds(steady_now_ns())) + kGather);
      sleep(channel, open / 2, std::min(deadline, looks));
      quiet_ = !channel->has_records(false);
    } else {
      sleep(channel, 1, deadline);
    }
  } catch (const std::exception& error) {
    accuse(error.what());
  }
}

void ProcessSlot::sleep(LeaseChannel* channel, std::size_t answers, const Deadline& deadline) {
  if (channel != nullptr) channel->announce_sleep(answers);
  if ((channel == nullptr || !channel->has_records(true)) && !news()) {
    waits_since_ns_.store(steady_now_ns(), std::memory_order_relaxed);
    sleep_.wait(deadline);
    waits_since_ns_.store(0, std::memory_order_relaxed);
  }
  if (channel != nullptr) channel->end_sleep();
}

void ProcessSlot::tell_open(std::size_t open) noexcept {
  if (open_.load(std::memory_order_relaxed) == open) return;
  // sync-point slot-watch: the worker's store, then its look.
  open_.store(open, std::memory_order_seq_cst);
  if (open > 0 && supervisor_->dozes.load(std::memory_order_seq_cst)) call_supervisor();
}

// ---- the end ---------------------------------------------------------------------------------------

void ProcessSlot::retire() noexcept {
  if (current_->retired.exchange(true, std::memory_order_relaxed)) return;
  call_supervisor();  // it has a time to end
  try {
    current_->channel->request_stop();
  } catch (const std::exception& error) {
    accuse(error.what());
  }
}

void ProcessSlot::end() noexcept {
  const bool attached = attach();
  const bool idle =
      open_.load(std::memory_order_relaxed) == 0 && !control_->cancelled() && attached;
  // Before the process is told, so that its end is not taken for a death. Who is offered after this, and
  // before the supervisor sees it, has nobody attached to it and is killed.
  // sync-point slot-ending: releases that it is attached.
  ending_.store(idle ? Ending::orderly : Ending::at_once, std::memory_order_release);
  // One that is not idle is killed, unless it listens: then this ends it once its function has returned.
  if (attached && !accused_ && !is_dead()) retire();
  call_supervisor();
}

}  // namespace sluice::detail
