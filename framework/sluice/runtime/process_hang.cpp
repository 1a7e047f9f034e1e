// sluice/runtime/process_hang.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/process_hang.hpp>

#include <sluice/os/child_process.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::detail {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr seconds kStuck{10};
constexpr milliseconds kFastestTick{1};
// Ticks of a second that come a little early still count as one.
constexpr std::int64_t kBetweenStatesNs = nanoseconds(kSlowTick).count() * 3 / 4;

}  // namespace

void HangWatch::begin() noexcept {
  late_ = 0;
  resumed_ns_ = 0;
  retired_since_ns_ = room_since_ns_ = 0;
  started_ = committed_ = answered_ = 0;
  rung_for_.reset();
  state_look_ns_ = stopped_ns_ = moved_ns_ = 0;
}

nanoseconds HangWatch::tick() const noexcept {
  if (timeout_.count() == 0) return kSlowTick;
  return std::clamp<nanoseconds>(timeout_ / 4, kFastestTick, kSlowTick);
}

std::string HangWatch::look(const Watched& watched, std::int64_t now) {
  const bool has_started = watched.line.has_started();  // before what it has published is looked at
  const Progress progress = watched.live.channel->progress();
  if (was_stopped_long(watched, progress, now)) {
    return fmt::format("it was stopped for {} s", kStuck.count());
  }
  if (progress.committed_bytes == 0) {
    return has_started ? "it has damaged what it shares with its parent" : std::string();
  }
  if (watched.live.retired.load(std::memory_order_relaxed)) {
    if (retired_since_ns_ == 0) retired_since_ns_ = now;
    const bool late = now - retired_since_ns_ > nanoseconds(kProcessEndTime).count();
    return late ? "it did not end when told to" : std::string();
  }
  if (progress.waits_for_room) room_since_ns_ = now;
  return progress.started > watched.live.answered.load(std::memory_order_relaxed)
             ? why_running(progress, now)
             : why_waiting(watched, now);
}

bool HangWatch::was_stopped_long(const Watched& watched, const Progress& progress,
                                 std::int64_t now) {
  const std::uint64_t answered = watched.live.answered.load(std::memory_order_relaxed);
  const bool moved = progress.started != started_ || progress.committed_bytes != committed_ ||
                     answered != answered_;
  if (moved || state_look_ns_ == 0) {
    started_ = progress.started;
    committed_ = progress.committed_bytes;
    answered_ = answered;
    state_look_ns_ = moved_ns_ = now;
    stopped_ns_ = 0;
    return false;
  }
  const std::int64_t since_last = now - state_look_ns_;
  if (since_last < kBetweenStatesNs) return false;
  state_look_ns_ = now;
  // It may have published an answer and been stopped before it told anybody; or damaged its page.
  if (std::exchange(rung_for_, committed_) != committed_) watched.worker.raise();
  if (!is_stopped(watched.process, watched.pid)) {
    stopped_ns_ = 0;
    return false;
  }
  stopped_ns_ += std::min(since_last, nanoseconds(kSlowTick).count());
  return stopped_ns_ >= nanoseconds(kStuck).count();
}

std::string HangWatch::why_running(const Progress& progress, std::int64_t now) {
  const std::int64_t since = std::max({room_since_ns_, resumed_ns_, progress.started_ns});
  if (timeout_.count() == 0 || now - since <= timeout_.count()) return {};
  late_ = progress.started;
  return fmt::format("it took longer than its timeout of {} ms",
                     std::chrono::duration_cast<milliseconds>(timeout_).count());
}

// Its worker has read all answers and waits for the next, and nothing is begun.
std::string HangWatch::why_waiting(const Watched& watched, std::int64_t now) const {
  const std::int64_t waits_since = watched.waits_since_ns.load(std::memory_order_relaxed);
  // An answer that was just published after a long function says that none is at work, before its worker
  // has woken to it: what moves is not stuck.
  const std::int64_t since =
      std::max({waits_since, watched.live.touched_ns.load(std::memory_order_relaxed), moved_ns_});
  if (waits_since == 0 || now - since <= nanoseconds(kStuck).count()) return {};
  return fmt::format("it held items and began none for {} s", kStuck.count());
}

}  // namespace sluice::detail
