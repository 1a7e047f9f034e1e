// tests/unit/shared_bytes_test.cpp: blocks are shared, immutable, and given back exactly once.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/block_shelf.hpp>
#include <support/scale.hpp>

#include <sluice/codec.hpp>
#include <sluice/error.hpp>
#include <sluice/shared_bytes.hpp>
#include <sluice/weight.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using sluice::Bytes;
using sluice::decode;
using sluice::encode;
using sluice::SharedBytes;

SharedBytes text(std::string_view letters) {
  return SharedBytes::copy_of(std::as_bytes(std::span(letters.data(), letters.size())));
}
std::string letters(const SharedBytes& bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// Somebody else's memory.
struct Owner {
  std::string memory = "0123456789";
  int released = 0;
  std::size_t size = 0;

  SharedBytes lend() {
    return SharedBytes(reinterpret_cast<const std::byte*>(memory.data()), memory.size(), release,
                       this);
  }
  static void release(void* context, const std::byte* data, std::size_t size) noexcept {
    auto* const owner = static_cast<Owner*>(context);
    if (reinterpret_cast<const char*>(data) == owner->memory.data()) ++owner->released;
    owner->size = size;
  }
};
/// Memory that is fetched.
struct Far {
  std::string memory = "0123456789";
  int fetched = 0;
  int released = 0;
  int throws = 0;

  SharedBytes lend() { return SharedBytes(memory.size(), fetch, release, this); }
  static const std::byte* fetch(void* context) {
    auto* const far = static_cast<Far*>(context);
    if (far->throws-- > 0) throw std::bad_alloc();
    far->fetched = 1;  // whether, not how often: the same at every call
    return reinterpret_cast<const std::byte*>(far->memory.data());
  }
  static void release(void* context, const std::byte*, std::size_t) noexcept {
    ++static_cast<Far*>(context)->released;
  }
};
void other_release(void*, const std::byte*, std::size_t) noexcept {}

struct Photo {
  std::string name{};
  SharedBytes pixels{};
  std::vector<SharedBytes> tiles{};
  friend bool operator==(const Photo&, const Photo&) = default;
};

static_assert(sluice::portable<SharedBytes> && sluice::portable<Photo>);
static_assert(std::is_nothrow_copy_constructible_v<SharedBytes>);
static_assert(std::is_nothrow_move_constructible_v<SharedBytes>);
static_assert(!std::is_convertible_v<decltype(SharedBytes().span()), std::span<std::byte>>);

std::string refusal_of(std::span<const std::byte> bytes, BlockShelf* shelf) {
  try {
    static_cast<void>(decode<Photo>(bytes, shelf));
  } catch (const sluice::DecodeError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("shared bytes: bytes elsewhere are fetched when somebody looks, parts too", "[codec]") {
  Far far;
  {
    const SharedBytes all = far.lend();
    const SharedBytes part = all.slice(2, 5);
    const SharedBytes part_of_part = part.slice(1, 2);
    const SharedBytes copy = part;  // NOLINT: a copy is what is tried
    CHECK(all.size() == 10);
    CHECK(part.size() == 5);
    CHECK(part_of_part.is_elsewhere());
    CHECK(part_of_part.offset_in_whole() == 3);
    CHECK(part_of_part.whole().size() == 10);
    CHECK(all.slice(10).empty());
    CHECK_THROWS_AS(all.slice(11), sluice::UsageError);
    CHECK(sluice::weight_of(part) == sizeof(SharedBytes) + 5);
    CHECK(far.fetched == 0);
    CHECK(letters(part_of_part) == "34");
    CHECK(far.fetched == 1);
    CHECK(part == text("23456"));
    CHECK(copy < all.slice(3));
    CHECK(letters(all) == "0123456789");
    CHECK(far.released == 0);
  }
  CHECK(far.released == 1);
}

TEST_CASE("shared bytes: a fetch that throws may be tried again", "[codec]") {
  Far far;
  far.throws = 1;
  const SharedBytes all = far.lend();
  CHECK_THROWS_AS(all.data(), std::bad_alloc);
  CHECK(letters(all) == "0123456789");
}

TEST_CASE("shared bytes: a twin is kept as long as its block, and only the first one", "[codec]") {
  Owner first;
  Owner second;
  {
    SharedBytes bytes = text("0123456789");
    CHECK(bytes.twin().empty());
    bytes.slice(3).keep_twin(first.lend());
    bytes.keep_twin(second.lend());
    CHECK(second.released == 1);
    CHECK(first.released == 0);
    CHECK(bytes.twin().data() == reinterpret_cast<const std::byte*>(first.memory.data()));
    const SharedBytes part = bytes.slice(5);
    bytes = {};
    CHECK(first.released == 0);
    CHECK(part.twin().size() == 10);
    CHECK(part.offset_in_whole() == 5);
  }
  CHECK(first.released == 1);
  SharedBytes().keep_twin(second.lend());  // nobody to keep it
  CHECK(second.released == 2);
}

TEST_CASE("shared bytes: nothing is no block", "[codec]") {
  const SharedBytes none;
  CHECK(none.empty());
  CHECK(none.size() == 0);
  CHECK(none.use_count() == 0);
  CHECK(none == text(""));
  CHECK(none.slice(0).empty());
  CHECK(SharedBytes::make(0, [](std::span<std::byte> to) { CHECK(to.empty()); }) == none);
}

TEST_CASE("shared bytes: copies share, and see what was written once", "[codec]") {
  int calls = 0;
  const SharedBytes made = SharedBytes::make(1000, [&](std::span<std::byte> to) {
    ++calls;
    std::memset(to.data(), 'x', to.size());
  });
  CHECK(calls == 1);
  CHECK(letters(made) == std::string(1000, 'x'));
  CHECK(reinterpret_cast<std::uintptr_t>(made.data()) % 64 == 0);
  CHECK(made.use_count() == 1);

  SharedBytes copy = made;
  CHECK(copy.data() == made.data());
  CHECK(made.use_count() == 2);
  const SharedBytes moved = std::move(copy);
  CHECK(copy.empty());  // NOLINT: what a move leaves is promised
  CHECK(made.use_count() == 2);
  copy = moved;
  copy = *&copy;
  CHECK(made.use_count() == 3);
  copy = SharedBytes();
  CHECK(made.use_count() == 2);
}

TEST_CASE("shared bytes: a fill that throws leaves nothing behind", "[codec]") {
  CHECK_THROWS_AS(SharedBytes::make(64, [](std::span<std::byte>) { throw std::runtime_error(""); }),
                  std::runtime_error);
  CHECK_THROWS_AS(SharedBytes::make(SharedBytes::kToEnd, [](std::span<std::byte>) {}),
                  std::bad_alloc);
}

TEST_CASE("shared bytes: a slice shares the block and outlives the whole", "[codec]") {
  SharedBytes whole = text("hello world");
  const SharedBytes world = whole.slice(6);
  CHECK(letters(world) == "world");
  CHECK(world.data() == whole.data() + 6);
  CHECK(whole.use_count() == 2);
  whole = SharedBytes();
  CHECK(letters(world.slice(1, 3)) == "orl");
  CHECK(letters(world.slice(3, 100)) == "ld");
  CHECK(world.slice(5).empty());
  CHECK(world.slice(0, 0).empty());
  CHECK_THROWS_AS(world.slice(6), sluice::UsageError);
  CHECK(world.use_count() == 1);
}

TEST_CASE("shared bytes: are compared by content", "[codec]") {
  CHECK(text("abc") == text("abc"));
  CHECK(text("abc") != text("abd"));
  CHECK(text("abc") != text("ab"));
  CHECK(text("ab") < text("abc"));
  CHECK(text("b") > text("abc"));
  CHECK(text("\xff") > text("a"));
  CHECK(text("xabc").slice(1) == text("abc"));
  const SharedBytes whole = text("aa");
  CHECK(whole.slice(0, 1) == whole.slice(1, 1));
  CHECK(whole.slice(0, 1) < whole);
}

TEST_CASE("shared bytes: an owner is told once, after the last part is gone", "[codec]") {
  Owner owner;
  {
    SharedBytes part;
    {
      const SharedBytes lent = owner.lend();
      CHECK(lent.context_of(Owner::release) == &owner);
      CHECK(lent.context_of(other_release) == nullptr);
      part = lent.slice(2, 3);
      CHECK(owner.released == 0);
    }
    CHECK(letters(part) == "234");
    CHECK(part.context_of(Owner::release) == &owner);
    CHECK(owner.released == 0);
  }
  CHECK(owner.released == 1);
  CHECK(owner.size == 10);
  CHECK(text("own").context_of(Owner::release) == nullptr);
  CHECK(SharedBytes().context_of(nullptr) == nullptr);

  static constexpr std::array<std::byte, 3> kForEver{std::byte{1}, std::byte{2}, std::byte{3}};
  const SharedBytes stays(kForEver.data(), kForEver.size(), nullptr, nullptr);
  CHECK(stays.use_count() == 0);
  CHECK(stays.slice(1).data() == kForEver.data() + 1);
}

TEST_CASE("shared bytes: threads copy, slice and drop, and the last of them gives back",
          "[codec]") {
  constexpr int kThreads = 4;
  for (int round = scaled(50); round > 0; --round) {
    Owner owner;
    std::array<std::size_t, kThreads> sums{};
    {
      SharedBytes bytes = owner.lend();
      std::vector<std::jthread> threads;
      for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([mine = bytes, &sum = sums[static_cast<std::size_t>(t)]]() mutable {
          for (std::size_t i = 0; i < 200; ++i) {
            const SharedBytes copy = mine.slice(i % 10);
            sum += static_cast<std::size_t>(copy.data()[0]) - '0';
          }
          mine = SharedBytes();
        });
      }
      bytes = SharedBytes();  // any of them may be the last now
    }
    REQUIRE(owner.released == 1);
    for (const std::size_t sum : sums) REQUIRE(sum == 20 * 45);
  }
}

TEST_CASE("shared bytes: without a transport their bytes are written", "[codec]") {
  const Photo photo{"cat", text("pixels"), {text("a"), SharedBytes(), text("bc").slice(1)}};
  Bytes bytes;
  encode(photo, bytes);
  CHECK(decode<Photo>(bytes) == photo);
  Bytes one;
  encode(text("12345"), one);
  CHECK(one.size() == 1 + 4 + 5);
  one.data()[0] = std::byte{2};
  CHECK_THROWS_AS(decode<SharedBytes>(one), sluice::DecodeError);
}

TEST_CASE("shared bytes: a transport carries a reference instead", "[codec]") {
  BlockShelf shelf(4);
  const Photo photo{"cat", text("many pixels"), {text("tiny").slice(1), text("tile")}};
  Bytes bytes;
  encode(photo, bytes, &shelf);
  CHECK(shelf.asked() == 3);
  REQUIRE(shelf.blocks().size() == 2);
  Bytes one;
  encode(photo.pixels, one, &shelf);
  CHECK(one.size() == 1 + 24);

  const auto back = decode<Photo>(bytes, &shelf);
  CHECK(back == photo);
  CHECK(back.pixels.data() == photo.pixels.data());
  CHECK(back.tiles[0].data() != photo.tiles[0].data());
  CHECK(back.tiles[1].data() == photo.tiles[1].data());
  encode(SharedBytes(), one, &shelf);
  CHECK(shelf.asked() == 4);  // for an empty one nobody is asked
}

TEST_CASE("shared bytes: a reference that is not one's own is refused", "[codec]") {
  BlockShelf shelf;
  const Photo photo{"", text("many pixels"), {}};
  Bytes bytes;
  encode(photo, bytes, &shelf);
  REQUIRE(bytes.size() == 4 + 25 + 4);
  CHECK_THAT(refusal_of(bytes, nullptr), Contains("no way to them"));
  for (std::size_t bit = 8 * 5; bit < 8 * 29; ++bit) {
    bytes.data()[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    if (refusal_of(bytes, &shelf).empty()) FAIL("bit " << bit << " was believed");
    bytes.data()[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK_FALSE(refusal_of(bytes.view().first(length), &shelf).empty());
  }
  CHECK(refusal_of(bytes, &shelf).empty());
  CHECK(shelf.blocks()[0].use_count() == 2);
}

TEST_CASE("shared bytes: a sink that throws leaves the bytes alone", "[codec]") {
  struct Broken final : sluice::BlockSink {
    bool take(const SharedBytes&, sluice::BlockReference&) override {
      throw std::runtime_error("no room");
    }
  } broken;
  Bytes bytes;
  encode(std::string("before"), bytes);
  const std::size_t before = bytes.size();
  CHECK_THROWS_AS(encode(Photo{"name", text("pixels"), {}}, bytes, &broken), std::runtime_error);
  CHECK(bytes.size() == before);
}
