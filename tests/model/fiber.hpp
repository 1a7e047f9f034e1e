// model/fiber.hpp: a stack of its own that is entered and left by hand.
//
// Simulated threads are fibers of one real thread, so that the explorer alone decides who runs. A
// fiber's function never returns: it is entered again for the next execution.
// What the C++ runtime knows of exceptions in flight is kept apart for each fiber, because a fiber
// may be left inside a catch block. Address and thread sanitizer are told of every switch.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>

#include <ucontext.h>

namespace sluice::model {

class Fiber {
 public:
  using Entry = void (*)(void* argument);

  /// The stack that is running now.
  Fiber();
  /// A new stack; the first switch to it calls entry(argument), which must not return.
  Fiber(Entry entry, void* argument);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Leaves this fiber, which must be the running one, and goes on in `next`.
  void switch_to(Fiber& next);

 private:
  struct Exceptions {
    void* caught = nullptr;
    unsigned uncaught = 0;
  };

  static constexpr std::size_t kStackBytes = 256 * 1024;

  static void start(unsigned high, unsigned low);
  static Exceptions& exceptions_in_flight() noexcept;
  void arrived();

  ucontext_t context_{};
  Exceptions exceptions_;
  std::unique_ptr<char[]> stack_;
  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  // For the sanitizers.
  const void* bottom_ = nullptr;
  [[maybe_unused]] std::size_t size_ = 0;
  [[maybe_unused]] void* fake_stack_ = nullptr;
  [[maybe_unused]] void* tsan_fiber_ = nullptr;
};

}  // namespace sluice::model
