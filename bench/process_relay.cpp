// bench/process_relay.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <poll.h>

#include <process_relay.hpp>
#include <sluice/codec.hpp>
#include <sluice/shared_bytes.hpp>
#include <support/duel.hpp>
#include <support/numbered_items.hpp>
#include <support/queue_job.hpp>
#include <support/two_processes.hpp>

#include <deque>
#include <vector>

namespace sluice::bench {
namespace {

using detail::ChannelPlan;
using detail::EventCounter;
using detail::Lease;
using detail::LeaseChannel;
using detail::Record;
using detail::RecordType;
using detail::WorkerChannel;

struct Load {
  std::uint64_t number = 0;
  SharedBytes bytes{};
};

// Makes a payload for each lease.
void make_loads(WorkerChannel& channel, std::size_t size) {
  Lease lease;
  NumberedItems source(size);
  Bytes encoded;
  while (channel.take(lease)) {
    channel.begin(lease.ticket);
    const Load load{.number = lease.item, .bytes = SharedBytes::copy_of(source.item(lease.item))};
    encoded.clear();
    encode(load, encoded, channel.blocks_to_append());
    channel.append(RecordType::output, 0, encoded.view());
    channel.commit(RecordType::done, lease.ticket, {});
  }
}

void read_loads(WorkerChannel& channel, std::uint64_t items, const std::string& name) {
  SetCheck check;
  Lease lease;
  while (channel.take(lease)) {
    channel.begin(lease.ticket);
    const auto load = decode<Load>(lease.bytes, channel.blocks_taken());
    check.add(read_item(load.bytes));
    channel.commit(RecordType::done, lease.ticket, {});
  }
  check.require_first(items, name);
}

// What two workers of the parent do between them, for a pair of stages.
class Relay {
 public:
  Relay(LeaseChannel& from, LeaseChannel& to, const EventCounter& router, std::uint64_t items,
        std::size_t window)
      : from_(from), to_(to), router_(router), items_(items), window_(window) {}

  void run() {
    while (done_ < items_) {
      bool moved = ask();
      moved = collect() || moved;
      moved = pass_on() || moved;
      moved = settle() || moved;
      if (!moved) sleep();
    }
    from_.request_stop();
    to_.request_stop();
  }

 private:
  bool ask() {
    bool moved = false;
    while (asked_ < items_ && asked_ < done_ + window_) {
      if (!from_.lend({.ticket = asked_ + 1, .item = asked_})) break;
      ++asked_;
      moved = true;
    }
    if (moved) from_.publish();
    return moved;
  }
  bool collect() {
    bool moved = false;
    for (Record record; from_.next(record); moved = true) {
      if (record.type == RecordType::output) {
        held_.push_back(decode<Load>(record.bytes, from_.blocks_read()));
      }
    }
    if (moved) from_.free_read();
    return moved;
  }
  bool pass_on() {
    bool moved = false;
    for (; lent_ < held_.size(); ++lent_, moved = true) {
      encoded_.clear();
      encode(held_[lent_], encoded_, to_.blocks_to_lend());
      const std::uint64_t number = held_[lent_].number;
      if (!to_.lend({.ticket = number + 1, .item = number, .bytes = encoded_.view()})) break;
    }
    if (moved) to_.publish();
    return moved;
  }
  bool settle() {
    bool moved = false;
    for (Record record; to_.next(record); moved = true) {
      check_result("ours: ticket", record.ticket, ++done_);
      held_.pop_front();
      --lent_;
    }
    if (moved) to_.free_read();
    return moved;
  }

  void sleep() {
    from_.announce_sleep(1);
    to_.announce_sleep(1);
    if (!from_.has_records(true) && !to_.has_records(true)) {
      pollfd waited[] = {{router_.descriptor().number(), POLLIN, 0},
                         {from_.descriptor(), 0, 0},
                         {to_.descriptor(), 0, 0}};
      ::poll(waited, 3, -1);
      router_.lower();
      if (((waited[1].revents | waited[2].revents) & POLLHUP) != 0) {
        throw WrongResult("a worker is gone");
      }
    }
    from_.end_sleep();
    to_.end_sleep();
  }

  LeaseChannel& from_;
  LeaseChannel& to_;
  const EventCounter& router_;
  std::uint64_t items_;
  std::size_t window_;
  std::uint64_t asked_ = 0;
  std::uint64_t done_ = 0;
  std::deque<Load> held_{};  // the first lent_ of them are lent
  std::size_t lent_ = 0;
  Bytes encoded_{};
};

std::vector<int> numbers_of(detail::NewChannel& made) {
  std::vector<int> numbers;
  for (auto& descriptor : made.for_the_worker) numbers.push_back(descriptor.release());
  return numbers;
}

}  // namespace

void relay_items(const std::string& name, const detail::ChannelPlan& plan, std::size_t size,
                 std::uint64_t items, Placement placement) {
  const EventCounter router;
  auto first = detail::make_channel(plan, router);
  auto second = detail::make_channel(plan, router);
  const auto here = [&] {
    first.for_the_worker.clear();
    second.for_the_worker.clear();
    Relay(*first.parent, *second.parent, router, items, 8).run();
  };
  run_in_two_processes(
      name, placement,
      [&] {
        run_in_two_processes(name, placement, here, [&] {
          make_loads(*detail::open_worker_channel(numbers_of(first)), size);
        });
      },
      [&] { read_loads(*detail::open_worker_channel(numbers_of(second)), items, name); });
}

}  // namespace sluice::bench
