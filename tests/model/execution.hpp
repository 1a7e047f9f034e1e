// model/execution.hpp: one run of a scenario on the simulated machine.
//
// A scenario makes objects, starts threads and says what must hold after them; the execution runs it
// with one real thread, asking its strategy at each step of shared memory who goes on.
//   A thread that waits by pausing is not run again before others had their turn.
//   A sleeper with a deadline may be told at any time that it has passed; its clock is the strategy.
//   An execution ends in a fault when all threads sleep, when it never ends (kMaxSteps), or when a
//   check of the scenario or of the machine fails; its fibers are then left as they are.
// SPDX-License-Identifier: MIT
#pragma once

#include <model/clock.hpp>
#include <model/fiber.hpp>
#include <model/shadow.hpp>
#include <model/strategy.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::model {

class Execution;
using Scenario = std::function<void(Execution&)>;

/// Where in the source a step of the machine comes from.
struct Site {
  const char* file;
  const char* function;
  int line;
};

/// The stacks of an execution's threads, kept for the next one.
class FiberPool {
 public:
  FiberPool();
  [[nodiscard]] Fiber& explorer() noexcept { return explorer_; }
  [[nodiscard]] Fiber& at(unsigned thread);
  /// Never enters the present fibers again: they were left in the middle of something.
  void abandon();

 private:
  Fiber explorer_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
};

class Execution {
 public:
  Execution(Strategy& strategy, FiberPool& fibers, bool tracing);
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;
  ~Execution();

  // ---- for scenarios -----------------------------------------------------------------------------

  /// An object that lives until all checks are done.
  template <class T, class... Args>
  T& make(Args&&... args) {
    auto object = std::make_shared<T>(std::forward<Args>(args)...);
    objects_.push_back(object);
    return *object;
  }
  /// Starts when the scenario's function has returned. At most kMaxThreads - 1.
  void thread(std::string name, std::function<void()> body);
  /// Called when all threads have ended.
  void finally(std::function<void()> check) { checks_.push_back(std::move(check)); }
  /// Nanoseconds that pass between two looks at the clock; 1000 unless said otherwise.
  void set_clock_step(std::int64_t ns) noexcept { clock_step_ns_ = ns; }

  // ---- for the explorer --------------------------------------------------------------------------

  void run(const Scenario& scenario);
  [[nodiscard]] bool failed() const noexcept { return !fault_.empty(); }
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }
  [[nodiscard]] const std::vector<unsigned>& decisions() const noexcept { return decisions_; }
  [[nodiscard]] std::string trace_text() const;

  // ---- for the simulated machine -----------------------------------------------------------------

  /// The one that is running; null outside.
  [[nodiscard]] static Execution* current() noexcept;
  [[nodiscard]] unsigned running() const noexcept { return running_; }
  [[nodiscard]] const VectorClock& clock() const noexcept { return threads_[running_].clock; }
  void learn(const VectorClock& clock) noexcept { threads_[running_].clock.join(clock); }
  /// Counts a step of the running thread.
  Step tick() noexcept { return {running_, ++threads_[running_].clock.at[running_]}; }
  [[nodiscard]] Shadow& shadow() noexcept { return shadow_; }
  /// Numbers the atomics, for traces.
  [[nodiscard]] unsigned next_number() noexcept { return ++numbers_; }

  /// Before a step of shared memory: somebody else may come first.
  void before_step();
  /// The running thread changed something that others may wait for.
  void changed() noexcept { ++changes_; }
  /// The running thread waits for a change, without sleeping.
  void yield();
  /// Sleeps on an address. Returns  false when the deadline passed; never does if not `timed`.
  bool sleep(const void* address, bool timed);
  /// Who went to sleep first is woken first, as Linux does for threads of one priority.
  void wake(const void* address, int count);
  /// Chooses between `count` outcomes of a step; 0 is the strong one.
  [[nodiscard]] unsigned choose(unsigned count);
  [[nodiscard]] std::int64_t now_ns() noexcept { return now_ns_ += clock_step_ns_; }

  [[noreturn]] void fail(const std::string& what);

  [[nodiscard]] bool tracing() const noexcept { return tracing_; }
  void trace(const Site& site, const std::string& text);

 private:
  enum class State : unsigned char { ready, sleeping, joining, ended };
  struct Thread {
    std::string name = {};
    std::function<void()> body = {};
    State state = State::ready;
    VectorClock clock = {};
    const void* address = nullptr;  // slept on
    unsigned slept_at = 0;          // steps_ then
    bool timed = false;
    bool timed_out = false;
    bool yielded = false;
    std::uint64_t yielded_at = 0;  // changes_ then
    bool at_step = false;          // left by before_step(), so a step comes next
  };

  static constexpr unsigned kMaxSteps = 4000;

  friend class FiberPool;
  static void fiber_entry(void* number);
  void thread_main(unsigned number);
  void main_thread();
  void guarded(const std::function<void()>& body);
  void enter(unsigned next);
  void block();
  [[nodiscard]] bool runnable(unsigned number) const noexcept;
  [[nodiscard]] bool all_ended() const noexcept;
  [[nodiscard]] unsigned ask(Switch why);
  void add_timed_sleepers();
  [[nodiscard]] std::string states() const;

  Strategy& strategy_;
  FiberPool& fibers_;
  Scenario scenario_;
  std::vector<Thread> threads_;
  std::vector<std::shared_ptr<void>> objects_;
  std::vector<std::function<void()>> checks_;
  Shadow shadow_;
  unsigned running_ = 0;
  unsigned steps_ = 0;
  bool step_due_ = false;  // the running thread was chosen to take its next step
  std::uint64_t changes_ = 0;
  unsigned numbers_ = 0;
  std::int64_t now_ns_ = 1'000'000;
  std::int64_t clock_step_ns_ = 1000;
  std::vector<unsigned> options_;  // of the decision being made
  std::vector<unsigned> decisions_;
  std::string fault_;
  const bool tracing_;
  std::vector<std::string> trace_;
};

/// A check of a scenario; may be called by its threads.
inline void expect(bool holds, const char* what) {
  if (!holds) Execution::current()->fail(what);
}

}  // namespace sluice::model
