// sluice/flow/remote_loop.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/remote_loop.hpp>

#include <sluice/codec.hpp>
#include <sluice/flow/remote_error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

namespace sluice::detail {
namespace {

// A process holds about so much work: enough to go on while this worker has no processor, some milliseconds on a
// busy machine; little enough to be worth nothing when it is done twice.
constexpr double kHeldNs = 4'000'000;
// What an item takes before it is known; and at least, with what the transport takes.
constexpr double kFirstWorkNs = 250'000;
constexpr double kLeastWorkNs = 200;
// Of one item, whoever is at fault: a worker whose processes die without progress is given up before long
// (runtime/process_seat.cpp), and the run with it.
constexpr unsigned kMostDeaths = 20;
// Far more than answers may lie before they are looked at (runtime/process_slot.cpp).
constexpr std::chrono::milliseconds kLongSoftTimeout{20};
// Lent and not yet published: what takes about as long to copy as a wake-up costs. So with large items the process
// works while the next ones are copied.
constexpr std::size_t kHiddenBytes = 16 * 1024;

std::int64_t steady_ns() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

}  // namespace

RemoteLoop::RemoteLoop(WorkerState& worker, QueueCore& input, RemoteWorker& remote,
                       std::size_t batch) noexcept
    : StageLoop(worker, input), remote_(&remote), most_(std::max<std::size_t>(1, batch)) {}

void RemoteLoop::start_body() { remote_->wait_started(); }

StepResult RemoteLoop::run(StepFrame& frame) noexcept {
  stop_waiting();
  try {
    return go_on(frame);
  } catch (...) {  // out of memory: nothing of an item's own
    fail_phase(worker(), "lending an item");
    return abandon();
  }
}

StepResult RemoteLoop::go_on(StepFrame& frame) {
  readmit_due();
  for (;;) {
    if (ended_early()) return end_early();
    if (cancelled()) return abandon();
    const Applied applied = apply(frame);
    if (applied == Applied::blocked) return blocked_or_abandoned();
    settle(owed_);
    if (applied == Applied::turn) return wait_for(OrderGate::Wait::turn);
    if (cancelled() || ended_early()) continue;
    if (frame.items >= most_) return StepResult::progressed;
    const GetStatus input = lend_more();
    if (has_blocked() || owed_ > 0) continue;  // an item could not be lent
    // Not another look first: this would run after the process, with an answer or two at a time.
    if (open() > 0) {
      if (wait_for_answer(frame) == StepResult::needs_time) return StepResult::progressed;
      continue;
    }
    remote_->tell_open(0);
    if (input == GetStatus::closed) return input_ended();
    if (wait_for_delayed()) return StepResult::needs_time;
    if (take_found_window_full()) return wait_for(OrderGate::Wait::room);
    return StepResult::needs_input;
  }
}

// Retries whose time has come queue behind what the process holds.
void RemoteLoop::readmit_due() {
  while (std::unique_ptr<DelayedItem> due = take_due()) {
    auto& aside = static_cast<SetAside&>(*due);
    try {
      leases_.push_back({.item = aside.ordinal,
                         .attempt = aside.attempt,
                         .weight = aside.weight,
                         .deaths = std::move(aside.deaths)});
      try {
        readmit(aside);
        held_bytes_ += aside.weight;
      } catch (...) {
        leases_.pop_back();
        throw;
      }
    } catch (...) {
      lose_item("moving an item", aside.charge);
    }
    taken_ = open();
  }
}

// An item that is in nobody's hands any more: counted, and the run fails. Call inside a catch block only.
void RemoteLoop::lose_item(const char* phase, std::size_t charge) noexcept {
  worker().counts.add(Count::failed);
  owe(charge);
  fail_phase(worker(), phase);
}

// ---- lending ---------------------------------------------------------------------------------------

std::size_t RemoteLoop::window() const noexcept {
  if (holds_suspect()) return 1;  // it is lent alone
  const double work = work_ns_ > 0 ? work_ns_ + kLeastWorkNs : kFirstWorkNs;
  const double fits = kHeldNs / work;
  if (fits >= static_cast<double>(most_)) return most_;
  return std::clamp<std::size_t>(static_cast<std::size_t>(fits), std::min<std::size_t>(2, most_),
                                 most_);
}

// Tops up what the process holds. Says what the input was like when there was room for more.
GetStatus RemoteLoop::lend_more() {
  const std::size_t wanted = window();
  GetStatus input = GetStatus::ok;
  if (open() < wanted && has_share() && !holds_enough_delayed()) input = take_more(wanted - open());
  lend_held(wanted);
  return input;
}

bool RemoteLoop::has_share() const noexcept { return open() == 0 || bytes_left() > 0; }

std::size_t RemoteLoop::bytes_left() const noexcept {
  const std::size_t most = worker().stage().batch_bytes;
  if (most == 0) return ~std::size_t{0};
  return held_bytes_ < most ? most - held_bytes_ : 0;
}

GetStatus RemoteLoop::take_more(std::size_t wanted) {
  if (input_closed_) return GetStatus::closed;
  leases_.reserve(leases_.size() + wanted);  // so that nothing that was taken is without its lease
  const std::size_t before = open();
  next_ = taken_ = 0;
  const GetStatus status = take(wanted);
  const std::size_t count = taken_;
  for (std::size_t i = 0; i < count; ++i) {
    Lease& lease = leases_.emplace_back();
    lease.item = first_ + i;
    lease.weight = weight_of_taken(i);
    held_bytes_ += lease.weight;
  }
  next_ = 0;
  taken_ = before + count;
  input_closed_ = status == GetStatus::closed;
  return status;
}

void RemoteLoop::lend_held(std::size_t wanted) {
  const std::size_t before = lent_;
  std::size_t hidden_bytes = 0;
  while (lent_ < std::min(open(), wanted)) {
    const std::size_t held = open();
    if (lend(lent_)) {
      ++lent_;
      hidden_bytes += encoded_.size();
      if (hidden_bytes < kHiddenBytes) continue;
      remote_->publish();
      hidden_bytes = 0;
    } else if (open() == held || has_blocked() || cancelled() || ended_early()) {
      break;  // else the first one was refused, and the next one may be lent
    }
  }
  if (lent_ != before) remote_->publish();
  remote_->tell_open(open());
}

bool RemoteLoop::lend(std::size_t index) {
  if (!remote_->may_lend()) return false;
  Lease& lease = leases_[begin_ + index];
  try {
    encoded_.clear();
    encode_item(index, encoded_, remote_->blocks_to_lend());
    const RemoteWorker::Lease out{.ticket = next_ticket_,
                                  .attempt = lease.attempt,
                                  .deaths = deaths_of(lease),
                                  .item = lease.item};
    if (!remote_->lend(out, encoded_.view())) return false;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::system_error&) {
    throw;  // no fault of the item's
  } catch (...) {
    if (index > 0) return false;  // told when it is the first one, so that the order is kept
    refuse_first(std::current_exception());
    return false;
  }
  lease.ticket = next_ticket_++;
  return true;
}

// The first item can't be lent at all. Nothing is lent, so its number is open and nothing is in between.
void RemoteLoop::refuse_first(std::exception_ptr why) noexcept {
  begin_outputs(first_lease().item);
  give_up(std::move(why));
}

// ---- answers ---------------------------------------------------------------------------------------

RemoteLoop::Applied RemoteLoop::apply(StepFrame& frame) {
  Applied result = Applied::nothing;
  std::size_t items = 0;
  bool blocked = false;
  while (!blocked && frame.items < most_) {
    if (gate() != nullptr && open() > 0 && !may_begin(first_lease().item)) {
      if (result == Applied::nothing) result = Applied::turn;
      break;
    }
    const RemoteWorker::Reply& reply = remote_->next();
    if (reply.what == RemoteWorker::What::nothing) break;
    result = Applied::some;
    if (reply.what == RemoteWorker::What::lost) {
      apply_loss();
      break;
    }
    if (!apply_transaction(reply)) break;
    ++items;
    ++frame.items;
    if (charges() && gate() == nullptr && deliver()) settle_each();
    blocked = take_blocked();
    if (cancelled() || ended_early()) break;
  }
  if (items > 0) {
    remote_->free_read();
    if (gate() == nullptr && !blocked) static_cast<void>(deliver());
  }
  return take_blocked() || blocked ? Applied::blocked : result;
}

// Of two samples in a row the smaller one, so that an item that was preempted does not pass for a slow one: then
// the process would be given too few at a time to do without many more switches.
void RemoteLoop::learn_work(std::uint64_t service_ns) noexcept {
  const auto sample = static_cast<double>(service_ns);
  const double each = last_sample_ > 0 ? std::min(sample, last_sample_) : sample;
  last_sample_ = sample;
  work_ns_ = work_ns_ > 0 ? work_ns_ + (each - work_ns_) / 4 : each;
}

// Reads one whole transaction, of which `first` is the first record. False when there is to be no next one.
bool RemoteLoop::apply_transaction(const RemoteWorker::Reply& first) {
  using What = RemoteWorker::What;
  if (first.what == What::failed && first.ticket == 0) {
    fail_start(first.bytes);
    return false;
  }
  if (lent_ == 0) {
    remote_->accuse("an answer to no lease");
    return false;
  }
  std::exception_ptr fault;
  notes_.clear();
  begin_outputs(first_lease().item);
  show_first();
  for (const RemoteWorker::Reply* next = &first;; next = &remote_->next()) {
    const RemoteWorker::Reply& reply = *next;
    const bool closes = reply.what == What::done || reply.what == What::failed;
    if (reply.what == What::failed && reply.ticket == 0) {
      discard_outputs();
      end_outputs();
      fail_start(reply.bytes);
      return false;
    }
    if (closes && reply.ticket != first_lease().ticket) break;
    try {
      switch (reply.what) {
        case What::output:
          if (fault == nullptr) stage_output(reply.bytes, remote_->blocks_read());
          continue;
        case What::note:
          notes_.push_back(decode<SaidNote>(reply.bytes));
          continue;
        case What::done: {
          const DoneNote note = reply.bytes.empty() ? DoneNote{} : decode<DoneNote>(reply.bytes);
          if (fault != nullptr && accuses_of(fault)) return false;
          complete(note, std::move(fault));
          return true;
        }
        case What::failed: {
          const auto note = decode<FailedNote>(reply.bytes);
          if (fault != nullptr && accuses_of(fault)) return false;
          discard_outputs();
          fail(note);
          return !cancelled();
        }
        case What::nothing:
        case What::lost:
          break;
      }
      break;
    } catch (...) {
      fault =
          std::current_exception();  // of what the process wrote, or no memory: this item's failure
      if (closes) break;
    }
  }
  discard_outputs();
  end_outputs();
  remote_->accuse("an answer that is none to the lease it has");
  return false;
}

// A later process could not be started.
void RemoteLoop::fail_start(std::span<const std::byte> bytes) noexcept {
  try {
    rethrow_remote(decode<FailedNote>(bytes));
  } catch (...) {
    fail_phase(worker(), "start");
  }
}

// What can't be read may have been destroyed by its writer after it was published; a function that ran wild does
// that. So the process is not believed any more, and another one does the item again, once. When that is no better,
// the codec is to blame, for this item and the next ones: else each of them would cost a process.
bool RemoteLoop::accuses_of(const std::exception_ptr& fault) noexcept {
  if (worker().stage().deaths_allowed == 1 || codec_is_broken_) return false;
  const Deaths* const deaths = first_lease().deaths.get();
  codec_is_broken_ = deaths != nullptr && deaths->unread > 0;
  if (codec_is_broken_) return false;
  unread_ = true;
  try {
    std::rethrow_exception(fault);
  } catch (const std::exception& error) {
    remote_->accuse(error.what());
  } catch (...) {
    remote_->accuse("an answer that can't be read");
  }
  discard_outputs();
  end_outputs();
  return true;
}

// Returns  what went wrong with one of them.
std::exception_ptr RemoteLoop::say_notes() noexcept {
  std::exception_ptr fault;
  for (SaidNote& note : notes_) {
    try {
      say(note);
    } catch (...) {
      fault = std::current_exception();
    }
  }
  return fault;
}

void RemoteLoop::say(SaidNote& note) {
  RunControl& control = worker().control();
  switch (note.kind) {
    case SaidNote::Kind::log:
      control.log(worker().stage().name, note.text);
      break;
    case SaidNote::Kind::dead:
      worker().counts.add(Count::created);
      control.dead_letter({.stage = worker().stage().name,
                           .worker = worker().worker(),
                           .error = std::move(note.text),
                           .label = worker().stage().on_error.label,
                           .subject = std::move(note.subject)});
      break;
    case SaidNote::Kind::stop:
      control.request_stop();
      break;
    case SaidNote::Kind::cancel:
      control.request_cancel();
      break;
    case SaidNote::Kind::started:  // read before it comes here
      break;
  }
}

void RemoteLoop::complete(const DoneNote& note, std::exception_ptr fault) {
  if (std::exception_ptr unsaid = say_notes(); fault == nullptr) fault = std::move(unsaid);
  if (fault != nullptr) {
    discard_outputs();
    worker().counts.add(Count::retried, note.retried);
    if (note.enough) worker().say_enough();  // it says so once
    give_up(std::move(fault));
    return;
  }
  try {
    commit_outputs();
  } catch (...) {  // what decides where an output goes threw
    discard_outputs();
    give_up(std::current_exception());
    return;
  }
  worker().counts.add(Count::filtered, note.filtered);
  worker().counts.add(Count::retried, note.retried);
  worker().bytes.add(note.bytes);
  if (note.service_ns != 0) {
    worker().service.add(note.service_ns);
    learn_work(note.service_ns);
  }
  if (note.enough) worker().say_enough();
  if (const Deaths* const deaths = first_lease().deaths.get();
      deaths != nullptr && deaths->unclear > 0) [[unlikely]] {
    outside_kills_.prove(deaths->unclear, worker().counts[Count::completed]);
  }
  end_first(true);
}

void RemoteLoop::fail(const FailedNote& note) {
  if (std::exception_ptr unsaid = say_notes(); unsaid != nullptr) {
    give_up(std::move(unsaid));
    return;
  }
  worker().counts.add(Count::retried, note.retried);
  try {
    rethrow_remote(note);
  } catch (...) {
    const unsigned attempt = note.attempt;
    if (judge_first(attempt) == Verdict::retry) {
      put_first_aside(attempt + 1);
      return;
    }
  }
  end_first(false);
}

void RemoteLoop::put_first_aside(unsigned attempt) noexcept {
  end_outputs();
  try {
    Lease& lease = first_lease();
    const auto wait = back_off_before(worker().stage().on_error, attempt);
    std::unique_ptr<SetAside> aside = set_first_aside();
    aside->ordinal = lease.item;
    aside->attempt = attempt;
    aside->deaths = std::move(lease.deaths);
    aside->weight = lease.weight;
    aside->charge = charge_of(lease);
    aside->due = Deadline::after(wait, worker().control().now()).time();
    delay(std::move(aside));
  } catch (...) {
    lose_item("moving an item", charge_of(first_lease()));
  }
  drop_first();
}

// What went wrong with the first item is no matter of another attempt.
void RemoteLoop::give_up(std::exception_ptr why) noexcept {
  try {
    std::rethrow_exception(std::move(why));
  } catch (...) {
    static_cast<void>(judge_first(worker().stage().on_error.retries + 1));
  }
  end_first(false);
}

// The first item is completed or given up: it leaves, and its number is finished where an order is kept.
void RemoteLoop::end_first(bool completed) noexcept {
  const std::uint64_t number = first_lease().item;
  if (completed) worker().counts.add(Count::completed);
  owe(charge_of(first_lease()));
  end_outputs();
  drop_first();
  if (gate() != nullptr) static_cast<void>(end_number(number));
}

void RemoteLoop::drop_first() noexcept {
  drop_first_item();
  held_bytes_ -= first_lease().weight;
  if (lent_ > 0) --lent_;
  ++begin_;
  if (begin_ == leases_.size()) {
    leases_.clear();
    begin_ = 0;
  } else if (begin_ > 1024 && begin_ > leases_.size() / 2) {  // moves no more than it drops
    leases_.erase(leases_.begin(), leases_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  next_ = 0;
  taken_ = open();
}

// ---- deaths ----------------------------------------------------------------------------------------

// Everything that the process had answered was applied. What it had not is lent again.
void RemoteLoop::apply_loss() {
  RemoteWorker::Loss loss = remote_->take_loss();
  const bool begun =
      lent_ > 0 && (loss.accused || (loss.begun != 0 && first_lease().ticket == loss.begun));
  for (std::size_t i = begin_; i < leases_.size(); ++i) leases_[i].ticket = 0;
  lent_ = 0;
  next_ticket_ = 1;
  if (begun) {
    charge_first(loss);
  } else if (loss.fault == RemoteWorker::Fault::unclear && !holds_suspect()) {
    // No item was at work. While a suspect waits, this would explain ever more of its deaths.
    outside_kills_.prove(1, worker().counts[Count::completed]);
  }
}

void RemoteLoop::charge_first(const RemoteWorker::Loss& loss) {
  Lease& lease = first_lease();
  if (lease.deaths == nullptr) lease.deaths = std::make_unique<Deaths>();
  Deaths& deaths = *lease.deaths;
  ++deaths.count;
  if (std::exchange(unread_, false)) ++deaths.unread;
  if (loss.fault == RemoteWorker::Fault::its_own) ++deaths.its_own;
  if (loss.fault == RemoteWorker::Fault::unclear) ++deaths.unclear;
  if (!deaths.history.empty()) deaths.history += "; ";
  deaths.history += fmt::format("attempt {}: {}", lease.attempt + deaths.count - 1, loss.how);
  if (is_guilty(deaths, loss.fault)) {
    bury_first();
  } else {
    worker().counts.add(Count::retried);
  }
}

bool RemoteLoop::is_guilty(const Deaths& deaths, RemoteWorker::Fault fault) const noexcept {
  const unsigned allowed = worker().stage().deaths_allowed;
  if (allowed == 1) return true;  // who allows one attempt wants no second one, whoever is at fault
  if (deaths.count >= std::max(allowed, kMostDeaths)) return true;
  if (fault == RemoteWorker::Fault::nobodys || deaths.charged() < allowed) return false;
  return deaths.its_own >= allowed ||
         !outside_kills_.explain(deaths.unclear, worker().counts[Count::completed]);
}

void RemoteLoop::bury_first() noexcept {
  const Lease& lease = first_lease();
  const Deaths& deaths = *lease.deaths;
  try {
    DeadLetter letter{
        .stage = worker().stage().name,
        .worker = worker().worker(),
        .item = lease.item,
        .attempt = lease.attempt + deaths.count - 1,
        .error = fmt::format("its process died {} time{} at this item: {}", deaths.count,
                             deaths.count == 1 ? "" : "s", deaths.history),
        .label = worker().stage().on_error.label};
    tell_first(letter);
    worker().counts.add(Count::dead);
    worker().control().dead_letter(std::move(letter));
  } catch (...) {
    worker().counts.add(Count::failed);
    fail_phase(worker(), "recording a dead letter");
  }
  begin_outputs(lease.item);
  end_first(false);
}

// ---- waiting ---------------------------------------------------------------------------------------

// For explanations and for the soft timeout: the item that the process has, or will have next.
void RemoteLoop::show_first() noexcept {
  const Lease& lease = first_lease();
  const unsigned attempt = lease.attempt + deaths_of(lease);
  if (worker().item() != lease.item || worker().attempt() != attempt) {
    worker().begin_item(lease.item, attempt);
  }
}

// needs_time: another attempt is due.
StepResult RemoteLoop::wait_for_answer(StepFrame& frame) {
  show_first();
  const Deadline due = wake_at();
  const std::int64_t begun = steady_ns();
  // While answers are gathered the item that is shown may long be done: to a short soft timeout it would be late.
  const std::chrono::nanoseconds soft = worker().stage().soft_timeout;
  const bool gathers = soft.count() == 0 || soft >= kLongSoftTimeout;
  const std::chrono::nanoseconds pace(gathers ? static_cast<std::int64_t>(work_ns_) : 0);
  remote_->wait(due, pace, open());
  frame.slept_ns += steady_ns() - begun;
  return due.is_never() || !due.passed(worker().control().now()) ? StepResult::progressed
                                                                 : StepResult::needs_time;
}

}  // namespace sluice::detail
