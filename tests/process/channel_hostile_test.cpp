// process/channel_hostile_test.cpp: a worker that writes what it likes into its log, its words and its
// socket. The parent shows records that lie in what was published, or says ProtocolViolation; it never
// reads outside, never faults, never shows a part of a transaction.
// SPDX-License-Identifier: MIT
#include <process/channel_scene.hpp>

#include <catch2/catch.hpp>

#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <sluice/os/memory_map.hpp>
#include <sluice/os/packet_socket.hpp>
#include <sluice/process/channel_setup.hpp>

#include <atomic>
#include <cstring>
#include <iostream>
#include <random>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace sluice::process_tests;
using namespace sluice::testing_support;
namespace detail = sluice::detail;
using Catch::Matchers::Contains;
using detail::Elsewhere;
using detail::ProtocolViolation;
using detail::RecordHead;
using Kind = ChannelPlan::Kind;

constexpr std::size_t kRing = 4096;

// The worker's end without its manners.
class HostileWorker {
 public:
  explicit HostileWorker(const EventCounter& router, Kind kind = Kind::log)
      : made_(detail::make_channel({.kind = kind, .down_bytes = kRing, .up_bytes = kRing}, router)),
        file_(detail::Descriptor::borrowed(made_.for_the_worker[1].number()), "up"),
        map_(file_, kind == Kind::log ? detail::page_size() + kRing : detail::page_size(),
             detail::MapAccess::read_and_write),
        socket_(std::move(made_.for_the_worker[2])) {}

  [[nodiscard]] LeaseChannel& parent() { return *made_.parent; }
  [[nodiscard]] detail::WorkerPage& words() {
    return *reinterpret_cast<detail::WorkerPage*>(map_.data());
  }
  [[nodiscard]] std::byte* ring() { return map_.data() + detail::page_size(); }
  [[nodiscard]] const detail::PacketSocket& socket() const { return socket_; }

  void write(const Bytes& bytes) { std::memcpy(ring(), bytes.data(), bytes.size()); }
  void commit(std::uint64_t bytes) { words().commit.store(bytes, std::memory_order_release); }

 private:
  detail::NewChannel made_;
  detail::MemoryFile file_;
  detail::MemoryMap map_;
  detail::PacketSocket socket_;
};

void add(Bytes& to, RecordHead head, std::size_t size, std::uint64_t seed = 0) {
  const Bytes payload = pattern(seed, 0, size);
  head.length = static_cast<std::uint32_t>(size);
  const auto bytes = detail::bytes_of(head);
  to.insert(to.end(), bytes.begin(), bytes.end());
  to.insert(to.end(), payload.begin(), payload.end());
  to.resize(detail::padded(to.size()));
}

Bytes whole_transaction() {
  Bytes bytes;
  add(bytes, {.type = detail::kOutputRecord, .port = 1}, 13);
  add(bytes, {.type = detail::kOutputRecord}, 0);
  add(bytes, {.type = detail::kDoneRecord, .id = 1}, 3);
  return bytes;
}

struct Seen {
  std::size_t records = 0;
  std::size_t transactions = 0;
  std::size_t since_end = 0;
  bool violation = false;
  std::string what;
};

// Reads all there is, every byte of it.
Seen read_all(LeaseChannel& parent, std::uint64_t most_bytes = kRing) {
  Seen seen;
  Record record;
  volatile unsigned char sink = 0;
  try {
    while (parent.next(record)) {
      REQUIRE(record.bytes.size() <= most_bytes);
      for (const std::byte byte : record.bytes) sink = static_cast<unsigned char>(byte);
      ++seen.records;
      ++seen.since_end;
      const bool ends = record.type == RecordType::done || record.type == RecordType::failed ||
                        (record.type == RecordType::note && seen.since_end == 1);
      if (ends) {
        ++seen.transactions;
        seen.since_end = 0;
      }
    }
  } catch (const ProtocolViolation& violation) {
    seen.violation = true;
    seen.what = violation.what();
    // Whoever was wrong once stays wrong.
    REQUIRE_THROWS_AS(parent.next(record), ProtocolViolation);
  }
  static_cast<void>(sink);
  REQUIRE(seen.since_end == 0);  // whole transactions only
  return seen;
}

}  // namespace

TEST_CASE("Channel: every bit of every head flipped is a violation or other records", "[process]") {
  const EventCounter router;
  const Bytes good = whole_transaction();
  const std::size_t heads[] = {0, 32, 48};
  std::size_t violations = 0;
  std::size_t tried = 0;
  for (const std::size_t head : heads) {
    for (std::size_t bit = 0; bit < sizeof(RecordHead) * 8; ++bit) {
      HostileWorker worker(router);
      Bytes bytes = good;
      bytes[head + bit / 8] ^= std::byte{1} << (bit % 8);
      worker.write(bytes);
      worker.commit(bytes.size());
      const Seen seen = read_all(worker.parent());
      violations += seen.violation ? 1 : 0;
      ++tried;
      // A length or a type that is changed can't go unnoticed but by becoming another valid one.
      if (bit / 8 == 6 || bit / 8 == 7) CHECK(seen.violation);     // flags
      if (bit / 8 >= 8 || bit / 8 == 5) CHECK(seen.records == 3);  // id and port: the caller's
    }
  }
  CHECK(tried == 384);
  CHECK(violations > 100);
  std::cout << "process: " << tried << " flipped bits, " << violations << " violations"
            << std::endl;
}

TEST_CASE("Channel: a log that is cut off anywhere is a violation", "[process]") {
  const EventCounter router;
  const Bytes good = whole_transaction();
  for (std::uint64_t cut = 0; cut <= good.size(); ++cut) {
    HostileWorker worker(router);
    worker.write(good);
    worker.commit(cut);
    const Seen seen = read_all(worker.parent());
    INFO(cut);
    CHECK(seen.violation == (cut != 0 && cut != good.size()));
    CHECK(seen.records == (cut == good.size() ? 3 : 0));
  }
}

TEST_CASE("Channel: published lengths that can't be are violations", "[process]") {
  const EventCounter router;
  for (const std::uint64_t commit :
       {std::uint64_t{kRing} + 8, ~std::uint64_t{0}, ~std::uint64_t{0} - 7, std::uint64_t{1} << 63,
        std::uint64_t{3}}) {
    HostileWorker worker(router);
    worker.commit(commit);
    CHECK(worker.parent().has_records(true));
    CHECK_THAT(read_all(worker.parent()).what, Contains("the published length is impossible"));
  }
  HostileWorker worker(router);
  const Bytes good = whole_transaction();
  worker.write(good);
  worker.commit(good.size());
  CHECK(read_all(worker.parent()).records == 3);
  worker.commit(good.size() - 8);
  CHECK(read_all(worker.parent()).violation);
}

TEST_CASE("Channel: room that was never taken can't be given back", "[process]") {
  const EventCounter router;
  HostileWorker worker(router);
  auto& parent = worker.parent();
  const Bytes bytes(400);
  worker.words().freed.store(1 << 20, std::memory_order_relaxed);
  std::uint64_t lent = 0;
  CHECK_THROWS_AS(
      [&] {
        while (parent.lend({.ticket = ++lent, .bytes = bytes})) {
        }
      }(),
      ProtocolViolation);
  CHECK(lent < 11);
}

TEST_CASE("Channel: random bytes in the log", "[process]") {
  const EventCounter router;
  auto random = random_engine(11);
  std::size_t violations = 0;
  std::size_t records = 0;
  constexpr int kRounds = scaled(3000);
  for (int round = 0; round < kRounds; ++round) {
    HostileWorker worker(router);
    Bytes bytes;
    if (round % 3 == 0) {
      bytes.resize(kRing);
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    } else {
      while (bytes.size() < kRing - 400) {
        add(bytes, {.type = static_cast<std::uint8_t>(2 + random() % 4), .id = random()},
            random() % 200);
      }
      for (auto flips = random() % 3; flips > 0; --flips) {
        bytes[random() % bytes.size()] ^= static_cast<std::byte>(1U << random() % 8);
      }
    }
    worker.write(bytes);
    worker.commit(round % 5 == 0 ? random() % kRing & ~std::uint64_t{7} : bytes.size());
    const Seen seen = read_all(worker.parent());
    violations += seen.violation ? 1 : 0;
    records += seen.records;
  }
  CHECK(violations > kRounds / 4);
  CHECK(records > kRounds);
  std::cout << "process: " << kRounds << " logs of random bytes, seed " << seed() << ": "
            << violations << " violations, " << records << " records" << std::endl;
}

TEST_CASE("Channel: a log that changes while it is read", "[process]") {
  const EventCounter router;
  auto random = random_engine(12);
  constexpr int kRounds = scaled(300);
  std::size_t violations = 0;
  for (int round = 0; round < kRounds; ++round) {
    HostileWorker worker(router);
    Bytes bytes;
    while (bytes.size() < kRing - 400) {
      add(bytes, {.type = static_cast<std::uint8_t>(2 + random() % 2), .id = random()},
          random() % 40);
    }
    worker.write(bytes);
    std::atomic<bool> over{false};
    std::thread writer(
        [&, engine = random_engine(100 + static_cast<std::uint64_t>(round))]() mutable {
          volatile std::byte* const ring = worker.ring();
          while (!over.load(std::memory_order_relaxed)) {
            const std::size_t place = engine() % bytes.size();
            ring[place] = static_cast<std::byte>(engine());
            ring[place] = bytes[place];
          }
        });
    worker.commit(bytes.size());
    violations += read_all(worker.parent()).violation ? 1 : 0;
    over.store(true, std::memory_order_relaxed);
    writer.join();
  }
  CHECK(violations <= static_cast<std::size_t>(kRounds));
}

TEST_CASE("Channel: files that are not what a payload needs", "[process]") {
  const EventCounter router;
  HostileWorker worker(router);
  constexpr std::size_t kSize = 5000;
  const Bytes payload = pattern(1, 1, kSize);
  Elsewhere where{.token = 1, .offset = 0, .size = kSize};
  const auto refer = [&] {
    Bytes bytes;
    const auto raw = detail::bytes_of(where);
    add(bytes, {.type = detail::kOutputRecord, .flags = detail::kIsElsewhere}, raw.size());
    std::memcpy(bytes.data() + sizeof(RecordHead), raw.data(), raw.size());
    add(bytes, {.type = detail::kDoneRecord, .id = 1}, 0);
    worker.write(bytes);
    worker.commit(bytes.size());
  };
  struct Notice {
    std::uint64_t magic = 0x656c69466c654376;
    std::uint64_t token = 1;
  } notice;
  const auto send = [&](int descriptor) {
    REQUIRE(worker.socket().send(detail::bytes_of(notice), descriptor,
                                 detail::PacketSocket::Wait::yes) == detail::PacketStatus::ok);
  };
  detail::MemoryFile file("test");
  file.append(payload);
  std::string expected = "did not come";

  SECTION("the right one, as a control") {
    file.freeze();
    send(file.descriptor().number());
    refer();
    Record record;
    REQUIRE(worker.parent().next(record));
    CHECK(record.bytes.size() == kSize);
    CHECK(has_pattern(record.bytes, 1, 1));
    return;
  }
  SECTION("none") {}
  SECTION("a packet without one") { send(-1); }
  SECTION("one that is not frozen") {
    send(file.descriptor().number());
    expected = "can still be changed";
  }
  SECTION("one whose size alone is fixed") {
    file.seal_size();
    send(file.descriptor().number());
    expected = "can still be changed";
  }
  SECTION("one without memory behind it") {
    const int sparse = memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    REQUIRE(ftruncate(sparse, 1 << 20) == 0);
    detail::MemoryFile hole(detail::Descriptor(sparse), "hole");
    hole.freeze();
    send(sparse);
    expected = "can still be changed";
  }
  SECTION("a device") {
    const detail::Descriptor device(open("/dev/zero", O_RDWR | O_CLOEXEC));
    send(device.number());
    expected = "can still be changed";
  }
  SECTION("one that is too short") {
    file.freeze();
    send(file.descriptor().number());
    where.size = kSize + 1;
    expected = "longer than its file";
  }
  SECTION("a place that wraps around") {
    file.freeze();
    send(file.descriptor().number());
    where.offset = ~std::uint64_t{0} - 7;
    expected = "longer than its file";
  }
  SECTION("another token in the packet") {
    file.freeze();
    notice.token = 2;
    send(file.descriptor().number());
  }
  SECTION("another token in the record") {
    file.freeze();
    send(file.descriptor().number());
    where.token = 2;
    expected = "does not come next";
  }
  SECTION("the token of no file") {
    where.token = 0;
    expected = "does not come next";
  }
  SECTION("bytes that mean nothing") {
    notice.magic = 7;
    file.freeze();
    send(file.descriptor().number());
  }
  refer();
  Record record;
  CHECK_THROWS_WITH(worker.parent().next(record), Contains(expected));
}

TEST_CASE("Channel: two descriptors in one packet are refused and closed", "[process]") {
  const EventCounter router;
  const Kind kind = GENERATE(Kind::log, Kind::packet);
  HostileWorker worker(router, kind);
  alignas(cmsghdr) char room[CMSG_SPACE(2 * sizeof(int))] = {};
  std::uint64_t notice[2] = {0x656c69466c654376, 1};
  iovec part = {.iov_base = notice, .iov_len = sizeof notice};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  cmsghdr* const control = CMSG_FIRSTHDR(&message);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(2 * sizeof(int));
  const int numbers[2] = {router.descriptor().number(), router.descriptor().number()};
  std::memcpy(CMSG_DATA(control), numbers, sizeof numbers);
  REQUIRE(sendmsg(worker.socket().descriptor().number(), &message, 0) > 0);
  if (kind == Kind::log) {
    Bytes bytes;
    const Elsewhere where{.token = 1, .offset = 0, .size = 8};
    const auto raw = detail::bytes_of(where);
    add(bytes, {.type = detail::kOutputRecord, .flags = detail::kIsElsewhere}, raw.size());
    std::memcpy(bytes.data() + sizeof(RecordHead), raw.data(), raw.size());
    add(bytes, {.type = detail::kDoneRecord, .id = 1}, 0);
    worker.write(bytes);
    worker.commit(bytes.size());
  }
  Record record;
  CHECK_THROWS_AS(worker.parent().next(record), ProtocolViolation);
}

TEST_CASE("Channel: random packets", "[process]") {
  const EventCounter router;
  auto random = random_engine(13);
  std::size_t violations = 0;
  std::size_t records = 0;
  constexpr int kRounds = scaled(3000);
  for (int round = 0; round < kRounds; ++round) {
    HostileWorker worker(router, Kind::packet);
    Bytes bytes;
    if (round % 3 == 0) {
      bytes.resize(1 + random() % 200);
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    } else {
      for (auto count = random() % 4; count > 0; --count) {
        add(bytes, {.type = detail::kOutputRecord, .id = random()}, random() % 200);
      }
      add(bytes, {.type = detail::kDoneRecord, .id = random()}, random() % 9);
      if (round % 3 == 1)
        bytes[random() % bytes.size()] ^= static_cast<std::byte>(1U << random() % 8);
    }
    const bool in_a_file = round % 2 == 0;
    detail::MemoryFile file("test");
    file.append(bytes);
    file.freeze();
    const RecordHead notice{.type = detail::kFileRecord};
    static_cast<void>(worker.socket().send(in_a_file ? detail::bytes_of(notice) : bytes,
                                           in_a_file ? file.descriptor().number() : -1,
                                           detail::PacketSocket::Wait::yes));
    const Seen seen = read_all(worker.parent());
    violations += seen.violation ? 1 : 0;
    records += seen.records;
  }
  CHECK(violations > kRounds / 4);
  CHECK(records > kRounds);
}
