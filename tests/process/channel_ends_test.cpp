// process/channel_ends_test.cpp: room and its end, sleep, stop, and the death of either side, for both
// kinds of channel, with a thread and with a real process at the other end.
// SPDX-License-Identifier: MIT
#include <process/channel_scene.hpp>

#include <catch2/catch.hpp>

#include <support/scale.hpp>
#include <support/watchdog.hpp>

#include <sluice/error.hpp>
#include <sluice/os/memory_map.hpp>
#include <sluice/os/packet_socket.hpp>

#include <chrono>
#include <fstream>
#include <string>
#include <system_error>

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

namespace {

using namespace sluice::process_tests;
using namespace sluice::testing_support;
using namespace std::chrono_literals;
using Kind = ChannelPlan::Kind;
namespace detail = sluice::detail;

Setting any_setting() {
  return {GENERATE(Kind::log, Kind::packet), GENERATE(Host::thread, Host::process)};
}

void serve(WorkerChannel& channel, OffThreadChecks&) {
  Lease lease;
  while (channel.take(lease)) {
    channel.begin(lease.ticket);
    channel.commit(RecordType::done, lease.ticket, {});
  }
}

// How often a thread went to sleep, and whether it sleeps.
struct Sleeps {
  char state = '?';
  long count = -1;
};

Sleeps sleeps_of(int thread) {
  std::ifstream file("/proc/" + std::to_string(thread) + "/status");
  Sleeps found;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("State:", 0) == 0) found.state = line[line.find_first_not_of(" \t", 6)];
    if (line.rfind("voluntary_ctxt_switches:", 0) == 0) found.count = std::stol(line.substr(24));
  }
  return found;
}

void wait_until_asleep(int thread) {
  wait_until([&] { return sleeps_of(thread).state == 'S'; });
}

}  // namespace

TEST_CASE("Channel: leases fill their room and a commit makes room again", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  const Signal go;
  Scene scene(setting.host, setting.plan(4096), [&](WorkerChannel& channel, OffThreadChecks&) {
    Lease lease;
    while (channel.take(lease)) {
      go.wait();
      channel.commit(RecordType::done, lease.ticket, {});
    }
  });
  auto& parent = scene.parent();
  const Bytes bytes = pattern(1, 0, 300);
  std::uint64_t lent = 0;
  const auto lend = [&] {
    if (!parent.lend({.ticket = lent + 1, .item = lent, .attempt = 1, .bytes = bytes}))
      return false;
    ++lent;
    return true;
  };
  while (lend()) {
  }
  CHECK(lent == 4096 / (300 + 4 + 32));
  parent.publish();
  Record record;
  for (std::uint64_t done = 1; done <= 100; ++done) {
    REQUIRE_FALSE(lend());
    go.give();
    REQUIRE(scene.wait(record));
    REQUIRE(record.ticket == done);
    parent.free_read();
    REQUIRE(lend());
    parent.publish();
  }
  for (std::uint64_t done = 101; done <= lent; ++done) {
    go.give();
    REQUIRE(scene.wait(record));
  }
  parent.request_stop();
  CHECK(scene.join() == "");
}

TEST_CASE("Channel: a worker whose records fill their room waits until they are read",
          "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  constexpr std::uint64_t kItems = 30;
  Scene scene(setting.host, setting.plan(1 << 15), [](WorkerChannel& channel, OffThreadChecks&) {
    Lease lease;
    while (channel.take(lease)) {
      for (std::uint64_t i = 0; i < 10; ++i) {
        channel.append(RecordType::output, 0, pattern(lease.ticket, i, 3000));
      }
      channel.commit(RecordType::done, lease.ticket, {});
    }
  });
  Record record;
  for (std::uint64_t ticket = 1; ticket <= kItems; ++ticket) scene.lend(ticket, {});
  auto& parent = scene.parent();
  for (std::uint64_t ticket = 1; ticket <= kItems; ++ticket) {
    if (ticket <= 3) wait_until([&] { return parent.progress().waits_for_room; });
    for (std::uint64_t i = 0; i < 10; ++i) {
      REQUIRE(scene.wait(record));
      REQUIRE(has_pattern(record.bytes, ticket, i));
    }
    REQUIRE(scene.wait(record));
    REQUIRE(record.ticket == ticket);
    parent.free_read();
  }
  parent.request_stop();
  CHECK(scene.join() == "");
}

TEST_CASE("Channel: a stop comes after the leases that are there, and wakes", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  for (const std::uint64_t count : {0U, 1U, 20U}) {
    Scene scene(setting.host, setting.plan(1 << 14), serve);
    Record record;
    if (count == 1) {
      wait_until([&] { return scene.parent().progress().ready; });
      wait_until_asleep(scene.host().id());
    }
    for (std::uint64_t ticket = 1; ticket <= count; ++ticket) {
      REQUIRE(scene.parent().lend({.ticket = ticket}));
    }
    scene.parent().request_stop();
    CHECK(scene.join() == "");
    for (std::uint64_t ticket = 1; ticket <= count; ++ticket) {
      REQUIRE(scene.wait(record));
      REQUIRE(record.ticket == ticket);
    }
    CHECK_FALSE(scene.wait(record));
  }
}

TEST_CASE("Channel: whoever waits for leases or for room notices that the parent is gone",
          "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  const bool for_room = GENERATE(false, true);
  Scene scene(setting.host, setting.plan(4096),
              [&](WorkerChannel& channel, OffThreadChecks& checks) {
                Lease lease;
                if (!for_room) {
                  checks.expect(!channel.take(lease), "a lease came");
                  return;
                }
                const Bytes bytes = pattern(0, 0, 400);
                try {
                  for (;;) channel.commit(RecordType::note, 0, bytes);
                } catch (const detail::ParentGone&) {
                  return;
                }
              });
  wait_until([&] { return scene.parent().progress().ready; });
  if (for_room) wait_until([&] { return scene.parent().progress().waits_for_room; });
  wait_until_asleep(scene.host().id());
  scene.hang_up();
  CHECK(scene.join() == "");
}

TEST_CASE("Channel: a worker that ends leaves what it committed and nothing else", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  Scene scene(setting.host, setting.plan(1 << 14), [](WorkerChannel& channel, OffThreadChecks&) {
    Lease lease;
    if (!channel.take(lease)) return;
    channel.append(RecordType::output, 0, pattern(1, 0, 50));
    channel.append(RecordType::output, 0, pattern(1, 1, 10'000));
    channel.commit(RecordType::done, 1, {});
    if (!channel.take(lease)) return;
    channel.begin(lease.ticket);
    channel.append(RecordType::output, 0, pattern(2, 0, 50));
    channel.append(RecordType::output, 0, pattern(2, 1, 10'000));
  });
  scene.lend(1, {});
  scene.lend(2, {});
  CHECK(scene.join() == "");
  CHECK(scene.parent().worker_gone());
  Record record;
  REQUIRE(scene.wait(record));
  CHECK(has_pattern(record.bytes, 1, 0));
  REQUIRE(scene.wait(record));
  CHECK(has_pattern(record.bytes, 1, 1));
  CHECK(record.bytes.size() == 10'000);
  REQUIRE(scene.wait(record));
  CHECK(record.type == RecordType::done);
  CHECK_FALSE(scene.wait(record));
  CHECK(scene.parent().progress().started == 2);
  // Nobody is there, and lending does no harm.
  CHECK(scene.parent().lend({.ticket = 3}));
  scene.parent().publish();
}

TEST_CASE("Channel: the parent sees which ticket runs, and since when", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  const bool times = GENERATE(false, true);
  const Signal begun;
  const Signal go;
  ChannelPlan plan = setting.plan(4096);
  plan.times = times;
  const auto now = [] {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  };
  Scene scene(setting.host, plan, [&](WorkerChannel& channel, OffThreadChecks&) {
    Lease lease;
    while (channel.take(lease)) {
      channel.begin(lease.ticket);
      begun.give();
      go.wait();
      channel.commit(RecordType::done, lease.ticket, {});
    }
  });
  auto& parent = scene.parent();
  Record record;
  for (std::uint64_t ticket = 5; ticket < 10; ++ticket) {
    const auto before = now();
    const auto committed = parent.progress().committed_bytes;
    scene.lend(ticket, {});
    begun.wait();
    const auto progress = parent.progress();
    CHECK(progress.ready);
    CHECK(progress.started == ticket);
    CHECK((progress.started_ns >= before) == times);
    CHECK(progress.started_ns <= now());
    go.give();
    REQUIRE(scene.wait(record));
    wait_until([&] { return parent.progress().started == 0; });
    CHECK(parent.progress().committed_bytes > committed);
    CHECK(parent.progress().started_ns == 0);
    parent.free_read();
  }
  parent.request_stop();
  CHECK(scene.join() == "");
}

TEST_CASE("Channel: a worker that waits makes no context switches", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  Scene scene(setting.host, setting.plan(1 << 14), serve);
  Record record;
  const auto run_one = [&](std::uint64_t ticket) {
    scene.lend(ticket, {});
    REQUIRE(scene.wait(record));
    wait_until_asleep(scene.host().id());
  };
  wait_until([&] { return scene.parent().progress().ready; });
  run_one(1);
  const Sleeps before = sleeps_of(scene.host().id());
  REQUIRE(before.count > 0);
  std::this_thread::sleep_for(1s);
  CHECK(sleeps_of(scene.host().id()).count == before.count);
  run_one(2);
  CHECK(sleeps_of(scene.host().id()).count > before.count);
  scene.parent().request_stop();
  CHECK(scene.join() == "");
}

TEST_CASE("Channel: outputs that can never fit are a failure of the item alone", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  Scene scene(setting.host, setting.plan(4096),
              [](WorkerChannel& channel, OffThreadChecks& checks) {
                Lease lease;
                while (channel.take(lease)) {
                  try {
                    const Bytes bytes = pattern(1, 1, 400);
                    for (int i = 0; i < 1000; ++i) channel.append(RecordType::output, 0, bytes);
                    checks.expect(false, "a thousand references fit into four thousand bytes");
                  } catch (const detail::TransactionTooLarge&) {
                  }
                  channel.discard();
                  channel.commit(RecordType::failed, lease.ticket, pattern(2, 2, 20));
                }
              });
  Record record;
  for (std::uint64_t ticket = 1; ticket <= 3; ++ticket) {
    scene.lend(ticket, {});
    REQUIRE(scene.wait(record));
    CHECK(record.type == RecordType::failed);
    CHECK(record.ticket == ticket);
    scene.parent().free_read();
  }
  scene.parent().request_stop();
  CHECK(scene.join() == "");
}

TEST_CASE("Channel: a payload over the plan's limit is refused on either side", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  ChannelPlan plan = setting.plan(4096);
  plan.max_payload = 10'000;
  Scene scene(setting.host, plan, [](WorkerChannel& channel, OffThreadChecks& checks) {
    Lease lease;
    while (channel.take(lease)) {
      checks.expect_equal(lease.bytes.size(), std::size_t{10'000}, "bytes of the lease");
      try {
        channel.append(RecordType::output, 0, pattern(1, 1, 10'001));
        checks.expect(false, "10,001 bytes are accepted");
      } catch (const detail::PayloadTooLarge&) {
      }
      channel.append(RecordType::output, 0, pattern(1, 1, 10'000));
      channel.commit(RecordType::done, lease.ticket, {});
    }
  });
  const Bytes large = pattern(1, 0, 10'001);
  CHECK_THROWS_WITH(scene.parent().lend({.ticket = 1, .bytes = large}),
                    "an item of 10001 bytes for a worker process: at most 10000 are allowed");
  scene.lend(1, pattern(1, 0, 10'000));
  Record record;
  REQUIRE(scene.wait(record));
  CHECK(record.bytes.size() == 10'000);
  REQUIRE(scene.wait(record));
  CHECK(record.type == RecordType::done);
  scene.parent().request_stop();
  CHECK(scene.join() == "");
}

TEST_CASE("Channel: a worker finds out that its parent was killed", "[process]") {
  const Kind kind = GENERATE(Kind::log, Kind::packet);
  const Signal ended;
  // The worker, then the parent, which makes the channel and is killed; the test is neither.
  auto host = make_host(Host::process, [&](WorkerChannel& channel, OffThreadChecks& checks) {
    Lease lease;
    checks.expect(channel.take(lease), "the first lease");
    channel.commit(RecordType::done, lease.ticket, {});
    checks.expect(!channel.take(lease), "a lease of a dead parent");
    ended.give();
  });
  const Signal served;
  const pid_t parent = fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    const EventCounter router;
    auto made = detail::make_channel({.kind = kind}, router);
    host->start(std::move(made.for_the_worker));
    Record record;
    if (!made.parent->lend({.ticket = 1})) _exit(1);
    made.parent->publish();
    while (!made.parent->next(record)) {
    }
    served.give();
    for (;;) pause();
  }
  served.wait();
  wait_until_asleep(host->id());
  REQUIRE(kill(parent, SIGKILL) == 0);
  int status = 0;
  REQUIRE(waitpid(parent, &status, 0) == parent);
  CHECK(WIFSIGNALED(status));
  ended.wait();
  CHECK(host->join() == "");
}

TEST_CASE("Channel: a worker can't write to its leases", "[process]") {
  const Kind kind = GENERATE(Kind::log, Kind::packet);
  const EventCounter router;
  const auto made = detail::make_channel({.kind = kind, .down_bytes = 4096}, router);
  const int down = made.for_the_worker.front().number();
  CHECK(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, down, 0) == MAP_FAILED);
  void* const read = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, down, 0);
  REQUIRE(read != MAP_FAILED);
  CHECK(mprotect(read, 4096, PROT_READ | PROT_WRITE) != 0);
  munmap(read, 4096);
  CHECK(pwrite(down, "x", 1, 0) < 0);
  CHECK(ftruncate(down, 0) != 0);
  // What the worker writes to can't be taken away under the parent's eyes.
  CHECK(ftruncate(made.for_the_worker[1].number(), 0) != 0);
}

TEST_CASE("Channel: descriptors of something else are refused in one line", "[process]") {
  const EventCounter router;
  auto made = detail::make_channel({.down_bytes = 4096}, router);
  CHECK_THROWS_AS(detail::open_worker_channel({}), sluice::UsageError);
  const auto number = [&](std::size_t i) { return dup(made.for_the_worker[i].number()); };
  const int too_few[] = {number(0), number(1)};
  CHECK_THROWS_AS(detail::open_worker_channel(too_few), sluice::UsageError);
  const int swapped[] = {number(1), number(0), number(2), number(3), number(4)};
  CHECK_THROWS_AS(detail::open_worker_channel(swapped), sluice::UsageError);
  const int no_file[] = {number(3), number(1), number(2), number(3), number(4)};
  CHECK_THROWS(detail::open_worker_channel(no_file));
  CHECK_THROWS_WITH(detail::make_channel({.down_bytes = std::size_t{1} << 40}, router),
                    "a channel's log of 1099511627776 bytes: at most 1073741824 are possible");
}
