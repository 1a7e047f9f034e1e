// sluice/process/kill_point.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/kill_point.hpp>

#include <sluice/base/cpu_pause.hpp>
#include <sluice/os/child_process.hpp>
#include <sluice/os/cpu.hpp>
#include <sluice/os/this_process.hpp>

#include <atomic>
#include <exception>
#include <thread>

namespace sluice::detail {
namespace {

KillPlan the_plan;
std::uint64_t passages_left = 0;
thread_local std::uint64_t passages_beside = 0;

bool is_parents(KillPoint point) noexcept {
  return point == KillPoint::lending || point == KillPoint::lent;
}

void spin_for(std::int64_t ns) noexcept {
  const std::int64_t until = steady_now_ns() + ns;
  while (steady_now_ns() < until) cpu_pause();
}

// The kill and the store that comes next are made at about the same time; which is first is left to chance. How
// long a kill takes differs from build to build by orders of magnitude, so the wait does, too. Every other time
// the kill comes after the store, because on a busy machine chance would hardly ever have it so.
void kill_beside() noexcept {
  if (steady_now_ns() / 1024 % 2 == 0) {
    kill_point_state::armed = KillPoint::published;
    return;
  }
  std::atomic<bool> ready{false};
  std::thread([&ready] {
    ready.store(true, std::memory_order_relaxed);  // orders nothing: it is only about time
    kill_this_process();
  }).detach();
  while (!ready.load(std::memory_order_relaxed)) cpu_pause();
  const std::int64_t chance = steady_now_ns() / 7 % 14;
  spin_for(std::int64_t{250} << chance);
}

}  // namespace

namespace kill_point_state {

KillPoint armed = KillPoint::none;

void pass() noexcept {
  if (passages_left > 0) {
    --passages_left;
    return;
  }
  if (armed == the_plan.point && the_plan.manner == KillManner::stops) {
    armed = KillPoint::none;
    stop_this_process();
  } else if (armed == the_plan.point && the_plan.manner == KillManner::hangs) {
    for (;;) sleep_until_signal();
  } else if (armed == KillPoint::publishing) {
    kill_beside();
  } else {
    kill_this_process();
  }
}

constinit thread_local int victim = 0;

void pass_beside() noexcept {
  if (victim == 0 || passages_beside++ < the_plan.after) return;
  passages_beside = 0;
  try {
    const Descriptor process = open_process(victim);
    kill_process(process);
    if (armed == KillPoint::lending) wait_ended(process);
  } catch (const std::exception&) {  // it is dead already
  }
}

}  // namespace kill_point_state

void set_kill_plan(const KillPlan& plan) noexcept {
  the_plan = plan;
  if (is_parents(plan.point)) kill_point_state::armed = plan.point;
}

void arm_kill_plan(std::uint32_t incarnation) noexcept {
  const bool at_start = the_plan.again && incarnation % 2 == 1;
  kill_point_state::armed = at_start ? KillPoint::starting : the_plan.point;
  passages_left = at_start ? 0 : the_plan.after;
}

}  // namespace sluice::detail
