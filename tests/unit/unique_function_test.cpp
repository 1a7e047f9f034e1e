// unit/unique_function_test.cpp
// SPDX-License-Identifier: MIT
#include <sluice/base/unique_function.hpp>

#include <support/counted.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <memory>
#include <string>
#include <utility>

using sluice::UniqueFunction;
using sluice::testing_support::Counted;

namespace {

int twice(int x) { return 2 * x; }

}  // namespace

TEST_CASE("UniqueFunction: an empty one says so", "[base]") {
  UniqueFunction<int()> none;
  UniqueFunction<int()> null(nullptr);
  UniqueFunction<int(int)> pointer(static_cast<int (*)(int)>(nullptr));
  CHECK_FALSE(none);
  CHECK_FALSE(null);
  CHECK_FALSE(pointer);
}

TEST_CASE("UniqueFunction: calls functions, pointers and lambdas that own", "[base]") {
  UniqueFunction<int(int)> function(twice);
  UniqueFunction<int(int)> pointer(&twice);
  UniqueFunction<int(int)> lambda(
      [owned = std::make_unique<int>(40)](int x) { return *owned + x; });
  CHECK(function(4) == 8);
  CHECK(pointer(5) == 10);
  CHECK(lambda(2) == 42);
}

TEST_CASE("UniqueFunction: state changes stay with the callable", "[base]") {
  UniqueFunction<int()> count([n = 0]() mutable { return ++n; });
  CHECK(count() == 1);
  CHECK(count() == 2);
  UniqueFunction<int()> moved(std::move(count));
  CHECK(moved() == 3);
}

TEST_CASE("UniqueFunction: a const one is called through a const object", "[base]") {
  const UniqueFunction<std::size_t(const std::string&) const> size(
      [](const std::string& text) { return text.size(); });
  CHECK(size("four") == 4);
}

TEST_CASE("UniqueFunction: small and large callables are destroyed once, also when moved",
          "[base]") {
  const auto before = Counted::live();
  {
    UniqueFunction<std::uint64_t()> small([c = Counted(3)] { return c.value(); });
    UniqueFunction<std::uint64_t()> large(
        [c = Counted(4), room = std::array<char, 100>{}] { return c.value() + room.size(); });
    CHECK(small() == 3);
    CHECK(large() == 104);
    UniqueFunction<std::uint64_t()> other(std::move(large));
    CHECK(other() == 104);
    CHECK_FALSE(large);  // moved-from is empty
    other = std::move(small);
    CHECK(other() == 3);
    CHECK(Counted::live() == before + 1);
    other = nullptr;
    CHECK_FALSE(other);
    CHECK(Counted::live() == before);
  }
  CHECK(Counted::live() == before);
}

TEST_CASE("UniqueFunction: results are converted, or dropped for void", "[base]") {
  UniqueFunction<double(int)> converted(twice);
  CHECK(converted(3) == 6.0);
  int called = 0;
  UniqueFunction<void()> dropped([&] { return ++called; });
  dropped();
  CHECK(called == 1);
}
