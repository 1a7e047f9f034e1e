// conformance/queue_batch_test.cpp: put_many and get_many.
// SPDX-License-Identifier: MIT
#include <conformance/queue_conformance.hpp>

#include <deque>
#include <list>

using namespace sluice;
using namespace sluice::conformance;

namespace {

std::vector<int> numbers(int from, int count) {
  std::vector<int> items;
  for (int i = 0; i < count; ++i) items.push_back(from + i);
  return items;
}

}  // namespace

TEMPLATE_TEST_CASE("Queue: try_put_many takes what fits from the front", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(5);
  auto items = numbers(0, 8);
  const PutManyResult first = queue.try_put_many(items);
  CHECK(first.accepted == 5);
  CHECK(first.status == PutStatus::full);
  const PutManyResult none = queue.put_many(std::span(items).subspan(5), 1ms);
  CHECK(none.accepted == 0);
  CHECK(none.status == PutStatus::full);
  std::vector<int> out;
  CHECK(queue.try_get_many(out, 100).count == 5);
  CHECK(out == TestType::order(numbers(0, 5)));
}

TEMPLATE_TEST_CASE("Queue: empty batches and a maximum of 0 do nothing", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(2);
  const PutManyResult put = queue.put_many(std::span<int>());
  CHECK(put.accepted == 0);
  CHECK(put.status == PutStatus::ok);
  REQUIRE(queue.put(1) == PutStatus::ok);
  std::vector<int> out;
  CHECK(queue.get_many(out, 0).count == 0);
  CHECK(out.empty());
  CHECK(queue.size() == 1);
}

TEMPLATE_TEST_CASE("Queue: a span longer than the capacity goes in pieces", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  auto items = numbers(0, 1'000);
  Call<PutManyResult> put([&] { return queue.put_many(items); });
  std::vector<int> out;
  while (out.size() < 1'000) REQUIRE(queue.get_many(out, 1'000).count <= 4);
  CHECK(put.result().accepted == 1'000);
  CHECK(put.result().status == PutStatus::ok);
  if (TestType::kFifo) CHECK(out == numbers(0, 1'000));
  std::sort(out.begin(), out.end());
  CHECK(out == numbers(0, 1'000));
}

TEMPLATE_TEST_CASE("Queue: get_many takes what is there and never waits for more",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(8);
  auto items = numbers(0, 3);
  REQUIRE(queue.put_many(items).accepted == 3);
  std::vector<int> out;
  CHECK(queue.get_many(out, 2).count == 2);
  CHECK(queue.get_many(out, 5).count == 1);
  CHECK(queue.try_get_many(out, 5).status == GetStatus::empty);
  CHECK(queue.get_many(out, 5, 1ms).status == GetStatus::empty);
  CHECK(out == TestType::order(numbers(0, 3)));
}

TEMPLATE_TEST_CASE("Queue: get_many appends to any container with push_back",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<char> queue(8);
  std::string text = "abcdef";
  REQUIRE(queue.put_many(std::span<char>(text.data(), 6)).accepted == 6);
  std::string string = "<";
  std::deque<char> deque;
  std::list<char> list;
  CHECK(queue.get_many(string, 2).count == 2);
  CHECK(queue.get_many(deque, 2).count == 2);
  CHECK(queue.get_many(list, 2).count == 2);
  CHECK(string.size() == 3);
  CHECK(string[0] == '<');
  string.insert(string.end(), deque.begin(), deque.end());
  string.insert(string.end(), list.begin(), list.end());
  std::sort(string.begin(), string.end());
  CHECK(string == "<abcdef");
}

TEST_CASE("Queue: batches around the end of the storage keep order and ordinals",
          "[queue][conformance]") {
  const std::size_t capacity = GENERATE(1U, 3U, 5U, 8U, 300U, 5'000U);
  Queue<int> numbers_queue(capacity);
  Queue<std::string> texts(capacity);
  int put = 0;
  int got = 0;
  for (int round = 0; round < 200; ++round) {
    auto items = numbers(put, round % 7 + 1);
    std::vector<std::string> strings;
    for (const int item : items)
      strings.push_back("a text of more than a few bytes " + std::to_string(item));
    const std::size_t accepted = numbers_queue.try_put_many(items).accepted;
    REQUIRE(texts.try_put_many(strings).accepted == accepted);
    put += static_cast<int>(accepted);
    std::vector<int> out;
    std::vector<std::string> out_texts;
    const GetManyResult taken =
        numbers_queue.try_get_many(out, static_cast<unsigned>(round) % 5U + 1);
    REQUIRE(texts.try_get_many(out_texts, static_cast<unsigned>(round) % 5U + 1).count ==
            taken.count);
    REQUIRE(out == numbers(got, static_cast<int>(taken.count)));
    if (taken.count > 0) REQUIRE(taken.first == static_cast<std::uint64_t>(got));
    for (const auto& item : out_texts) {
      REQUIRE(item == "a text of more than a few bytes " + std::to_string(got++));
    }
  }
  CHECK(balances(numbers_queue));
}

TEST_CASE("Queue: over-aligned items are stored where they want to lie", "[queue][conformance]") {
  struct alignas(256) Wide {
    int number = 0;
  };
  Queue<Wide> queue(5);
  bool aligned = true;
  for (int round = 0; round < 20; ++round) {
    REQUIRE(queue.put(Wide{round}) == PutStatus::ok);
    const auto item = queue.get();
    aligned = aligned && reinterpret_cast<std::uintptr_t>(&*item) % alignof(Wide) == 0;
    CHECK(item->number == round);
  }
  CHECK(aligned);
}
