// process/block_hostile_test.cpp: a worker that says what it likes of payloads in files. The parent takes files
// that nobody can make fault, refers to bytes inside of them, or says ProtocolViolation.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <sluice/codec.hpp>
#include <sluice/os/memory_map.hpp>
#include <sluice/process/channel_setup.hpp>

#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using namespace sluice::detail;
using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using sluice::SharedBytes;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kRing = 4096;
constexpr std::size_t kSize = 20'000;

class HostileWorker {
 public:
  explicit HostileWorker(const EventCounter& router)
      : made_(make_channel({.down_bytes = kRing, .up_bytes = kRing}, router)),
        file_(Descriptor::borrowed(made_.for_the_worker[1].number()), "up"),
        map_(file_, page_size() + kRing, MapAccess::read_and_write),
        socket_(std::move(made_.for_the_worker[2])) {}

  [[nodiscard]] LeaseChannel& parent() { return *made_.parent; }
  void send(std::uint64_t number, int descriptor) {
    REQUIRE(send_travelling(socket_, Travelling::block, number, descriptor,
                            PacketSocket::Wait::yes) == PacketStatus::ok);
  }
  void commit(const Bytes& bytes) {
    std::memcpy(map_.data() + page_size() + at_, bytes.data(), bytes.size());
    at_ += bytes.size();
    reinterpret_cast<WorkerPage*>(map_.data())->commit.store(at_, std::memory_order_release);
  }

 private:
  NewChannel made_;
  MemoryFile file_;
  MemoryMap map_;
  PacketSocket socket_;
  std::size_t at_ = 0;
};

template <class T>
void add(Bytes& to, const T& value) {
  const auto bytes = bytes_of(value);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// An output with these entries and one done.
Bytes transaction(const std::vector<BlockEntry>& entries, std::uint64_t count) {
  Bytes bytes;
  const auto length = static_cast<std::uint32_t>(8 + entries.size() * sizeof(BlockEntry));
  add(bytes, RecordHead{.length = length, .type = kOutputRecord, .flags = kHasBlocks});
  add(bytes, count);
  for (const BlockEntry& entry : entries) add(bytes, entry);
  add(bytes, RecordHead{.type = kDoneRecord, .id = 1});
  return bytes;
}

MemoryFile fixed_file(std::size_t size = 65'536) {
  MemoryFile file("test", size);
  file.seal_size_and_new_writers();
  return file;
}

}  // namespace

TEST_CASE("Channel: files of payloads that are not what they need to be", "[process]") {
  const EventCounter router;
  HostileWorker worker(router);
  MemoryFile file = fixed_file();
  std::vector<BlockEntry> entries{{.slot = 0, .arrival = 1, .size = kSize}};
  std::uint64_t count = 1;
  std::string expected = "did not come";

  SECTION("the right one, as a control, and no more of it than the first time") {
    worker.send(1, file.descriptor().number());
    worker.commit(transaction(entries, count));
    Record record;
    REQUIRE(worker.parent().next(record));
    CHECK(record.bytes.empty());
    const SharedBytes got =
        worker.parent().blocks_read()->give({{0, 0, kSize}}, sluice::Reader({}, "test"));
    CHECK(got.size() == kSize);
    CHECK(got.data()[kSize - 1] == std::byte{0});
    REQUIRE(worker.parent().next(record));
    entries[0].arrival = 0;
    worker.commit(transaction(entries, count));
    REQUIRE(worker.parent().next(record));
    return;
  }
  SECTION("none") {}
  SECTION("another number") { worker.send(2, file.descriptor().number()); }
  SECTION("a packet without one") { worker.send(1, -1); }
  SECTION("a slot that has none") {
    entries[0].arrival = 0;
    expected = "a slot without a file";
  }
  SECTION("a slot that does not exist") {
    entries[0].slot = kMostSlots;
    expected = "a slot that does not exist";
  }
  SECTION("a pipe") {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const Descriptor one(ends[0]);
    const Descriptor other(ends[1]);
    worker.send(1, one.number());
    expected = "can still be changed";
  }
  SECTION("a device") {
    const Descriptor device(open("/dev/zero", O_RDWR | O_CLOEXEC));
    worker.send(1, device.number());
    expected = "can still be changed";
  }
  SECTION("a file with a name") {
    char name[] = "/tmp/sluice_block_XXXXXX";
    const Descriptor named(mkstemp(name));
    unlink(name);
    REQUIRE(ftruncate(named.number(), 65'536) == 0);
    worker.send(1, named.number());
    expected = "can still be changed";
  }
  SECTION("one that is not sealed") {
    const MemoryFile open_file("test", 65'536);
    worker.send(1, open_file.descriptor().number());
    expected = "can still be changed";
  }
  SECTION("one whose size alone is sealed, so that it can get holes") {
    MemoryFile sized("test", 65'536);
    sized.seal_size();
    worker.send(1, sized.descriptor().number());
    expected = "can still be changed";
  }
  SECTION("one with a hole") {
    MemoryFile hole(Descriptor(memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC)), "hole");
    REQUIRE(ftruncate(hole.descriptor().number(), 65'536) == 0);
    hole.seal_size_and_new_writers();
    worker.send(1, hole.descriptor().number());
    expected = "can still be changed";
  }
  SECTION("one that is too short") {
    worker.send(1, file.descriptor().number());
    entries[0].size = 65'537;
    expected = "longer than its file";
  }
  SECTION("a payload of nothing") {
    worker.send(1, file.descriptor().number());
    entries[0].size = 0;
    expected = "longer than its file";
  }
  SECTION("more entries than there are") {
    count = 2;
    expected = "shorter than its list";
  }
  SECTION("entries without end") {
    count = ~std::uint64_t{0};
    expected = "shorter than its list";
  }
  SECTION("no entry at all") {
    count = 0;
    expected = "shorter than its list";
  }
  SECTION("more than there are slots") {
    worker.send(1, file.descriptor().number());
    for (std::size_t i = 0; i < kMostSlots; ++i) entries.push_back({.slot = 0, .size = kSize});
    count = entries.size();
    expected = "more payloads than there are slots";
  }
  worker.commit(transaction(entries, count));
  Record record;
  CHECK_THROWS_WITH(worker.parent().next(record), Contains(expected));
  CHECK_THROWS_AS(worker.parent().next(record), ProtocolViolation);
}

TEST_CASE("Channel: random entries of payloads", "[process]") {
  const EventCounter router;
  auto random = random_engine(21);
  std::size_t violations = 0;
  constexpr int kRounds = scaled(2000);
  for (int round = 0; round < kRounds; ++round) {
    HostileWorker worker(router);
    MemoryFile file = fixed_file();
    std::vector<BlockEntry> entries;
    for (auto left = 1 + random() % 4; left > 0; --left) {
      entries.push_back({.slot = static_cast<std::uint32_t>(random() % 3),
                         .once = static_cast<std::uint32_t>(random() % 2),
                         .arrival = random() % 3,
                         .size = 1 + random() % 70'000});
    }
    worker.send(1, file.descriptor().number());
    worker.send(2, file.descriptor().number());
    worker.commit(transaction(entries, entries.size() - random() % 8 / 7));
    Record record;
    try {
      while (worker.parent().next(record)) {
        for (std::uint64_t i = 0; i < 4; ++i) {
          try {
            const SharedBytes got = worker.parent().blocks_read()->give(
                {{i, random() % 70'000, random() % 70'000}}, sluice::Reader({}, "test"));
            REQUIRE(got.data()[got.size() - 1] == std::byte{0});
          } catch (const sluice::DecodeError&) {
          }
        }
      }
    } catch (const ProtocolViolation&) {
      ++violations;
    }
  }
  CHECK(violations > kRounds / 10);
  CHECK(violations < kRounds);
  std::cout << "process: " << kRounds << " lists of payloads, seed " << seed() << ": " << violations
            << " violations" << std::endl;
}
