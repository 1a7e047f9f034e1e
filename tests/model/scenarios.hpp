// model/scenarios.hpp: the queue on the simulated machine, and the scenarios that other tests reuse.
// SPDX-License-Identifier: MIT
#pragma once

#include <model/model_sync.hpp>

#include <model/explore.hpp>
#include <model/item.hpp>

#include <sluice/queue.hpp>
#include <sluice/sync/queue_core_impl.hpp>

#include <chrono>
#include <cstddef>

namespace sluice::model {

using ModelQueue = detail::BasicQueue<Item, ModelSync>;
using ModelPoint = detail::BasicWaitPoint<ModelSync>;

/// Without spinning: a thread that finds nothing goes to sleep at once.
template <class T = Item>
[[nodiscard]] QueueOptions<T> sleepy(std::size_t capacity) {
  return {.capacity = capacity, .spin = std::chrono::nanoseconds{0}};
}

/// A deadline that the machine lets pass whenever it likes.
[[nodiscard]] inline Deadline some_time() { return Deadline::after(std::chrono::hours{1}); }

// queue_test.cpp
void one_producer_one_consumer(Execution& run);
void two_producers_one_consumer(Execution& run);
void one_producer_two_consumers(Execution& run);
void many_at_once(Execution& run);

// waiting_test.cpp
void sleeper_and_waker(Execution& run);
void getter_leaves_at_its_deadline(Execution& run);
void getter_leaves_on_stop(Execution& run);

// ending_test.cpp
void close_against_put_and_get(Execution& run);
void cancel_against_all(Execution& run);
void settlers_and_joiner(Execution& run);

}  // namespace sluice::model
