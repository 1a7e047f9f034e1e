// bench/process_bench.cpp: bytes to another process, and back.
//
//   one way   parent -> worker, which reads them; ours acknowledges every item besides
//   echo      parent -> worker -> parent, a bounded number of items under way
//   trip      one item at a time there and back
//   stages    worker -> parent -> other worker, as from one process stage to the next; the payload is a
//             SharedBytes, which goes by reference or is copied
//
// Question: what does a worker process cost beside a worker thread's memory, and beside what people
// otherwise use between processes? Ours has a lease per item, one commit per item, and survives the
// worker's death at any moment; the others lose what was under way.
// SPDX-License-Identifier: MIT
#include <peers/process_links.hpp>
#include <peers/python_queue.hpp>
#include <process_relay.hpp>
#include <sluice/os/event_sleep.hpp>
#include <sluice/process/channel.hpp>
#include <support/numbered_items.hpp>
#include <support/queue_job.hpp>
#include <support/tournament.hpp>
#include <support/two_processes.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice::bench;
using sluice::detail::ChannelPlan;
using sluice::detail::EventCounter;
using sluice::detail::EventSleep;
using sluice::detail::Lease;
using sluice::detail::LeaseChannel;
using sluice::detail::Record;
using sluice::detail::RecordType;
using sluice::detail::WorkerChannel;
using Clock = std::chrono::steady_clock;

std::size_t under_way(std::size_t size) {
  return std::clamp<std::size_t>(std::size_t{128 << 10} / size, 1,
                                 128);  // 2 large ones would fill both ways of a socket
}

// What fits between two processes: as many bytes as our log has, or 4 items.
std::size_t slots(std::size_t size) {
  return std::clamp<std::size_t>(std::size_t{256 << 10} / size, 4, 128);
}

Latency quantiles(std::vector<float>& trips_ns) {
  std::sort(trips_ns.begin(), trips_ns.end());
  const auto at = [&](double p) {
    const auto rank = static_cast<std::size_t>(p * static_cast<double>(trips_ns.size() - 1));
    return static_cast<double>(trips_ns[rank]);
  };
  return {at(0.5), at(0.99), at(0.999)};
}

// ---- the others -----------------------------------------------------------------------------------

template <class Link>
void end_of_child(Link& link) {
  if constexpr (requires { link.finish(); }) link.finish();
}

template <class Link>
Latency link_one_way(const std::string& name, std::size_t size, std::uint64_t items,
                     Placement placement) {
  Link link(size, slots(size));
  run_in_two_processes(
      name, placement,
      [&] {
        NumberedItems source(size);
        for (std::uint64_t i = 0; i < items; ++i) link.send(source.item(i));
      },
      [&] {
        SetCheck check;
        for (std::uint64_t i = 0; i < items; ++i) check.add(read_item(link.receive()));
        check.require_first(items, name);
        end_of_child(link);
      });
  return {};
}

// `window` items are under way, and each trip is timed when there is one.
template <class Link>
Latency link_echo(const std::string& name, std::size_t size, std::size_t window,
                  std::uint64_t items, Placement placement) {
  Link down(size, slots(size));
  Link up(size, slots(size));
  std::vector<float> trips_ns;
  trips_ns.reserve(window == 1 ? items : 0);
  run_in_two_processes(
      name, placement,
      [&] {
        NumberedItems source(size);
        std::uint64_t sent = 0;
        for (std::uint64_t i = 0; i < items; ++i) {
          const auto begin = window == 1 ? Clock::now() : Clock::time_point();
          while (sent < items && sent < i + window) down.send(source.item(sent++));
          check_result(name + ": echo", read_item(up.receive()), i);
          if (window != 1) continue;
          trips_ns.push_back(std::chrono::duration<float, std::nano>(Clock::now() - begin).count());
        }
      },
      [&] {
        for (std::uint64_t i = 0; i < items; ++i) {
          const Item item = down.receive();
          static_cast<void>(read_item(item));
          up.send(item);
        }
        end_of_child(up);
      });
  return trips_ns.empty() ? Latency{} : quantiles(trips_ns);
}

// ---- ours -----------------------------------------------------------------------------------------

struct Ours {
  ChannelPlan plan{};
  std::size_t publish_every = 64;  // or 16 KiB, as the engine does
  std::size_t window = 0;          // 0: what the log holds
  std::chrono::nanoseconds router_spin{20'000};
};

ChannelPlan plan_for(std::size_t size, ChannelPlan::Kind kind) {
  const std::size_t bytes = std::max<std::size_t>(std::size_t{1} << 18, 4 * size);
  return {.kind = kind,
          .down_bytes = bytes,
          .up_bytes = bytes,
          .spin = std::chrono::microseconds(20),
          .times = false};
}

// Spins, then sleeps, as a router does that has nothing to do.
class Idle {
 public:
  Idle(LeaseChannel& channel, const EventCounter& router, std::chrono::nanoseconds spin)
      : channel_(channel), sleep_(router, channel.descriptor()), spin_(spin) {}
  void wait() {
    const auto begin = Clock::now();
    for (unsigned turn = 1;; ++turn) {
      if (channel_.has_records(false)) return;
      sluice::detail::cpu_pause();
      if (turn % 16 == 0 && Clock::now() - begin >= spin_) break;
    }
    channel_.announce_sleep(1);
    if (!channel_.has_records(true)) {
      if (sleep_.wait() == EventSleep::End::hung_up && !channel_.has_records(true)) {
        throw WrongResult("the worker is gone");
      }
    }
    channel_.end_sleep();
  }

 private:
  LeaseChannel& channel_;
  EventSleep sleep_;
  std::chrono::nanoseconds spin_;
};

void serve(WorkerChannel& channel, bool echo, std::uint64_t items, const std::string& name) {
  SetCheck check;
  Lease lease;
  while (channel.take(lease)) {
    channel.begin(lease.ticket);
    check.add(read_item(lease.bytes));
    if (echo) channel.append(RecordType::output, 0, lease.bytes);
    channel.commit(RecordType::done, lease.ticket, {});
  }
  check.require_first(items, name);
}

void drive(LeaseChannel& channel, const EventCounter& router, const Ours& ours, std::size_t size,
           bool echo, std::uint64_t items, std::vector<float>& trips_ns) {
  NumberedItems source(size);
  Idle idle(channel, router, ours.router_spin);
  const std::uint64_t window = ours.window == 0 ? ~std::uint64_t{0} / 2 : ours.window;
  const std::size_t publish_every =
      std::clamp<std::size_t>((std::size_t{16} << 10) / size, 1, ours.publish_every);
  std::uint64_t sent = 0;
  std::uint64_t done = 0;
  std::uint64_t echoed = 0;
  Record record;
  while (done < items) {
    const auto begin = window == 1 ? Clock::now() : Clock::time_point();
    bool moved = false;
    for (int burst = 0; burst < 64 && sent < items && sent < done + window; ++burst) {
      if (!channel.lend({.ticket = sent + 1, .item = sent, .bytes = source.item(sent)})) break;
      if (++sent % publish_every == 0) channel.publish();
      moved = true;
    }
    channel.publish();
    do {
      while (channel.next(record)) {
        moved = true;
        if (record.type == RecordType::output) {
          check_result("ours: echo", read_item(record.bytes), echoed++);
        } else {
          check_result("ours: ticket", record.ticket, ++done);
        }
      }
      channel.free_read();
      if (!moved || (window == 1 && done < sent)) idle.wait();
    } while (window == 1 && done < sent);
    if (window != 1) continue;
    trips_ns.push_back(std::chrono::duration<float, std::nano>(Clock::now() - begin).count());
  }
  channel.request_stop();
  check_result("ours: echoes", echoed, echo ? items : 0);
}

Latency ours_run(const std::string& name, const Ours& ours, std::size_t size, bool echo,
                 std::uint64_t items, Placement placement) {
  const EventCounter router;
  auto made = sluice::detail::make_channel(ours.plan, router);
  std::vector<float> trips_ns;
  trips_ns.reserve(ours.window == 1 ? items : 0);
  run_in_two_processes(
      name, placement,
      [&] {
        made.for_the_worker.clear();
        drive(*made.parent, router, ours, size, echo, items, trips_ns);
      },
      [&] {
        std::vector<int> numbers;
        for (auto& descriptor : made.for_the_worker) numbers.push_back(descriptor.release());
        serve(*sluice::detail::open_worker_channel(numbers), echo, items, name);
      });
  return trips_ns.empty() ? Latency{} : quantiles(trips_ns);
}

Contestant ours(const std::string& name, std::string about, const Ours& how, std::size_t size,
                bool echo) {
  return {.name = name,
          .about = std::move(about),
          .run = [=](std::uint64_t items, Placement placement) {
            return ours_run(name, how, size, echo, items, placement);
          }};
}

void add_python(std::vector<Contestant>& to, std::size_t size, bool echo) {
  if (!has_python()) return;
  to.push_back({.name = "python multiprocessing.Queue",
                .about = "pickles; a feeder thread and a pipe; its start included",
                .run =
                    [=](std::uint64_t items, Placement) {
                      move_through_python(items, size, echo);
                      return Latency{};
                    },
                .fixed_items = size > 100'000 ? 100U : 10'000U});
}

// ---- groups ---------------------------------------------------------------------------------------

template <class Link>
void add_link(std::vector<Contestant>& to, const std::string& name, std::string about,
              std::size_t size, std::size_t window) {
  to.push_back({.name = name,
                .about = std::move(about),
                .run = [=](std::uint64_t items, Placement placement) {
                  return window == 0 ? link_one_way<Link>(name, size, items, placement)
                                     : link_echo<Link>(name, size, window, items, placement);
                }});
}

void add_links(std::vector<Contestant>& to, std::size_t size, std::size_t window) {
  add_link<BareHandOff>(to, "bare hand-off", "shared ring, memcpy, polls; no account", size,
                        window);
  add_link<PipeLink>(to, "pipe", "one write per item, 1 MiB of buffer", size, window);
  add_link<SocketLink>(to, "socketpair", size <= 65'536 ? "SEQPACKET" : "STREAM", size, window);
  if (size <= 8192 && window <= 16) {
    add_link<PosixQueueLink>(to, "posix queue", "10 items deep", size, window);
  }
  add_link<BoostQueueLink>(to, "boost message_queue", "mutex and condition variables in memory",
                           size, window);
#ifdef SLUICE_BENCH_ZEROMQ
  add_link<ZeroMqLink>(to, "zeromq ipc", "PUSH and PULL, threads of its own", size, window);
#endif
}

std::string size_name(std::size_t size) {
  return size < 1024        ? fmt::format("{}B", size)
         : size < (1 << 20) ? fmt::format("{}KiB", size >> 10)
                            : fmt::format("{}MiB", size >> 20);
}

Group throughput(std::size_t size, bool echo) {
  Group group{.name = fmt::format("process/{}/size:{}", echo ? "echo" : "one_way", size_name(size)),
              .contestants = {}};
  const std::size_t window = echo ? under_way(size) : 0;
  Ours how{.plan = plan_for(size, ChannelPlan::Kind::log), .window = window};
  auto& all = group.contestants;
  all.push_back(
      ours("sluice", "a lease and a commit per item, up to 64 leases a publish", how, size, echo));
  how.publish_every = 1;
  all.push_back(ours("sluice, publish each", "a publish per lease", how, size, echo));
  how.publish_every = 64;
  how.plan.times = true;
  all.push_back(ours("sluice, with times", "the clock is read per item", how, size, echo));
  how.plan = plan_for(size, ChannelPlan::Kind::packet);
  all.push_back(ours("sluice, packets", "the simple channel", how, size, echo));
  add_links(all, size, window);
  add_python(all, size, echo);
  return group;
}

Group stages(std::size_t size) {
  Group group{.name = fmt::format("process/stages/size:{}", size_name(size)), .contestants = {}};
  auto& all = group.contestants;
  const auto add = [&](const char* name, const char* about, std::size_t slots) {
    ChannelPlan plan = plan_for(size, ChannelPlan::Kind::log);
    plan.block_slots = slots;
    all.push_back(
        {.name = name, .about = about, .run = [=](std::uint64_t items, Placement placement) {
           relay_items(name, plan, size, items, placement);
           return Latency{};
         }});
  };
  add("sluice, by reference", "from 16 KiB on: a copy on each side, none between", 64);
  add("sluice, copied", "decoded and encoded again between the stages", 0);
  add_link<BareHandOff>(all, "bare hand-off", "from one to the other, nobody between", size, 0);
  return group;
}

Group trips(bool spinning) {
  constexpr std::size_t kSize = 64;
  Group group{.name = fmt::format("process/trip/size:64B/wait:{}", spinning ? "spin" : "sleep"),
              .figure = Figure::p50,
              .contestants = {}};
  Ours how{.plan = plan_for(kSize, ChannelPlan::Kind::log), .publish_every = 1, .window = 1};
  how.plan.spin = spinning ? std::chrono::seconds(1) : std::chrono::seconds(0);
  how.router_spin = how.plan.spin;
  auto& all = group.contestants;
  if (spinning) {
    all.push_back(ours("sluice, spins", "a lease and a commit", how, kSize, true));
    add_link<BareHandOff>(all, "bare hand-off", "shared ring, polls", kSize, 1);
    return group;
  }
  all.push_back(ours("sluice, sleeps", "both sides sleep at once", how, kSize, true));
  how.plan.kind = ChannelPlan::Kind::packet;
  all.push_back(ours("sluice, packets", "the simple channel", how, kSize, true));
  std::vector<Contestant> links;
  add_links(links, kSize, 1);
  for (Contestant& link : links) {
    if (link.name != "bare hand-off") all.push_back(std::move(link));
  }
  return group;
}

std::vector<Group> groups() {
  std::vector<Group> all;
  for (const std::size_t size :
       {std::size_t{8}, std::size_t{64}, std::size_t{4096}, std::size_t{1} << 20}) {
    for (const bool echo : {false, true}) all.push_back(throughput(size, echo));
  }
  for (const std::size_t size :
       {std::size_t{4096}, std::size_t{1} << 14, std::size_t{1} << 16, std::size_t{1} << 20}) {
    all.push_back(stages(size));
  }
  all.push_back(trips(true));
  all.push_back(trips(false));
  return all;
}

}  // namespace

int main(int argc, char** argv) { return hold_tournament("process", argc, argv, groups()); }
