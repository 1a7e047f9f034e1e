// tests/process/event_sleep_test.cpp: whoever sleeps at an event counter misses no raise and keeps none.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/scale.hpp>

#include <sluice/os/event_counter.hpp>
#include <sluice/os/event_sleep.hpp>
#include <sluice/os/packet_socket.hpp>

#include <cstdint>
#include <limits>
#include <thread>

#include <unistd.h>

namespace {

using sluice::Deadline;
using sluice::detail::EventCounter;
using sluice::detail::EventSleep;
using sluice::detail::PacketSocket;
using sluice::testing_support::scaled;
using End = EventSleep::End;

const Deadline kNow = Deadline::now();

}  // namespace

TEST_CASE("event sleep: raises before a wait end one wait, however many", "[process]") {
  const EventCounter counter;
  EventSleep sleep(counter);
  CHECK(sleep.wait(kNow) == End::nothing);
  counter.raise();
  CHECK(sleep.wait() == End::raised);
  CHECK(sleep.wait(kNow) == End::nothing);
  counter.raise();
  counter.raise();
  CHECK(sleep.wait(kNow) == End::raised);
  CHECK(sleep.wait(kNow) == End::nothing);
}

TEST_CASE("event sleep: what was raised before it was made ends its first wait", "[process]") {
  const EventCounter counter;
  counter.raise();
  EventSleep sleep(counter);
  CHECK(sleep.wait() == End::raised);
  CHECK(sleep.wait(kNow) == End::nothing);
}

TEST_CASE("event sleep: a counter that a stranger has filled can still be raised", "[process]") {
  const EventCounter counter;
  EventSleep sleep(counter);
  const std::uint64_t top = std::numeric_limits<std::uint64_t>::max() - 1;
  REQUIRE(::write(counter.descriptor().number(), &top, sizeof top) == sizeof top);
  CHECK(sleep.wait() == End::raised);
  for (int i = 0; i < 3; ++i) {
    counter.raise();
    CHECK(sleep.wait() == End::raised);
  }
  CHECK(sleep.wait(kNow) == End::nothing);
}

TEST_CASE("event sleep: the end of its line ends every wait", "[process]") {
  const EventCounter counter;
  auto [here, there] = PacketSocket::make_pair();
  EventSleep sleep(counter, here.descriptor().number());
  CHECK(sleep.wait(kNow) == End::nothing);
  { const PacketSocket closed = std::move(there); }
  CHECK(sleep.wait() == End::hung_up);
  counter.raise();
  CHECK(sleep.wait() == End::hung_up);
}

TEST_CASE("event sleep: two that wake each other in turn never miss a raise", "[process]") {
  const int rounds = scaled(20'000);
  const EventCounter here;
  const EventCounter there;
  int answered = 0;
  std::thread other([&] {
    EventSleep sleep(there);
    for (int i = 0; i < rounds; ++i) {
      while (sleep.wait() != End::raised) {
      }
      here.raise();
    }
  });
  EventSleep sleep(here);
  for (int i = 0; i < rounds; ++i) {
    there.raise();
    while (sleep.wait() != End::raised) {
    }
    ++answered;
  }
  other.join();
  CHECK(answered == rounds);
}
