// model/fiber.cpp
// SPDX-License-Identifier: MIT
#include <model/fiber.hpp>

#include <cstdint>
#include <utility>

#include <cxxabi.h>

#if defined(__SANITIZE_ADDRESS__)
#define SLUICE_MODEL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_MODEL_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define SLUICE_MODEL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUICE_MODEL_TSAN 1
#endif
#endif

#if defined(SLUICE_MODEL_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(SLUICE_MODEL_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace sluice::model {
namespace {

// There is one real thread, so one of each.
Fiber* left = nullptr;
Fiber* entered = nullptr;

}  // namespace

Fiber::Fiber() {
#if defined(SLUICE_MODEL_TSAN)
  tsan_fiber_ = __tsan_get_current_fiber();
#endif
}

Fiber::Fiber(Entry entry, void* argument)
    : stack_(new char[kStackBytes]),
      entry_(entry),
      argument_(argument),
      bottom_(stack_.get()),
      size_(kStackBytes) {
#if defined(SLUICE_MODEL_TSAN)
  tsan_fiber_ = __tsan_create_fiber(0);
#endif
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_.get();
  context_.uc_stack.ss_size = kStackBytes;
  context_.uc_link = nullptr;
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  makecontext(&context_, reinterpret_cast<void (*)()>(&Fiber::start), 2,
              static_cast<unsigned>(std::uint64_t{self} >> 32),
              static_cast<unsigned>(self & 0xffffffffU));
}

Fiber::~Fiber() {
#if defined(SLUICE_MODEL_TSAN)
  if (stack_ != nullptr) __tsan_destroy_fiber(tsan_fiber_);
#endif
}

void Fiber::start(unsigned high, unsigned low) {
  const std::uint64_t self = std::uint64_t{high} << 32 | low;
  auto* fiber = reinterpret_cast<Fiber*>(static_cast<std::uintptr_t>(self));
  fiber->arrived();
  fiber->entry_(fiber->argument_);
}

Fiber::Exceptions& Fiber::exceptions_in_flight() noexcept {
  // The first members of the runtime's own record of a thread, by the Itanium C++ ABI.
  return *reinterpret_cast<Exceptions*>(abi::__cxa_get_globals());
}

void Fiber::switch_to(Fiber& next) {
  exceptions_ = std::exchange(exceptions_in_flight(), next.exceptions_);
  left = this;
  entered = &next;
#if defined(SLUICE_MODEL_ASAN)
  __sanitizer_start_switch_fiber(&fake_stack_, next.bottom_, next.size_);
#endif
#if defined(SLUICE_MODEL_TSAN)
  __tsan_switch_to_fiber(next.tsan_fiber_, 0);
#endif
  swapcontext(&context_, &next.context_);
  arrived();
}

// On the new stack: the fiber left is the one that switched here.
void Fiber::arrived() {
#if defined(SLUICE_MODEL_ASAN)
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(entered->fake_stack_, &bottom, &size);
  if (left->stack_ == nullptr) {
    left->bottom_ = bottom;
    left->size_ = size;
  }
#endif
}

}  // namespace sluice::model
