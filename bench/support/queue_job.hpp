// bench/support/queue_job.hpp: moves numbers through a queue with any number of producers and
// consumers, one at a time or in batches, and checks that all arrived.
//
//   producer x P -> queue -> consumer x C
//
// Works on anything with put and get; put_many, get_many, task_done and join are used when there.
// Each consumer takes a fixed share: peers have no close() in common, and a stop mark would
// overtake items in queues that keep no order between producers. Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/crew.hpp>
#include <support/duel.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sluice::bench {

struct QueueShape {
  std::size_t producers = 1;
  std::size_t consumers = 1;
  std::size_t capacity = 1024;
  std::size_t batch = 1;
};

inline constexpr std::size_t kMaxBatch = 64;

/// Two sums over a set of numbers: loss, duplication and most swaps of values change them.
class SetCheck {
 public:
  void add(std::uint64_t value) noexcept {
    sum_ += value;
    squares_ += value * value;
  }
  void add(const SetCheck& other) noexcept {
    sum_ += other.sum_;
    squares_ += other.squares_;
  }
  /// Throws WrongResult unless the numbers were 0 to count - 1, modulo 2^64. Costs nothing per
  /// number, so that it may be part of a timed run.
  void require_first(std::uint64_t count, const std::string& what) const {
    if (count == 0) {
      check_result(what + ": items", sum_ | squares_, 0);
      return;
    }
    // 0 + 1 + ... = n (n-1) / 2 and 0 + 1 + 4 + ... = n (n-1) (2n-1) / 6, divided before
    // multiplied.
    std::array<std::uint64_t, 3> factors{count, count - 1, 2 * count - 1};
    factors[count % 2] /= 2;
    check_result(what + ": sum of the items", sum_, factors[0] * factors[1]);
    for (std::uint64_t& factor : factors) {
      if (factor % 3 != 0) continue;
      factor /= 3;
      break;
    }
    check_result(what + ": sum of their squares", squares_, factors[0] * factors[1] * factors[2]);
  }

 private:
  std::uint64_t sum_ = 0;
  std::uint64_t squares_ = 0;
};

/// The i-th of `parts` nearly equal shares of 0..items-1.
[[nodiscard]] inline std::pair<std::uint64_t, std::uint64_t> share(std::uint64_t items,
                                                                   std::size_t i,
                                                                   std::size_t parts) {
  return {items * i / parts, items * (i + 1) / parts};
}

template <typename Q>
concept HasBatches = requires(Q queue, std::span<std::uint64_t> values) {
  queue.put_many(values);
  queue.get_many(values);
};

template <typename Q>
void produce(Q& queue, std::uint64_t first, std::uint64_t last, std::size_t batch) {
  if constexpr (HasBatches<Q>) {
    if (batch > 1 || !requires { queue.put(first); }) {
      std::array<std::uint64_t, kMaxBatch> values;
      while (first < last) {
        const std::size_t count = std::min<std::uint64_t>(batch, last - first);
        for (std::size_t i = 0; i < count; ++i) {
          values[i] = first++;
        }
        queue.put_many(std::span<std::uint64_t>(values.data(), count));
      }
      return;
    }
  }
  if constexpr (requires { queue.put(first); }) {
    while (first < last) {
      queue.put(first++);
    }
  }
}

template <typename Q>
void settle(Q& queue, std::size_t count) {
  if constexpr (requires { queue.task_done(count); }) {
    queue.task_done(count);
  } else if constexpr (requires { queue.task_done(); }) {
    for (std::size_t i = 0; i < count; ++i) {
      queue.task_done();
    }
  }
}

template <typename Q>
SetCheck consume(Q& queue, std::uint64_t count, std::size_t batch) {
  SetCheck check;
  if constexpr (HasBatches<Q>) {
    if (batch > 1 || !requires { queue.get(); }) {
      std::array<std::uint64_t, kMaxBatch> values;
      while (count > 0) {
        const std::size_t got = queue.get_many(
            std::span<std::uint64_t>(values.data(), std::min<std::uint64_t>(batch, count)));
        for (std::size_t i = 0; i < got; ++i) {
          check.add(values[i]);
        }
        settle(queue, got);
        count -= got;
      }
      return check;
    }
  }
  if constexpr (requires { queue.get(); }) {
    for (; count > 0; --count) {
      check.add(queue.get());
      settle(queue, 1);
    }
  }
  return check;
}

/// Moves the numbers 0..items-1 through a fresh `Q(capacity)` and checks that they all arrived.
///
/// Throws   WrongResult when they did not.
template <typename Q>
void move_through_queue(const std::string& what, const QueueShape& shape, std::uint64_t items,
                        Placement placement) {
  Q queue(shape.capacity);
  std::vector<SetCheck> checks(shape.consumers);
  std::vector<std::function<void()>> jobs;
  // Producers and consumers in turns: pinned, all producers share one CPU and all consumers the
  // other.
  for (std::size_t i = 0; i < std::max(shape.producers, shape.consumers); ++i) {
    if (i < shape.producers) {
      jobs.emplace_back([&, i] {
        const auto [first, last] = share(items, i, shape.producers);
        produce(queue, first, last, shape.batch);
      });
    }
    if (i < shape.consumers) {
      jobs.emplace_back([&, i] {
        const auto [first, last] = share(items, i, shape.consumers);
        checks[i] = consume(queue, last - first, shape.batch);
      });
    }
  }
  run_together(placement, jobs);
  if constexpr (requires { queue.join(); }) queue.join();
  SetCheck all;
  for (const SetCheck& check : checks) {
    all.add(check);
  }
  all.require_first(items, what);
}

}  // namespace sluice::bench
