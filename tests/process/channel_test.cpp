// process/channel_test.cpp: what a channel promises, for both kinds, with a thread and with a real
// process at the other end: order, commit, discard, contents of every size and at every place.
// SPDX-License-Identifier: MIT
#include <process/channel_scene.hpp>

#include <catch2/catch.hpp>

#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <deque>
#include <string>

namespace {

using namespace sluice::process_tests;
using namespace sluice::testing_support;
using Kind = ChannelPlan::Kind;

Setting any_setting() {
  return {GENERATE(Kind::log, Kind::packet), GENERATE(Host::thread, Host::process)};
}

void echo(WorkerChannel& channel, OffThreadChecks& checks) {
  Lease lease;
  for (std::uint64_t ticket = 1; channel.take(lease); ++ticket) {
    checks.expect_equal(lease.ticket, ticket, "ticket");
    checks.expect_equal(lease.item, ticket - 1, "item");
    checks.expect_equal(lease.attempt, 1U, "attempt");
    checks.expect(has_pattern(lease.bytes, ticket, 0), "the lease's bytes");
    channel.begin(ticket);
    const Bytes copy(lease.bytes.begin(), lease.bytes.end());
    channel.append(RecordType::output, static_cast<std::uint8_t>(ticket % 7), copy);
    channel.commit(RecordType::done, ticket, {});
  }
}

// The echo's output and end of one ticket.
void check_echo(Scene& scene, std::uint64_t ticket, std::size_t size) {
  Record record;
  REQUIRE(scene.wait(record));
  REQUIRE(record.type == RecordType::output);
  REQUIRE(record.port == ticket % 7);
  REQUIRE(record.bytes.size() == size);
  REQUIRE(has_pattern(record.bytes, ticket, 0));
  REQUIRE(scene.wait(record));
  REQUIRE(record.type == RecordType::done);
  REQUIRE(record.ticket == ticket);
  REQUIRE(record.bytes.empty());
  scene.parent().free_read();
}

void finish(Scene& scene) {
  scene.parent().request_stop();
  CHECK(scene.join() == "");
  Record record;
  CHECK_FALSE(scene.wait(record));
}

}  // namespace

TEST_CASE("Channel: items go there and back in order, byte for byte", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  Scene scene(setting.host, setting.plan(1 << 14), echo);
  auto random = random_engine(1);
  std::deque<std::size_t> sizes;
  const std::uint64_t count = scaled(20'000);
  std::uint64_t answered = 0;
  for (std::uint64_t ticket = 1; ticket <= count; ++ticket) {
    sizes.push_back(random() % 300);
    scene.lend(ticket, pattern(ticket, 0, sizes.back()));
    while (sizes.size() > 1 + random() % 8) {
      check_echo(scene, ++answered, sizes.front());
      sizes.pop_front();
    }
  }
  for (; !sizes.empty(); sizes.pop_front()) check_echo(scene, ++answered, sizes.front());
  CHECK(answered == count);
  finish(scene);
}

TEST_CASE("Channel: payloads from nothing to 64 MiB", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  Scene scene(setting.host, setting.plan(1 << 16), echo);
  constexpr std::size_t kMost = scaled(std::size_t{64} << 20);
  std::uint64_t ticket = 0;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{4096},
        std::size_t{8191}, std::size_t{8192}, std::size_t{8193}, std::size_t{65'535},
        std::size_t{1} << 16, (std::size_t{1} << 16) + 1, std::size_t{1} << 20, kMost}) {
    INFO(size);
    ++ticket;
    scene.lend(ticket, pattern(ticket, 0, size));
    check_echo(scene, ticket, size);
  }
  CHECK(ticket == 13);
  finish(scene);
}

TEST_CASE("Channel: a record may begin at every place of the ring", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  Scene scene(setting.host, setting.plan(4096), echo);
  std::uint64_t ticket = 0;
  // Lengths that have no factor in common with the ring's, each for one turn through all places.
  for (const std::size_t size : {std::size_t{8}, std::size_t{152}, std::size_t{424}}) {
    for (int i = 0; i < 520; ++i) {
      ++ticket;
      scene.lend(ticket, pattern(ticket, 0, size));
      check_echo(scene, ticket, size);
    }
  }
  CHECK(ticket == 1560);
  finish(scene);
}

TEST_CASE("Channel: outputs are visible when they are committed, all at once", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  const Signal staged;
  const Signal go;
  Scene scene(setting.host, setting.plan(1 << 14), [&](WorkerChannel& channel, OffThreadChecks&) {
    Lease lease;
    while (channel.take(lease)) {
      for (std::uint64_t i = 0; i < 3; ++i) {
        channel.append(RecordType::output, 0, pattern(lease.ticket, i, 100));
      }
      staged.give();
      go.wait();
      channel.commit(RecordType::done, lease.ticket, {});
    }
  });
  Record record;
  for (std::uint64_t ticket = 1; ticket <= 20; ++ticket) {
    scene.lend(ticket, {});
    staged.wait();
    REQUIRE_FALSE(scene.parent().has_records(true));
    REQUIRE_FALSE(scene.parent().next(record));
    go.give();
    for (std::uint64_t i = 0; i < 3; ++i) {
      REQUIRE(scene.wait(record));
      REQUIRE(record.type == RecordType::output);
      REQUIRE(has_pattern(record.bytes, ticket, i));
    }
    REQUIRE(scene.parent().next(record));
    REQUIRE(record.type == RecordType::done);
    REQUIRE_FALSE(scene.parent().next(record));
    scene.parent().free_read();
  }
  finish(scene);
}

TEST_CASE("Channel: what is lent is visible when it is published", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  Scene scene(setting.host, setting.plan(1 << 14), echo);
  auto& parent = scene.parent();
  Record record;
  const Bytes two = pattern(2, 0, 40);
  const Bytes three = pattern(3, 0, 40);
  scene.lend(1, pattern(1, 0, 40));
  REQUIRE(parent.lend({.ticket = 2, .item = 1, .attempt = 1, .bytes = two}));
  REQUIRE(parent.lend({.ticket = 3, .item = 2, .attempt = 1, .bytes = three}));
  check_echo(scene, 1, 40);
  // The worker has nothing to do and says so; then the two come together.
  CHECK_FALSE(parent.next(record));
  parent.publish();
  check_echo(scene, 2, 40);
  check_echo(scene, 3, 40);
  finish(scene);
}

TEST_CASE("Channel: what is discarded was never there", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  Scene scene(setting.host, setting.plan(1 << 14), [](WorkerChannel& channel, OffThreadChecks&) {
    Lease lease;
    while (channel.take(lease)) {
      channel.append(RecordType::output, 0, pattern(0, 1, 500));
      channel.append(RecordType::output, 0, pattern(0, 1, 20'000));  // in a file of its own
      channel.discard();
      if (lease.ticket % 2 == 0) channel.append(RecordType::output, 3, pattern(lease.ticket, 0, 9));
      channel.commit(RecordType::failed, lease.ticket, pattern(lease.ticket, 5, 30));
    }
  });
  Record record;
  for (std::uint64_t ticket = 1; ticket <= 40; ++ticket) {
    scene.lend(ticket, {});
    REQUIRE(scene.wait(record));
    if (ticket % 2 == 0) {
      REQUIRE(record.type == RecordType::output);
      REQUIRE(record.bytes.size() == 9);
      REQUIRE(has_pattern(record.bytes, ticket, 0));
      REQUIRE(scene.wait(record));
    }
    REQUIRE(record.type == RecordType::failed);
    REQUIRE(record.ticket == ticket);
    REQUIRE(record.bytes.size() == 30);
    REQUIRE(has_pattern(record.bytes, ticket, 5));
    scene.parent().free_read();
  }
  finish(scene);
}

TEST_CASE("Channel: notes come alone or with their transaction", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  Scene scene(setting.host, setting.plan(1 << 14), [](WorkerChannel& channel, OffThreadChecks&) {
    channel.commit(RecordType::note, 0, pattern(0, 0, 11));
    Lease lease;
    while (channel.take(lease)) {
      channel.append(RecordType::note, 0, pattern(1, 1, 12));
      channel.append(RecordType::output, 0, pattern(1, 2, 13));
      channel.append(RecordType::note, 0, pattern(1, 3, 14));
      channel.commit(RecordType::done, lease.ticket, {});
    }
  });
  Record record;
  REQUIRE(scene.wait(record));
  CHECK(record.type == RecordType::note);
  CHECK(record.bytes.size() == 11);
  CHECK(has_pattern(record.bytes, 0, 0));
  scene.lend(1, {});
  for (const auto& [type, size] : {std::pair{RecordType::note, 12U},
                                   {RecordType::output, 13U},
                                   {RecordType::note, 14U},
                                   {RecordType::done, 0U}}) {
    REQUIRE(scene.wait(record));
    CHECK(record.type == type);
    CHECK(record.bytes.size() == size);
  }
  finish(scene);
}

TEST_CASE("Channel: hundreds of large outputs of one item", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  constexpr std::uint64_t kOutputs = 300;
  Scene scene(setting.host, setting.plan(1 << 15), [](WorkerChannel& channel, OffThreadChecks&) {
    Lease lease;
    while (channel.take(lease)) {
      for (std::uint64_t i = 0; i < kOutputs; ++i) {
        channel.append(RecordType::output, 0, pattern(lease.ticket, i, 5'000 + i));
      }
      channel.commit(RecordType::done, lease.ticket, {});
    }
  });
  Record record;
  // More of them than may be under way at a time.
  constexpr std::uint64_t kItems = scaled(40);
  for (std::uint64_t ticket = 1; ticket <= kItems; ++ticket) scene.lend(ticket, {});
  for (std::uint64_t ticket = 1; ticket <= kItems; ++ticket) {
    for (std::uint64_t i = 0; i < kOutputs; ++i) {
      REQUIRE(scene.wait(record));
      REQUIRE(record.bytes.size() == 5'000 + i);
      REQUIRE(has_pattern(record.bytes, ticket, i));
      if (i % 100 == 50) scene.parent().free_read();
    }
    REQUIRE(scene.wait(record));
    REQUIRE(record.ticket == ticket);
    scene.parent().free_read();
  }
  finish(scene);
}

TEST_CASE("Channel: many large items at once wait for room", "[process]") {
  const Setting setting = any_setting();
  INFO(setting.name());
  Scene scene(setting.host, setting.plan(1 << 14), echo);
  constexpr std::uint64_t kItems = 60;
  std::uint64_t answered = 0;
  for (std::uint64_t ticket = 1; ticket <= kItems; ++ticket) {
    const Bytes bytes = pattern(ticket, 0, 30'000);
    while (!scene.parent().lend(
        {.ticket = ticket, .item = ticket - 1, .attempt = 1, .bytes = bytes})) {
      scene.parent().publish();
      check_echo(scene, ++answered, 30'000);
    }
  }
  CHECK(answered > 0);
  scene.parent().publish();
  while (answered < kItems) check_echo(scene, ++answered, 30'000);
  finish(scene);
}
