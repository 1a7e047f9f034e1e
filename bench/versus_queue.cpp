// bench/versus_queue.cpp: our queue and what a user would otherwise pick, doing the same.
//
//   producer x P -> queue of 1024 -> consumer x C      P = C = 1, 2, 4; 8-byte items; batch 1 and
//   64
//
// Question: what does a bounded, blocking queue that accounts for every item cost beside queues
// that promise less? SPDX-License-Identifier: MIT
#include <peers/library_queues.hpp>
#include <peers/mutex_queues.hpp>
#include <peers/sluice_queue.hpp>
#include <peers/spsc_ring.hpp>
#include <support/queue_job.hpp>
#include <support/tournament.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace sluice::bench;

using Item = std::uint64_t;

template <typename Q>
Contestant contestant(const QueueShape& shape, std::string name, std::string about,
                      bool busy = false) {
  return {name, std::move(about), busy,
          [shape, name](std::uint64_t items, Placement placement) {
            move_through_queue<Q>(name, shape, items, placement);
            return Latency{};
          },
          0};
}

std::vector<Contestant> one_at_a_time(const QueueShape& shape) {
  std::vector<Contestant> all{
      contestant<SluiceQueue<Item>>(shape, "sluice", "bounded, blocks, accounts"),
      contestant<UnaccountedSluiceQueue<Item>>(shape, "sluice, nothing settled",
                                               "bounded, blocks; task_done is never called"),
      contestant<MutexQueue<Item>>(shape, "mutex+cv", "bounded, blocks"),
      contestant<AccountedMutexQueue<Item>>(shape, "mutex+cv task_done",
                                            "bounded, blocks, accounts"),
      contestant<TbbQueue<Item>>(shape, "oneTBB bounded", "bounded, blocks"),
      contestant<MoodyQueue>(shape, "moodycamel blocking", "unbounded, blocks when empty"),
      contestant<BoundedMoodyQueue>(shape, "moodycamel + semaphore", "bounded, blocks"),
      contestant<BoostQueue>(shape, "boost lockfree", "bounded, polls with yield", true),
  };
  if (shape.producers == 1 && shape.consumers == 1) {
    all.push_back(contestant<MoodyRingQueue>(shape, "moodycamel ring", "1p1c, bounded, blocks"));
    all.push_back(contestant<MoodyReaderWriterQueue>(shape, "moodycamel reader-writer",
                                                     "1p1c, unbounded, blocks when empty"));
    all.push_back(
        contestant<BoostSpscQueue>(shape, "boost spsc", "1p1c, bounded, polls with yield", true));
    all.push_back(contestant<SpscRing>(shape, "bare ring", "1p1c, bounded, polls", true));
  }
  return all;
}

std::vector<Contestant> in_batches(const QueueShape& shape) {
  std::vector<Contestant> all{
      contestant<SluiceQueue<Item>>(shape, "sluice", "bounded, blocks, accounts"),
      contestant<UnaccountedSluiceQueue<Item>>(shape, "sluice, nothing settled",
                                               "bounded, blocks; task_done is never called"),
      contestant<BatchedMutexQueue<Item>>(shape, "mutex+cv ring", "bounded, blocks"),
      contestant<TbbQueue<Item>>(shape, "oneTBB bounded", "bounded, blocks, has no batches"),
      contestant<MoodyQueue>(shape, "moodycamel blocking", "unbounded, blocks when empty"),
      contestant<BoundedMoodyQueue>(shape, "moodycamel + semaphore", "bounded, blocks"),
  };
  if (shape.producers == 1 && shape.consumers == 1) {
    all.push_back(
        contestant<BoostSpscQueue>(shape, "boost spsc", "1p1c, bounded, polls with yield", true));
    all.push_back(contestant<SpscRing>(shape, "bare ring", "1p1c, bounded, polls", true));
  }
  return all;
}

std::vector<Group> groups() {
  std::vector<Group> all;
  for (const std::size_t batch : {1U, 64U}) {
    for (const std::size_t side : {1U, 2U, 4U}) {
      const QueueShape shape{side, side, 1024, batch};
      all.push_back({.name = fmt::format("queue/producers:{}/consumers:{}/capacity:{}/batch:{}",
                                         side, side, shape.capacity, batch),
                     .contestants = batch == 1 ? one_at_a_time(shape) : in_batches(shape)});
    }
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) { return hold_tournament("versus_queue", argc, argv, groups()); }
