// sluice/runtime/worker.cpp: running a step and keeping its clocks.
// SPDX-License-Identifier: MIT
#include <sluice/runtime/worker.hpp>

#include <algorithm>
#include <limits>

namespace sluice::detail {
namespace {

constexpr Worker::Nanoseconds kNever = std::numeric_limits<Worker::Nanoseconds>::max();

Activity activity_after(StepResult result) noexcept {
  switch (result) {
    case StepResult::needs_input:
      return Activity::starved;
    case StepResult::needs_room:
      return Activity::blocked;
    case StepResult::done:
      return Activity::ended;
    case StepResult::progressed:
    case StepResult::needs_time:
      break;
  }
  return Activity::parked;
}

Worker::Nanoseconds ns_of(const Deadline& deadline) noexcept {
  return deadline.is_never() ? kNever : deadline.time().time_since_epoch().count();
}

}  // namespace

Worker::Worker(StageState& stage, std::size_t index, std::size_t batch)
    : state(stage, index, this),
      since_(read_clock()),
      wake_at_(kNever),
      born_(since_.load(std::memory_order_relaxed)),
      batch_(batch),
      limit_(1) {}  // until it is known what an item costs

void Worker::enter(Activity activity, Nanoseconds now) noexcept {
  if constexpr (!kAccounting) return;
  const auto before = static_cast<std::size_t>(activity_.load(std::memory_order_relaxed));
  if (before < kClocks) {
    const Nanoseconds spent = now - since_.load(std::memory_order_relaxed);
    clocks_[before].store(clocks_[before].load(std::memory_order_relaxed) + spent,
                          std::memory_order_relaxed);
  }
  since_.store(now, std::memory_order_relaxed);
  activity_.store(activity, std::memory_order_relaxed);
}

StepResult Worker::step(Nanoseconds& now) noexcept {
  now = std::max(now, since());  // it may have been read before another thread's step ended
  if (activity() == Activity::blocked) body->add_full_ns(now - since());
  enter(Activity::busy, now);
  StepFrame frame{.max_items = limit_, .sample = (turns_ & 7U) == 0 || service_ns_ > 2000};
  if constexpr (!kAccounting) frame = {.max_items = batch_};
  const StepResult result = body->step(frame);
  if constexpr (!kAccounting) {
    activity_.store(activity_after(result), std::memory_order_relaxed);
    return result;
  }
  const Nanoseconds begun = now;
  now = read_clock();
  if (frame.items > 0) ++turns_;  // looks in vain must not use up the samples
  // Now and then; at every step while the limit is low, so that a step that was preempted is soon
  // forgotten; and after every step that took too long.
  if (frame.sample || limit_ < batch_ || now - begun > kStepBudget) {
    learn(frame, now - begun - frame.slept_ns);
  }
  const bool few = frame.items < kFewItems && now - begun < kCheapStep;
  rests_until_.store(few ? now + kRest : 0, std::memory_order_relaxed);
  if (waits_ || result != StepResult::progressed) note_wait(result);
  enter(activity_after(result), now);
  return result;
}

void Worker::note_wait(StepResult result) noexcept {
  note_full(result == StepResult::needs_room ? body->full() : StepBody::Full{});
  const bool timed = result == StepResult::needs_input || result == StepResult::needs_time;
  wake_at_.store(timed ? ns_of(body->wake_at()) : kNever, std::memory_order_relaxed);
  waits_ = result != StepResult::progressed;
}

void Worker::note_full(const StepBody::Full& full) noexcept {
  full_.store(full.queue, std::memory_order_relaxed);
  waits_for_memory_.store(full.memory, std::memory_order_relaxed);
}

void Worker::wait_for_room() noexcept {
  const Nanoseconds begun = read_clock();
  note_full(body->full());
  enter(Activity::blocked, begun);
  sleep_for_room();
  const Nanoseconds now = read_clock();
  body->add_full_ns(now - begun);
  note_full({});
  enter(Activity::busy, now);
}

// One queue wakes one waiter; who waits for several of them is rung up by all (sync-point
// announce-or-look of the queues, with the run's point in place of theirs). The same point is rung for who
// waits for memory (sync-point memory-or-waiter).
void Worker::sleep_for_room() noexcept {
  const StepBody::Full full = body->full();
  if (!full.several) {
    if (service_ns_ < kCheapItem && full.weight == 0) {
      full.queue->wait_for_refill();
    } else {
      static_cast<void>(full.queue->wait_for_room({}, {}, full.weight));
    }
    return;
  }
  WaitPoint& point = state.control().room_point();
  const WaitPoint::Ticket ticket = point.announce();
  if (!body->any_room(true)) point.park(ticket, {});
  static_cast<void>(point.leave());  // a gong is for all, so there is nothing to pass on
}

// Items per step: what fits the budget at the smoothed service time, at most the batch.
void Worker::learn(const StepFrame& frame, Nanoseconds spent) noexcept {
  if (frame.items == 0) return;
  const double each = static_cast<double>(spent) / static_cast<double>(frame.items);
  service_ns_ = service_ns_ == 0 ? each : service_ns_ + (each - service_ns_) / 4;
  const double fits = static_cast<double>(kStepBudget) / std::max(service_ns_, 1.0);
  limit_ = fits >= static_cast<double>(batch_)
               ? batch_
               : std::max<std::size_t>(1, static_cast<std::size_t>(fits));
}

// While a run drains, retries keep their time; a source has nothing to retry for once it is stopped, and
// a throttle has nobody left to hold back. Who took no more for want of memory may when there is some.
bool Worker::timer_is_moot() const noexcept {
  const RunControl& control = state.control();
  return (body->stop_ends_wait() ? control.stopping() : control.cancelled()) ||
         body->memory_ends_wait() || state.stage().enough.load(std::memory_order_relaxed);
}

bool Worker::may_progress(Nanoseconds now, bool closely) const noexcept {
  switch (activity()) {
    case Activity::ended:
      return false;
    case Activity::blocked:
      return body->any_room(closely);
    case Activity::starved: {
      if (now >= wake_at()) return true;
      const QueueCore* input = body->input();
      return (closely ? input->may_have_items() : input->has_items()) || input->is_closed();
    }
    case Activity::parked:
      return wake_at() == kNever || now >= wake_at() || timer_is_moot();
    case Activity::busy:
      break;
  }
  return true;
}

void Worker::begin_thread() noexcept {
  thread_id_.store(this_thread_id(), std::memory_order_relaxed);
}
void Worker::end_thread() noexcept {
  const ThreadTimes times = detail::thread_times(thread_id_.load(std::memory_order_relaxed));
  thread_ran_.store(times.ran, std::memory_order_relaxed);
  thread_delayed_.store(times.delayed, std::memory_order_relaxed);
  // sync-point thread-times: releases the totals to who finds the thread gone.
  thread_id_.store(0, std::memory_order_release);
}
ThreadTimes Worker::thread_times() const noexcept {
  // sync-point thread-times: acquires the totals with the zero. Looked at again afterwards, because the
  // thread may have ended meanwhile and its number may be another one's.
  if (const int thread = thread_id_.load(std::memory_order_acquire); thread != 0) {
    const ThreadTimes times = detail::thread_times(thread);
    if (thread_id_.load(std::memory_order_acquire) == thread) return times;
  }
  return {thread_ran_.load(std::memory_order_relaxed),
          thread_delayed_.load(std::memory_order_relaxed)};
}

Worker::Nanoseconds Worker::clock(Activity activity, Nanoseconds now) const noexcept {
  const auto index = static_cast<std::size_t>(activity);
  Nanoseconds spent = clocks_[index].load(std::memory_order_relaxed);
  if (this->activity() == activity) spent += std::max<Nanoseconds>(0, now - since());
  return spent;
}

}  // namespace sluice::detail
