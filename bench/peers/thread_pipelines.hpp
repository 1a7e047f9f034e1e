// bench/peers/thread_pipelines.hpp: pipelines as people build them by hand, a thread per stage and
// a queue of 1024 between neighbours.
//
// Each function takes the queue as a parameter. The end is known by count, so that no peer has to
// carry a stop mark.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/chain.hpp>
#include <support/crew.hpp>
#include <support/queue_job.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace sluice::bench {

inline constexpr std::size_t kEdgeCapacity = 1024;

/// One end of a queue that moves single items or private batches of 64, whatever the queue offers.
/// A batch is held back until it is full or flush() is called.
template <typename T, typename Q>
class Output {
 public:
  explicit Output(Q& queue) : queue_(queue) {}
  void put(const T& value) {
    if constexpr (requires { queue_.put(value); }) {
      queue_.put(value);
    } else {
      batch_[size_++] = value;
      if (size_ == batch_.size()) flush();
    }
  }
  void flush() {
    if constexpr (!requires(T value) { queue_.put(value); }) {
      queue_.put_many(std::span<const T>(batch_.data(), size_));
      size_ = 0;
    }
  }

 private:
  Q& queue_;
  std::array<T, kMaxBatch> batch_;
  std::size_t size_ = 0;
};

/// Calls `use` on `count` items of the queue.
template <typename T, typename Q, typename Use>
void take_each(Q& queue, std::uint64_t count, Use use) {
  if constexpr (requires { queue.get(); }) {
    for (; count > 0; --count) {
      use(queue.get());
    }
  } else {
    std::array<T, kMaxBatch> batch;
    while (count > 0) {
      const std::size_t got =
          queue.get_many(std::span<T>(batch.data(), std::min<std::uint64_t>(batch.size(), count)));
      for (std::size_t i = 0; i < got; ++i) {
        use(batch[i]);
      }
      count -= got;
    }
  }
}

template <template <typename> typename Q>
void threads_chain(const Chain& chain, std::uint64_t items, Placement placement) {
  using Queue = Q<std::uint64_t>;
  std::vector<std::unique_ptr<Queue>> edges;
  for (std::size_t i = 0; i + 1 < chain.stages; ++i) {
    edges.push_back(std::make_unique<Queue>(kEdgeCapacity));
  }
  InOrder sink(chain.work, chain.stages);
  std::vector<std::function<void()>> stages;
  stages.emplace_back([&] {
    Output<std::uint64_t, Queue> out(*edges.front());
    for (std::uint64_t i = 0; i < items; ++i) {
      out.put(chain.work(i));
    }
    out.flush();
  });
  for (std::size_t stage = 1; stage + 1 < chain.stages; ++stage) {
    stages.emplace_back([&, stage] {
      Output<std::uint64_t, Queue> out(*edges[stage]);
      take_each<std::uint64_t>(*edges[stage - 1], items,
                               [&](std::uint64_t value) { out.put(chain.work(value)); });
      out.flush();
    });
  }
  stages.emplace_back([&] {
    take_each<std::uint64_t>(*edges.back(), items,
                             [&](std::uint64_t value) { sink.take(chain.work(value)); });
  });
  run_together(placement, stages);
  sink.require("threads", items);
}

/// Puts numbered results back into order; holds back what came too early.
class Reorder {
 public:
  explicit Reorder(InOrder& sink) : sink_(sink) {}

  void take(const Numbered& item) {
    if (item.number - next_ >= early_.size()) grow(item.number - next_ + 1);
    Slot& slot = early_[item.number % early_.size()];
    slot = {true, item.value};
    for (Slot* first = &early_[next_ % early_.size()]; first->full;
         first = &early_[next_ % early_.size()]) {
      first->full = false;
      sink_.take(first->value);
      ++next_;
    }
  }

 private:
  struct Slot {
    bool full = false;
    std::uint64_t value = 0;
  };

  void grow(std::uint64_t wanted) {
    std::vector<Slot> larger(std::max<std::size_t>(2 * early_.size(), wanted));
    for (std::uint64_t i = 0; i < early_.size(); ++i) {
      larger[(next_ + i) % larger.size()] = early_[(next_ + i) % early_.size()];
    }
    early_ = std::move(larger);
  }

  InOrder& sink_;
  std::uint64_t next_ = 0;
  std::vector<Slot> early_ = std::vector<Slot>(4096);
};

/// The threads of a farm over any queue: `make` makes the i-th item, `work` turns an item into
/// another, `use` takes the results.
template <typename Item, typename Queue, typename Make, typename DoWork, typename Use>
void run_farm(std::size_t workers, std::uint64_t items, Placement placement, Make make, DoWork work,
              Use use) {
  Queue todo(kEdgeCapacity);
  Queue done(kEdgeCapacity);
  std::vector<std::function<void()>> threads;
  // The workers come first, so that pinned ones get a CPU each.
  for (std::size_t i = 0; i < workers; ++i) {
    threads.emplace_back([&, i] {
      const auto [first, last] = share(items, i, workers);
      Output<Item, Queue> out(done);
      take_each<Item>(todo, last - first, [&](const Item& item) { out.put(work(item)); });
      out.flush();
    });
  }
  threads.emplace_back([&] {
    Output<Item, Queue> out(todo);
    for (std::uint64_t i = 0; i < items; ++i) {
      out.put(make(i));
    }
    out.flush();
  });
  threads.emplace_back([&] { take_each<Item>(done, items, use); });
  run_together(placement, threads);
}

template <template <typename> typename Q>
void threads_farm(const Farm& farm, std::uint64_t items, Placement placement) {
  if (farm.ordered) {
    InOrder sink(farm.work, 1);
    Reorder reorder(sink);
    run_farm<Numbered, Q<Numbered>>(
        farm.workers, items, placement,
        [](std::uint64_t i) {
          return Numbered{i, i};
        },
        [&](const Numbered& item) {
          return Numbered{item.number, farm.work(item.value)};
        },
        [&](const Numbered& item) { reorder.take(item); });
    sink.require("threads", items);
  } else {
    AnyOrder sink(farm.work, 1);
    run_farm<std::uint64_t, Q<std::uint64_t>>(
        farm.workers, items, placement, [](std::uint64_t i) { return i; },
        [&](std::uint64_t value) { return farm.work(value); },
        [&](std::uint64_t value) { sink.take(value); });
    sink.require("threads", items);
  }
}

}  // namespace sluice::bench
