// conformance/queue_stop_test.cpp: every wait also ends by a stop token.
// SPDX-License-Identifier: MIT
#include <conformance/queue_conformance.hpp>

using namespace sluice;
using namespace sluice::conformance;

TEMPLATE_TEST_CASE("Queue: a stop request ends a blocked put and leaves the item with the caller",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<std::vector<int>> queue(1);
  REQUIRE(queue.put(std::vector<int>{0}) == PutStatus::ok);
  std::stop_source stop;
  std::vector<int> item = {1, 2, 3};
  Call<PutStatus> put(
      [&] { return queue.put(std::move(item), Deadline::never(), stop.get_token()); });
  wait_for_putters(queue, 1);
  CHECK_FALSE(put.returned());
  stop.request_stop();
  CHECK(put.result() == PutStatus::stopped);
  CHECK(item == std::vector<int>{1, 2, 3});
  CHECK(queue.put_count() == 1);
  CHECK(queue.put_waiters() == 0);
}

TEMPLATE_TEST_CASE("Queue: a stop request ends a blocked get", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(1);
  std::stop_source stop;
  Call<GetStatus> get([&] { return queue.get(1h, stop.get_token()).status(); });
  Call<GetStatus> many([&] {
    std::vector<int> buffer;
    return queue.get_many(buffer, 4, Deadline::never(), stop.get_token()).status;
  });
  wait_for_getters(queue, 2);
  stop.request_stop();
  CHECK(get.result() == GetStatus::stopped);
  CHECK(many.result() == GetStatus::stopped);
  CHECK(queue.get_waiters() == 0);
}

TEMPLATE_TEST_CASE("Queue: a stopped put_many says how much was accepted", "[queue][conformance]",
                   SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(3);
  std::stop_source stop;
  std::vector<int> items(10, 1);
  Call<PutManyResult> put(
      [&] { return queue.put_many(items, Deadline::never(), stop.get_token()); });
  wait_for_putters(queue, 1);
  stop.request_stop();
  CHECK(put.result().accepted == 3);
  CHECK(put.result().status == PutStatus::stopped);
}

TEMPLATE_TEST_CASE("Queue: with a stop already requested a call that need not wait succeeds",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(1);
  std::stop_source stop;
  stop.request_stop();
  const auto token = stop.get_token();
  CHECK(queue.get(Deadline::never(), token).status() == GetStatus::stopped);
  CHECK(queue.put(1, Deadline::never(), token) == PutStatus::ok);
  CHECK(queue.put(2, Deadline::never(), token) == PutStatus::stopped);
  CHECK_FALSE(queue.join(Deadline::never(), token));
  CHECK(queue.get(Deadline::never(), token).status() == GetStatus::ok);
  queue.close();
  CHECK(queue.get(Deadline::never(), token).status() == GetStatus::closed);
}

TEMPLATE_TEST_CASE("Queue: a stop request ends only the wait it was made for",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(1);
  std::stop_source stop;
  Call<GetStatus> stopped([&] { return queue.get({}, stop.get_token()).status(); });
  Call<int> other([&] { return queue.get().value(); });
  wait_for_getters(queue, 2);
  stop.request_stop();
  CHECK(stopped.result() == GetStatus::stopped);
  wait_for_getters(queue, 1);
  CHECK_FALSE(other.returned());
  REQUIRE(queue.put(5) == PutStatus::ok);
  CHECK(other.result() == 5);
}

TEMPLATE_TEST_CASE("Queue: a stop that races a put loses no item and no wake-up",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> queue(4);
  const int rounds = scaled(1'000);
  for (int i = 0; i < rounds; ++i) {
    std::stop_source stop;
    Call<GetStatus> stoppable([&] { return queue.get({}, stop.get_token()).status(); });
    Call<GetStatus> patient([&] { return queue.get().status(); });
    if (i % 2 == 0) wait_for_getters(queue, 2);
    std::thread stopper([&] { stop.request_stop(); });
    REQUIRE(queue.put(1) == PutStatus::ok);
    stopper.join();
    // The one item went to one of them; had it been lost, the patient one would wait for ever.
    if (stoppable.result() == GetStatus::ok) REQUIRE(queue.put(2) == PutStatus::ok);
    REQUIRE(patient.result() == GetStatus::ok);
    REQUIRE(queue.empty());
  }
}
