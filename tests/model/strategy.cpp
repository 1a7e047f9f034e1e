// model/strategy.cpp
// SPDX-License-Identifier: MIT
#include <model/strategy.hpp>

#include <model/clock.hpp>

#include <algorithm>

namespace sluice::model {

// ---- BoundedSearch ---------------------------------------------------------------------------------

bool BoundedSearch::next() {
  if (begun_) {
    while (!path_.empty() && path_.back().taken + 1 == path_.back().count) path_.pop_back();
    if (path_.empty()) return false;
    ++path_.back().taken;
  }
  begun_ = true;
  at_ = 0;
  preemptions_left_ = preemptions_;
  weak_steps_left_ = weak_steps_;
  return true;
}

unsigned BoundedSearch::decide(unsigned count) {
  if (at_ == path_.size()) path_.push_back({0, count});
  return path_[at_++].taken;
}

unsigned BoundedSearch::pick_thread(Switch why, unsigned, std::span<const unsigned> options) {
  const auto count = static_cast<unsigned>(options.size());
  if (why == Switch::blocked) return decide(count);
  // Where a waiting thread yields, going to its neighbour is the rule and the rest counts.
  if (preemptions_left_ == 0) return 0;
  const unsigned taken = decide(count);
  if (taken != 0) --preemptions_left_;
  return taken;
}

unsigned BoundedSearch::pick_step(unsigned count) {
  if (weak_steps_left_ == 0) return 0;
  const unsigned taken = decide(count);
  if (taken != 0) --weak_steps_left_;
  return taken;
}

std::string BoundedSearch::name() const {
  return "search with at most " + std::to_string(preemptions_) + " preemptions and " +
         std::to_string(weak_steps_) + " weak steps";
}

// ---- random ----------------------------------------------------------------------------------------

std::uint64_t Dice::roll() noexcept {
  state_ += 0x9e3779b97f4a7c15U;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31);
}

bool RandomStrategy::next() {
  if (left_ == 0) return false;
  --left_;
  if (begun_) ++seed_;
  begun_ = true;
  dice_ = Dice(seed_);
  constexpr unsigned kOneWeakIn[] = {0, 2, 6, 20};
  one_weak_in_ = kOneWeakIn[dice_.below(4)];
  prepare();
  return true;
}

unsigned RandomStrategy::pick_step(unsigned count) {
  if (one_weak_in_ == 0 || dice_.below(one_weak_in_) != 0) return 0;
  return dice_.below(count);
}

std::string RandomStrategy::seed_text() const { return "seed " + std::to_string(seed_); }

void RandomWalk::prepare() {
  constexpr unsigned kOneSwitchIn[] = {2, 4, 8, 20};
  one_switch_in_ = kOneSwitchIn[dice().below(4)];
}

unsigned RandomWalk::pick_thread(Switch why, unsigned, std::span<const unsigned> options) {
  const auto count = static_cast<unsigned>(options.size());
  if (why != Switch::preempt) return dice().below(count);
  if (dice().below(one_switch_in_) != 0) return 0;
  return 1 + dice().below(count - 1);
}

void PriorityWalk::prepare() {
  longest_ = std::max(longest_, step_);
  step_ = 0;
  lowest_ = 0;
  priority_.clear();
  changes_.clear();
  const unsigned changes = dice().below(kChanges + 1);
  for (unsigned i = 0; i < changes; ++i) changes_.push_back(dice().roll() % longest_);
}

unsigned PriorityWalk::pick_thread(Switch why, unsigned running,
                                   std::span<const unsigned> options) {
  while (priority_.size() < kMaxThreads) {
    priority_.push_back(static_cast<std::int64_t>(dice().roll() >> 2));
  }
  ++step_;
  // Whoever only waits for others must not be preferred to them the next time.
  if (why == Switch::yield ||
      std::find(changes_.begin(), changes_.end(), step_) != changes_.end()) {
    priority_[running] = --lowest_;
  }
  unsigned best = 0;
  for (unsigned i = 1; i < options.size(); ++i) {
    if (priority_[options[i]] > priority_[options[best]]) best = i;
  }
  return best;
}

// ---- replay ----------------------------------------------------------------------------------------

bool Replay::next() {
  at_ = 0;
  return true;
}

unsigned Replay::take(unsigned count) {
  const unsigned taken = at_ < decisions_.size() ? decisions_[at_] : 0;
  ++at_;
  return taken < count ? taken : 0;
}

unsigned Replay::pick_thread(Switch, unsigned, std::span<const unsigned> options) {
  return take(static_cast<unsigned>(options.size()));
}

unsigned Replay::pick_step(unsigned count) { return take(count); }

}  // namespace sluice::model
