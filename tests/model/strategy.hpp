// model/strategy.hpp: who decides, wherever a simulated machine may go one way or another.
//
// An execution is a function of its decisions. A strategy makes them, one execution after the other:
//   BoundedSearch  every execution with at most so many preemptions and weak steps, depth first
//   RandomWalk     coin tosses from a seed
//   PriorityWalk   random priorities that are obeyed strictly, lowered at a few random steps: finds a
//                  fault of depth d with a known least probability (probabilistic concurrency testing;
//                  Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010)
//   Replay         what was recorded, in order to see it
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sluice::model {

/// Why another thread is to be chosen.
enum class Switch : unsigned char {
  preempt,  ///< the running thread could go on; it is option 0
  yield,    ///< the running thread waits for somebody to change something
  blocked,  ///< the running thread sleeps or has ended
};

class Strategy {
 public:
  virtual ~Strategy() = default;

  /// Prepares for the next execution. Returns  false when there is none.
  [[nodiscard]] virtual bool next() = 0;
  /// Returns  the index of the option taken. `options` are numbers of threads, more than one.
  [[nodiscard]] virtual unsigned pick_thread(Switch why, unsigned running,
                                             std::span<const unsigned> options) = 0;
  /// Returns  below `count`: 0 for what a strong machine would do, else a weak step.
  [[nodiscard]] virtual unsigned pick_step(unsigned count) = 0;
  /// What it was, for a report.
  [[nodiscard]] virtual std::string name() const = 0;
};

class BoundedSearch final : public Strategy {
 public:
  BoundedSearch(unsigned preemptions, unsigned weak_steps)
      : preemptions_(preemptions), weak_steps_(weak_steps) {}

  bool next() override;
  unsigned pick_thread(Switch why, unsigned running, std::span<const unsigned> options) override;
  unsigned pick_step(unsigned count) override;
  [[nodiscard]] std::string name() const override;

 private:
  struct Decision {
    unsigned taken;
    unsigned count;
  };

  unsigned decide(unsigned count);

  unsigned preemptions_;
  unsigned weak_steps_;
  bool begun_ = false;
  std::vector<Decision> path_;
  std::size_t at_ = 0;
  unsigned preemptions_left_ = 0;
  unsigned weak_steps_left_ = 0;
};

/// A small generator whose numbers are the same everywhere (splitmix64, by Sebastiano Vigna).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) noexcept : state_(seed) {}
  [[nodiscard]] std::uint64_t roll() noexcept;
  [[nodiscard]] unsigned below(unsigned count) noexcept {
    return static_cast<unsigned>(roll() % count);
  }

 private:
  std::uint64_t state_;
};

/// What both random strategies share: seeds, and weak steps by chance.
class RandomStrategy : public Strategy {
 public:
  RandomStrategy(std::uint64_t seed, std::size_t executions) : seed_(seed), left_(executions) {}

  bool next() override;
  unsigned pick_step(unsigned count) override;

 protected:
  virtual void prepare() = 0;
  [[nodiscard]] std::string seed_text() const;
  [[nodiscard]] Dice& dice() noexcept { return dice_; }

 private:
  std::uint64_t seed_;
  std::size_t left_;
  bool begun_ = false;
  Dice dice_{0};
  unsigned one_weak_in_ = 0;  // 0: never in this execution
};

class RandomWalk final : public RandomStrategy {
 public:
  using RandomStrategy::RandomStrategy;
  unsigned pick_thread(Switch why, unsigned running, std::span<const unsigned> options) override;
  [[nodiscard]] std::string name() const override { return "random walk, " + seed_text(); }

 private:
  void prepare() override;

  unsigned one_switch_in_ = 2;
};

class PriorityWalk final : public RandomStrategy {
 public:
  using RandomStrategy::RandomStrategy;
  unsigned pick_thread(Switch why, unsigned running, std::span<const unsigned> options) override;
  [[nodiscard]] std::string name() const override { return "priority walk, " + seed_text(); }

 private:
  static constexpr unsigned kChanges = 3;

  void prepare() override;

  std::vector<std::int64_t> priority_;  // by thread
  std::int64_t lowest_ = 0;             // below all given so far
  std::vector<std::size_t> changes_;    // steps at which the running thread loses its rank
  std::size_t step_ = 0;
  std::size_t longest_ = 64;  // steps of the longest execution so far
};

class Replay final : public Strategy {
 public:
  explicit Replay(std::vector<unsigned> decisions) : decisions_(std::move(decisions)) {}
  bool next() override;
  unsigned pick_thread(Switch why, unsigned running, std::span<const unsigned> options) override;
  unsigned pick_step(unsigned count) override;
  [[nodiscard]] std::string name() const override { return "replay"; }

 private:
  unsigned take(unsigned count);

  std::vector<unsigned> decisions_;
  std::size_t at_ = 0;
};

}  // namespace sluice::model
