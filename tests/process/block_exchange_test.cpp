// process/block_exchange_test.cpp: payloads in files between the four ends, in one process.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/codec.hpp>
#include <sluice/process/block_exchange.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

namespace {

using namespace sluice::detail;
using sluice::BlockReference;
using sluice::DecodeError;
using sluice::Reader;
using sluice::SharedBytes;

constexpr std::size_t kSize = 20'000;

SharedBytes payload(unsigned seed, std::size_t size = kSize) {
  return SharedBytes::make(size, [&](std::span<std::byte> to) {
    for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<std::byte>(seed * 7 + i % 251);
  });
}

struct Owner final : BlockOwner {
  explicit Owner(BlockWords& to) : words(&to) {}
  void given_back(const std::shared_ptr<BlockFile>&, std::uint32_t slot) noexcept override {
    words->freed[slot].fetch_add(1, std::memory_order_release);
  }
  BlockWords* words;
};

Reader reader() { return Reader({}, "test"); }

/// A worker that writes and a parent that reads.
struct Up {
  explicit Up(std::size_t slots) : sockets(PacketSocket::make_pair()), slot_count(slots) {}

  /// One transaction of one payload.
  std::optional<SharedBytes> move(const SharedBytes& bytes) {
    BlockReference to{};
    if (!writer.take(bytes, to)) {
      writer.discard();
      return std::nullopt;
    }
    const auto entries = writer.new_entries();
    REQUIRE(entries.size() == 1);
    last = entries.front();
    REQUIRE(writer.send(position += 8) == PacketStatus::ok);
    parent.forget();
    parent.open(std::as_bytes(entries), 0);
    writer.committed();
    writer.freed(position);
    SharedBytes got = parent.give(to, reader());
    parent.forget();
    return got;
  }

  std::pair<PacketSocket, PacketSocket> sockets;
  std::size_t slot_count;
  BlockWords words{};
  Arrivals arrivals{sockets.second};
  BlockWriter writer{sockets.first, words, slot_count};
  BlockReader parent{arrivals, std::make_shared<Owner>(words), slot_count};
  BlockEntry last{};
  std::uint64_t position = 0;
};

/// A parent that lends and a worker that borrows.
struct Down {
  explicit Down(std::shared_ptr<BlockPool> of, std::size_t slots = kMostSlots)
      : sockets(PacketSocket::make_pair()),
        lender(sockets.first, std::move(of), slots),
        borrower(arrivals, slots) {}

  std::optional<SharedBytes> move(const SharedBytes& bytes) {
    BlockReference to{};
    lender.begin();
    if (!lender.take(bytes, to)) return std::nullopt;
    last = lender.entries().front();
    REQUIRE(lender.send(position += 8) == PacketStatus::ok);
    borrower.forget();
    borrower.open(std::as_bytes(lender.entries()), 0);
    lender.begin();
    SharedBytes got = borrower.give(to, reader());
    lender.freed(position);
    return got;
  }

  std::pair<PacketSocket, PacketSocket> sockets;
  Arrivals arrivals{sockets.second};
  BlockLender lender;
  BlockBorrower borrower;
  BlockEntry last{};
  std::uint64_t position = 0;
};

}  // namespace

TEST_CASE("Socket: what was sent is received, also from an end that closed with something unread",
          "[process]") {
  auto [here, there] = PacketSocket::make_pair();
  const MemoryFile file("test", 4096);
  const std::byte one{1};
  REQUIRE(here.send({&one, 1}, -1, PacketSocket::Wait::yes) == PacketStatus::ok);
  REQUIRE(there.send({&one, 1}, file.descriptor().number(), PacketSocket::Wait::yes) ==
          PacketStatus::ok);
  there = PacketSocket();
  std::byte got{};
  const Packet packet = here.receive({&got, 1}, PacketSocket::Wait::no);
  CHECK(packet.status == PacketStatus::ok);
  CHECK(packet.descriptor.valid());
  CHECK(here.receive({&got, 1}, PacketSocket::Wait::no).status == PacketStatus::closed);
}

TEST_CASE("Blocks: a slot is used again once its payload is gone, and not before", "[process]") {
  Up up(4);
  auto first = up.move(payload(1));
  REQUIRE(first.has_value());
  CHECK(up.last.arrival == 1);
  const std::uint32_t slot = up.last.slot;
  auto second = up.move(payload(2));
  CHECK(up.last.slot != slot);
  CHECK(up.last.arrival == 2);
  CHECK(*first == payload(1));  // looked at while others were written
  first.reset();
  const auto third = up.move(payload(3));
  CHECK(up.last.slot == slot);
  CHECK(up.last.arrival == 0);  // the parent has that file
  CHECK(*third == payload(3));
  CHECK(*second == payload(2));
}

TEST_CASE("Blocks: what somebody has looked at does not change when its file is used again",
          "[process]") {
  Up up(1);
  auto first = up.move(payload(1));
  const SharedBytes copy = SharedBytes::copy_of(first->span());
  const std::byte* const seen = first->data();
  // A writer that does not keep to the rules.
  up.words.freed[0].fetch_add(1, std::memory_order_relaxed);
  const auto second = up.move(payload(2));
  REQUIRE(second.has_value());
  CHECK(first->data() == seen);
  CHECK(*first == copy);
  CHECK(*first == payload(1));
}

TEST_CASE("Blocks: without a free slot the bytes are written where they are", "[process]") {
  Up up(3);
  std::vector<SharedBytes> held;
  for (unsigned i = 0; i < 3; ++i) held.push_back(up.move(payload(i)).value());
  CHECK_FALSE(up.move(payload(4)).has_value());
  held.erase(held.begin() + 1);
  CHECK(up.move(payload(5)).value() == payload(5));
  CHECK_FALSE(up.move(payload(6, kLeastBlock - 1)).has_value());
  CHECK(up.move(payload(6, kLeastBlock)).value() == payload(6, kLeastBlock));
}

TEST_CASE("Blocks: what was discarded takes no slot", "[process]") {
  Up up(2);
  BlockReference to{};
  for (unsigned i = 0; i < 10; ++i) {
    REQUIRE(up.writer.take(payload(i), to));
    REQUIRE(up.writer.take(payload(i + 1), to));
    REQUIRE_FALSE(up.writer.take(payload(i + 2), to));
    up.writer.discard();
  }
  const auto first = up.move(payload(1));
  const auto second = up.move(payload(2));
  CHECK(first.value() == payload(1));
  CHECK(second.value() == payload(2));
}

TEST_CASE("Blocks: large payloads are kept by nobody", "[process]") {
  Up up(2);
  const SharedBytes large = payload(1, kMostKeptBlock + 1);
  for (int i = 0; i < 3; ++i) {
    const auto got = up.move(large);
    REQUIRE(got.has_value());
    CHECK(up.last.once == 1);
    CHECK(up.last.arrival != 0);
    CHECK(*got == large);
  }
  Down down(std::make_shared<BlockPool>(2));
  for (int i = 0; i < 3; ++i) {
    CHECK(down.move(large).value() == large);
    CHECK(down.last.once == 1);
    CHECK(down.last.arrival != 0);
  }
}

TEST_CASE("Blocks: from stage to stage nothing is looked at between, parts and all", "[process]") {
  Up up(4);
  Down down(std::make_shared<BlockPool>(4));
  const BlockCounts before = block_counts();
  const auto got = up.move(payload(1));
  const SharedBytes part = got->slice(100, kSize - 200);
  const auto there = down.move(*got);
  const auto part_there = down.move(part);
  CHECK(down.last.arrival == 0);  // the same file
  const BlockCounts after = block_counts();
  CHECK(after.written - before.written == 1);  // by the first worker
  CHECK(after.fetched - before.fetched == 2);  // by the second
  CHECK(there.value() == payload(1));
  CHECK(part_there.value() == payload(1).slice(100, kSize - 200));
  CHECK(block_counts().fetched == after.fetched);
}

TEST_CASE("Blocks: bytes of this process are copied into a file once, for whoever is lent them",
          "[process]") {
  Down one(std::make_shared<BlockPool>(4));
  Down other(std::make_shared<BlockPool>(4));
  const SharedBytes bytes = payload(3, 100'000);
  const std::uint64_t before = block_counts().written;
  for (int i = 0; i < 5; ++i) {
    CHECK(one.move(bytes).value() == bytes);
    CHECK(other.move(bytes.slice(10)).value() == bytes.slice(10));
  }
  CHECK(block_counts().written == before + 1);
  // Less than half of it would keep all the rest: a copy of its own each time.
  CHECK(one.move(bytes.slice(50'001)).value() == bytes.slice(50'001));
  CHECK(block_counts().written == before + 2);
}

TEST_CASE("Blocks: a pool gives out its files again and no more than it may have", "[process]") {
  Down down(std::make_shared<BlockPool>(2));
  std::vector<SharedBytes> held{payload(1), payload(2), payload(3)};
  CHECK(down.move(held[0]).value() == held[0]);
  CHECK(down.move(held[1]).value() == held[1]);
  CHECK_FALSE(down.move(held[2]).has_value());
  held[0] = {};
  CHECK(down.move(held[2]).value() == held[2]);
  CHECK(down.last.arrival == 0);
}

TEST_CASE("Blocks: a borrower's slots are given to other files, the least used first",
          "[process]") {
  Down down(std::make_shared<BlockPool>(16), 3);
  std::vector<SharedBytes> held;
  for (unsigned i = 0; i < 5; ++i) held.push_back(payload(i));
  for (int round = 0; round < 3; ++round) {
    for (const SharedBytes& bytes : held) CHECK(down.move(bytes).value() == bytes);
  }
  CHECK(down.move(held[4]).value() == held[4]);
  CHECK(down.last.arrival == 0);
  CHECK(down.move(held[0]).value() == held[0]);
  CHECK(down.last.arrival != 0);
}

TEST_CASE("Blocks: what was sent for a lease that was not lent is sent again", "[process]") {
  Down down(std::make_shared<BlockPool>(4));
  const SharedBytes bytes = payload(1);
  BlockReference to{};
  down.lender.begin();
  REQUIRE(down.lender.take(bytes, to));
  REQUIRE(down.lender.send(8) == PacketStatus::ok);
  down.lender.take_back();
  CHECK(down.move(bytes).value() == bytes);
  CHECK(down.last.arrival == 2);
  CHECK(down.move(bytes).value() == bytes);
  CHECK(down.last.arrival == 0);
}

TEST_CASE("Blocks: what was sent for a transaction that was discarded is sent again", "[process]") {
  Up up(2);
  BlockReference to{};
  REQUIRE(up.writer.take(payload(1), to));
  REQUIRE(up.writer.send(8) == PacketStatus::ok);
  up.writer.discard();
  CHECK(up.move(payload(2)).value() == payload(2));
  CHECK(up.last.arrival == 2);
}

TEST_CASE("Blocks: many threads that look at once fetch once", "[process]") {
  Up up(1);
  const auto got = up.move(payload(9, 300'000));
  const SharedBytes expected = payload(9, 300'000);
  const std::uint64_t before = block_counts().fetched;
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, mine = *got] { right += mine == expected ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 4);
  CHECK(block_counts().fetched == before + 1);
}

TEST_CASE("Blocks: payloads outlive the worker, its channel and its socket", "[process]") {
  std::optional<SharedBytes> got;
  {
    Up up(2);
    // Its owner outlives it, too: in the channel the owner holds the page.
    static BlockWords kept;
    up.parent = BlockReader(up.arrivals, std::make_shared<Owner>(kept), 2);
    got = up.move(payload(5));
  }
  CHECK(*got == payload(5));
}

TEST_CASE("Blocks: references beyond what came are refused", "[process]") {
  Up up(2);
  BlockReference to{};
  REQUIRE(up.writer.take(payload(1), to));
  REQUIRE(up.writer.send(8) == PacketStatus::ok);
  up.parent.open(std::as_bytes(up.writer.new_entries()), 0);
  CHECK_NOTHROW(up.parent.give({{0, 0, kSize}}, reader()));
  for (const BlockReference& wrong :
       {BlockReference{{1, 0, 1}}, BlockReference{{~0ULL, 0, 1}}, BlockReference{{0, 0, kSize + 1}},
        BlockReference{{0, kSize, 1}}, BlockReference{{0, ~0ULL, 2}}, BlockReference{{0, 1, ~0ULL}},
        BlockReference{{0, 0, 0}}}) {
    CHECK_THROWS_AS(up.parent.give(wrong, reader()), DecodeError);
  }
  up.parent.forget();
}
