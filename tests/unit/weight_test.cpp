// unit/weight_test.cpp: what items weigh, against what the allocator hands out for them.
// SPDX-License-Identifier: MIT
#include <support/counted.hpp>
#include <support/move_only.hpp>
#include <support/scale.hpp>

#include <sluice/weight.hpp>

#include <catch2/catch.hpp>

#include <malloc.h>

#include <any>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::weights {

struct Point {
  int x = 0;
  int y = 0;
};
struct Hit {
  std::string host;
  std::vector<std::string> words;
  Point at;
};
struct Tree {
  std::string name;
  std::vector<Tree> children;
};
struct List {
  std::unique_ptr<List> next;
};
struct Base {
  std::string text;
};
struct Derived : Base {
  int more = 0;
};
struct Loose {
  std::string text;
  std::any anything;
  int last = 0;
};
struct LooseFirst {
  std::any anything;
  std::string text;
};
struct Greedy {
  template <class T>
  Greedy(T&&) {}  // NOLINT: implicit is the point
  std::string text;
};
struct Array {
  std::string texts[3];
  int n = 0;
};
struct Told {
  std::string text;
  std::function<void()> then;
};
struct Incomplete;
struct Handle {
  std::unique_ptr<Incomplete, void (*)(Incomplete*)> secret;
};
class Image {
 public:
  explicit Image(std::size_t bytes) : bytes_(bytes), pixels_(new std::byte[bytes]) {}
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::size_t bytes_;
  std::unique_ptr<std::byte[]> pixels_;
};
struct Shape {
  virtual ~Shape() = default;
};

// What this thread's blocks take of the heap.
thread_local std::ptrdiff_t bytes_taken = 0;

// Not inlined: g++ would find malloc beside operator delete.
[[gnu::noinline]] void* take(std::size_t bytes) noexcept {
  void* const block = std::malloc(bytes);
  if (block != nullptr) {
    bytes_taken += static_cast<std::ptrdiff_t>(malloc_usable_size(block)) + 8;
  }
  return block;
}
[[gnu::noinline]] void give(void* block) noexcept {
  if (block == nullptr) return;
  bytes_taken -= static_cast<std::ptrdiff_t>(malloc_usable_size(block)) + 8;
  std::free(block);
}
void* take_or_throw(std::size_t bytes) {
  void* const block = take(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace sluice::weights

// Aligned blocks go elsewhere; nothing here has any. The forms without a throw are here, too: a sanitizer has its own of
// what is left out.
using sluice::weights::give;
using sluice::weights::take;
using sluice::weights::take_or_throw;
void* operator new(std::size_t bytes) { return take_or_throw(bytes); }
void* operator new[](std::size_t bytes) { return take_or_throw(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return take(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return take(bytes); }
void operator delete(void* block) noexcept { give(block); }
void operator delete[](void* block) noexcept { give(block); }
void operator delete(void* block, std::size_t) noexcept { give(block); }
void operator delete[](void* block, std::size_t) noexcept { give(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { give(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { give(block); }

template <>
struct sluice::weigher<sluice::weights::Image> {
  static std::size_t held_bytes(const sluice::weights::Image& image) noexcept {
    return image.bytes();
  }
};

namespace sluice {
namespace {

using namespace weights;
using detail::block_bytes;

const std::string kLong(1000, 'x');

/// Bytes that the allocator takes for what `make` returns, beside its own size.
template <class Make>
std::size_t taken_by(Make make) {
  const std::ptrdiff_t before = bytes_taken;
  const auto item = make();
  static_cast<void>(item);
  return static_cast<std::size_t>(bytes_taken - before);
}

// The sanitizers' allocators take other sizes.
constexpr bool kIsGlibc = !testing_support::kUnderSanitizer;

/// The weight is what the allocator takes: at most `slack` per cent more, and at most ten less, since it may
/// give a free block that is larger than what was asked for.
template <class Make>
void check_weight(Make make, std::size_t slack = 2) {
  const auto item = make();
  const std::size_t held = weight_of(item) - sizeof(item);
  CHECK(held > 0);
  if (!kIsGlibc) return;
  const std::size_t taken = taken_by(make);
  CHECK(held * 100 >= taken * 90);
  CHECK(held * 100 <= taken * (100 + slack));
}

TEST_CASE("weight: a type that owns nothing weighs its size", "[weight]") {
  CHECK(weight_of(7) == sizeof(int));
  CHECK(weight_of(Point{1, 2}) == sizeof(Point));
  CHECK(weight_of(std::string_view(kLong)) == sizeof(std::string_view));
  CHECK(weight_of(kLong.data()) == sizeof(char*));
  CHECK(weight_of(std::optional<int>(3)) == sizeof(std::optional<int>));
  CHECK(weight_of(std::array<int, 100>{}) == 400);
  STATIC_REQUIRE(detail::kFixedWeight<Point>);
  STATIC_REQUIRE(detail::kFixedWeight<std::span<const Hit>>);
  STATIC_REQUIRE(!detail::kFixedWeight<std::string>);
}

TEST_CASE("weight: strings count their block, short ones have none", "[weight]") {
  CHECK(weight_of(std::string("short")) == sizeof(std::string));
  CHECK(weight_of(kLong) == sizeof(std::string) + block_bytes(1001));
  std::string roomy;
  roomy.reserve(5000);
  CHECK(weight_of(roomy) == sizeof(std::string) + block_bytes(roomy.capacity() + 1));
}

TEST_CASE("weight: blocks count as the allocator takes them", "[weight]") {
  check_weight([] { return kLong; });
  check_weight([] { return std::vector<int>(1000); });
  check_weight([] { return std::vector<std::string>(100, std::string(20, 'y')); });
  check_weight([] { return std::vector<bool>(10'000, true); });
  check_weight([] { return std::make_unique<Hit>(Hit{kLong, {kLong, "short"}, {}}); });
  check_weight([] {
    std::map<std::string, int> map;
    for (int i = 0; i < 100; ++i) map.emplace(std::string(30, 'k') + std::to_string(i), i);
    return map;
  });
  check_weight([] { return std::list<int>(100, 1); });
  check_weight(
      [] {
        std::unordered_map<int, std::string> map;
        for (int i = 0; i < 1000; ++i) map.emplace(i, kLong);
        return map;
      },
      1);
  check_weight([] { return std::deque<std::uint64_t>(10'000, 1); }, 5);
  check_weight([] { return std::set<int>{1, 2, 3, 4}; });
}

TEST_CASE("weight: what is nested is counted, too", "[weight]") {
  const std::size_t held = block_bytes(1001);
  CHECK(weight_of(std::pair(1, kLong)) == sizeof(std::pair<int, std::string>) + held);
  CHECK(weight_of(std::tuple(kLong, 2, kLong)) ==
        sizeof(std::tuple<std::string, int, std::string>) + 2 * held);
  CHECK(weight_of(std::optional(kLong)) == sizeof(std::optional<std::string>) + held);
  CHECK(weight_of(std::optional<std::string>()) == sizeof(std::optional<std::string>));
  using Either = std::variant<int, std::string, std::vector<int>>;
  CHECK(weight_of(Either(kLong)) == sizeof(Either) + held);
  CHECK(weight_of(Either(1)) == sizeof(Either));
  CHECK(weight_of(std::array<std::string, 2>{kLong, kLong}) == 2 * sizeof(std::string) + 2 * held);
  CHECK(weight_of(std::filesystem::path(kLong)) >= sizeof(std::filesystem::path) + held);
  CHECK(weight_of(Hit{kLong, {kLong, "a"}, {}}) ==
        sizeof(Hit) + 2 * held + block_bytes(2 * sizeof(std::string)));
  CHECK(weight_of(std::unique_ptr<Hit>()) == sizeof(void*));
}

TEST_CASE("weight: types that contain themselves", "[weight]") {
  Tree tree{"root", {}};
  tree.children.reserve(2);
  tree.children.push_back({kLong, {}});
  CHECK(weight_of(tree) == sizeof(Tree) + block_bytes(2 * sizeof(Tree)) + block_bytes(1001));
  List list{std::make_unique<List>()};
  CHECK(weight_of(list) == sizeof(List) + block_bytes(sizeof(List)));
  STATIC_REQUIRE(is_weighed_in_full_v<Tree>);
  STATIC_REQUIRE(is_weighed_in_full_v<List>);
}

TEST_CASE("weight: a weigher speaks for a class with private members", "[weight]") {
  CHECK(weight_of(Image(5000)) == sizeof(Image) + 5000);
  std::vector<Image> images;
  images.reserve(3);
  images.emplace_back(100U);
  images.emplace_back(200U);
  CHECK(weight_of(images) == sizeof(images) + block_bytes(3 * sizeof(Image)) + 300);
  STATIC_REQUIRE(is_weighed_in_full_v<std::vector<Image>>);
}

TEST_CASE("weight: what can't be looked into weighs its size, and that is known", "[weight]") {
  CHECK(weight_of(std::make_shared<std::string>(kLong)) == sizeof(std::shared_ptr<std::string>));
  CHECK(weight_of(std::any(kLong)) == sizeof(std::any));
  CHECK(weight_of(Derived()) == sizeof(Derived));
  CHECK(weight_of(Loose()) == sizeof(Loose));
  CHECK(weight_of(LooseFirst()) == sizeof(LooseFirst));
  CHECK(weight_of(Greedy(1)) == sizeof(Greedy));
  CHECK(weight_of(Array{{kLong, kLong, ""}}) == sizeof(Array) + 2 * block_bytes(1001));
  CHECK(weight_of(Told{kLong, {}}) == sizeof(Told) + block_bytes(1001));
  CHECK(weight_of(testing_support::MoveOnly(1)) == sizeof(testing_support::MoveOnly));
  STATIC_REQUIRE(!is_weighed_in_full_v<std::shared_ptr<int>>);
  STATIC_REQUIRE(!is_weighed_in_full_v<std::any>);
  STATIC_REQUIRE(!is_weighed_in_full_v<Derived>);
  STATIC_REQUIRE(!is_weighed_in_full_v<Loose>);
  STATIC_REQUIRE(!is_weighed_in_full_v<Told>);
  STATIC_REQUIRE(!is_weighed_in_full_v<Handle>);
  STATIC_REQUIRE(!is_weighed_in_full_v<std::unique_ptr<Shape>>);
  STATIC_REQUIRE(!is_weighed_in_full_v<std::unique_ptr<int[]>>);
  STATIC_REQUIRE(is_weighed_in_full_v<Hit>);
  STATIC_REQUIRE(is_weighed_in_full_v<int>);
  STATIC_REQUIRE(is_weighed_in_full_v<std::map<std::string, std::vector<Hit>>>);
}

}  // namespace
}  // namespace sluice
