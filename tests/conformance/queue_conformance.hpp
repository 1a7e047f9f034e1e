// conformance/queue_conformance.hpp: the queues that must keep the contract, and how the tests block.
//
// Every test case of queue_*_test.cpp is a template over a flavour and is run for each of
//   Fifo (Queue), Lifo (LifoQueue), Priority (PriorityQueue).
// A further queue joins by one more flavour here. The clauses (Q1 to Q17, SimpleQueue) are those of
// the queue module of CPython 3.13, whose vocabulary the framework has taken over; what C++ makes
// meaningless is said where the test would be.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/ordered_queue.hpp>
#include <sluice/queue.hpp>

#include <support/off_thread_checks.hpp>
#include <support/scale.hpp>
#include <support/throwing_move.hpp>
#include <support/watchdog.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::conformance {

using testing_support::OffThreadChecks;
using testing_support::scaled;
using testing_support::StateDump;
using testing_support::wait_until;

using namespace std::chrono_literals;

/// Compares by value() where there is one.
struct ByValue {
  template <class T>
  bool operator()(const T& a, const T& b) const {
    if constexpr (requires { a.value(); }) {
      return a.value() < b.value();
    } else {
      return a < b;
    }
  }
};

struct Fifo {
  template <class T>
  using Queue = sluice::Queue<T>;
  static constexpr bool kFifo = true;
  static std::vector<int> order(std::vector<int> put) { return put; }
};

struct Lifo {
  template <class T>
  using Queue = sluice::LifoQueue<T>;
  static constexpr bool kFifo = false;
  static std::vector<int> order(std::vector<int> put) {
    std::reverse(put.begin(), put.end());
    return put;
  }
};

struct Priority {
  template <class T>
  using Queue = sluice::PriorityQueue<T, ByValue>;
  static constexpr bool kFifo = false;
  static std::vector<int> order(std::vector<int> put) {
    std::sort(put.begin(), put.end());
    return put;
  }
};

#define SLUICE_QUEUE_FLAVOURS \
  ::sluice::conformance::Fifo, ::sluice::conformance::Lifo, ::sluice::conformance::Priority

/// A thread that makes one call which is expected to block, and keeps what it returned.
template <class Result>
class Call {
 public:
  template <class Function>
  explicit Call(Function function)
      : thread_([this, function]() mutable {
          try {
            result_ = function();
          } catch (...) {
            threw_ = true;
          }
          returned_.store(true, std::memory_order_release);
        }) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] bool returned() const { return returned_.load(std::memory_order_acquire); }
  /// Blocks until the call has returned.
  const Result& result() {
    if (thread_.joinable()) thread_.join();
    return result_;
  }
  [[nodiscard]] bool threw() {
    if (thread_.joinable()) thread_.join();
    return threw_;
  }

 private:
  Result result_{};
  bool threw_ = false;
  std::atomic<bool> returned_{false};
  std::thread thread_;  // last: it uses what is above
};

/// Until so many threads are asleep (or about to be) inside the queue. This is how a test knows that
/// a call really blocks; a call that does not block never gets there and the watchdog ends the test.
template <class Q>
void wait_for_putters(const Q& queue, std::uint32_t count) {
  wait_until([&] { return queue.put_waiters() == count; });
}
template <class Q>
void wait_for_getters(const Q& queue, std::uint32_t count) {
  wait_until([&] { return queue.get_waiters() == count; });
}
template <class Q>
void wait_for_joiners(const Q& queue, std::uint32_t count) {
  wait_until([&] { return queue.join_waiters() == count; });
}

/// What the watchdog prints about a queue.
template <class Q>
std::string state_of(const Q& queue) {
  return "size " + std::to_string(queue.size()) + " of " + std::to_string(queue.capacity()) +
         ", put " + std::to_string(queue.put_count()) + ", got " +
         std::to_string(queue.got_count()) + ", done " + std::to_string(queue.done_count()) +
         ", dropped " + std::to_string(queue.dropped_count()) + ", closed " +
         std::to_string(queue.is_closed()) + ", waiting: " + std::to_string(queue.put_waiters()) +
         " putters, " + std::to_string(queue.get_waiters()) + " getters, " +
         std::to_string(queue.join_waiters()) + " joiners";
}

/// Whether the account balances: every item put is got, dropped or queued.
template <class Q>
bool balances(const Q& queue) {
  return queue.put_count() == queue.got_count() + queue.dropped_count() + queue.size() &&
         queue.unfinished() == queue.put_count() - queue.done_count() - queue.dropped_count();
}

}  // namespace sluice::conformance

// So that a failing comparison says which outcome there was.
namespace Catch {

template <>
struct StringMaker<sluice::PutStatus> {
  static std::string convert(sluice::PutStatus status) {
    switch (status) {
      case sluice::PutStatus::ok:
        return "ok";
      case sluice::PutStatus::full:
        return "full";
      case sluice::PutStatus::closed:
        return "closed";
      case sluice::PutStatus::stopped:
        return "stopped";
    }
    return "?";
  }
};

template <>
struct StringMaker<sluice::GetStatus> {
  static std::string convert(sluice::GetStatus status) {
    switch (status) {
      case sluice::GetStatus::ok:
        return "ok";
      case sluice::GetStatus::empty:
        return "empty";
      case sluice::GetStatus::closed:
        return "closed";
      case sluice::GetStatus::stopped:
        return "stopped";
    }
    return "?";
  }
};

}  // namespace Catch
