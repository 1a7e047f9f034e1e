// tests/unit/blocks_test.cpp: blocks() and the memory behind it.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/run.hpp>
#include <sluice/stages/block_pool.hpp>
#include <sluice/stages/blocks.hpp>
#include <sluice/stages/collect.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/standard_stream.hpp>
#include <support/watchdog.hpp>

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace sluice;
using namespace sluice::testing_support;

std::vector<stages::Block> blocks_of(const stages::Paths& paths,
                                     const stages::BlockOptions& options) {
  std::vector<stages::Block> got;
  Pipeline p("blocks");
  p.source("read", stages::blocks(paths, options)) | sink("collect", stages::collect(got));
  static_cast<void>(run(p));
  return got;
}

}  // namespace

TEST_CASE("blocks: together they are the input, and each ends where a record ends", "[stages]") {
  const Scratch scratch;
  auto random = random_engine();
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += static_cast<char>(random() % 256);
  const std::string path = scratch.file("random", text);
  for (const stages::ByteSet& cut : {stages::ByteSet("\n"), stages::ByteSet("\x01\x02\x03\x04"),
                                     stages::ByteSet::range('\0', '\x7f'), stages::ByteSet()}) {
    for (const std::size_t block_bytes : {1U, 5U, 64U, 1000U, 19'999U, 20'000U, 50'000U}) {
      INFO("block_bytes " << block_bytes);
      const auto got = blocks_of(path, {.block_bytes = block_bytes, .cut_after = cut});
      std::string joined;
      bool right = true;
      for (const stages::Block& block : got) {
        right = right && !block.text().empty() && block.path() == path &&
                block.offset() == joined.size();
        joined += block.text();
        right = right && (joined.size() == text.size() || cut.contains(joined.back()));
      }
      CHECK(right);
      CHECK(joined == text);
    }
  }
}

TEST_CASE("blocks: a file fills its blocks, a record without end makes its block grow",
          "[stages]") {
  const Scratch scratch;
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "123456789\n";
  const auto full = blocks_of(scratch.file("lines", text), {.block_bytes = 1000});
  CHECK(full.size() == 100);
  const std::string one(100'000, 'x');
  const auto grown = blocks_of(scratch.file("one", one), {.block_bytes = 1000});
  REQUIRE(grown.size() == 1);
  CHECK(grown[0].text() == one);
}

TEST_CASE("blocks: never span inputs, an empty input has none", "[stages]") {
  const Scratch scratch;
  const auto got =
      blocks_of({scratch.file("a", "a1\na2"), scratch.file("b", ""), scratch.file("c", "c1")},
                {.block_bytes = 100});
  REQUIRE(got.size() == 2);
  CHECK(got[0].text() == "a1\na2");
  CHECK(got[1].text() == "c1");
  CHECK(got[1].offset() == 0);
}

TEST_CASE("blocks: from a pipe a block holds what is there", "[stages]") {
  StandardStream input(STDIN_FILENO);
  std::atomic<int> seen{0};
  std::vector<std::string> got;
  Pipeline p("pipe");
  p.source("read", stages::blocks("-", {.block_bytes = 1000})) |
      sink("see", [&](const stages::Block& block) {
        got.emplace_back(block.text());
        seen.fetch_add(1, std::memory_order_release);
      });
  RunHandle handle = start(p);
  REQUIRE(input.feed("one\ntwo\nthr"));
  wait_until([&] { return seen.load(std::memory_order_acquire) == 1; });
  REQUIRE(input.feed("ee\n"));
  wait_until([&] { return seen.load(std::memory_order_acquire) == 2; });
  input.close_other();
  static_cast<void>(handle.wait());
  CHECK(got == std::vector<std::string>{"one\ntwo\n", "three\n"});
}

TEST_CASE("BlockPool: memory is used again, unless it grew", "[stages]") {
  const auto pool = std::make_shared<stages::BlockPool>(100);
  const auto first = pool->take(40);
  CHECK(first->capacity_bytes == 100);
  const char* const place = first->bytes.get();
  auto second = pool->take(100);
  CHECK(second->bytes.get() != place);
  second.reset();
  auto copy = first;
  const char* const again = pool->take(1)->bytes.get();
  CHECK(again != place);  // the copy still uses it
  CHECK(pool->take(101)->capacity_bytes == 101);
  const auto usual = pool->take(100);
  CHECK(usual->capacity_bytes == 100);
  CHECK(usual->bytes.get() == again);
}

TEST_CASE("BlockPool: blocks may outlive their source", "[stages]") {
  auto pool = std::make_shared<stages::BlockPool>(10);
  const std::weak_ptr<stages::BlockPool> alive = pool;
  auto buffer = pool->take(10);
  pool.reset();
  CHECK_FALSE(alive.expired());
  buffer.reset();
  CHECK(alive.expired());
}
