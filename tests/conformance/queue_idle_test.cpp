// conformance/queue_idle_test.cpp: a thread that waits in a queue uses no processor.
//
// Only states are measured: the kernel's count of voluntary context switches of the sleeping threads
// does not change while they sleep. There is no periodic waking, so it stays exactly the same.
// SPDX-License-Identifier: MIT
#include <conformance/queue_conformance.hpp>

#include <fstream>
#include <string>

#include <unistd.h>

using namespace sluice;
using namespace sluice::conformance;

namespace {

struct Switches {
  char state = '?';
  long voluntary = -1;
};

Switches switches_of(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/status");
  Switches found;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("State:", 0) == 0) found.state = line[line.find_first_not_of(" \t", 6)];
    if (line.rfind("voluntary_ctxt_switches:", 0) == 0)
      found.voluntary = std::stol(line.substr(24));
  }
  return found;
}

}  // namespace

TEMPLATE_TEST_CASE("Queue: parked putters and getters make no context switches",
                   "[queue][conformance]", SLUICE_QUEUE_FLAVOURS) {
  typename TestType::template Queue<int> full(1);
  typename TestType::template Queue<int> empty(1);
  REQUIRE(full.put(1) == PutStatus::ok);
  std::atomic<pid_t> putter{0};
  std::atomic<pid_t> getter{0};
  Call<PutStatus> put([&] {
    putter = gettid();
    return full.put(2);
  });
  Call<GetStatus> get([&] {
    getter = gettid();
    return empty.get(1h).status();
  });
  wait_for_putters(full, 1);
  wait_for_getters(empty, 1);
  const auto asleep = [](pid_t thread) { return switches_of(thread).state == 'S'; };
  wait_until([&] { return asleep(putter) && asleep(getter); });
  const long putter_before = switches_of(putter).voluntary;
  const long getter_before = switches_of(getter).voluntary;
  REQUIRE(putter_before > 0);
  std::this_thread::sleep_for(2s);
  CHECK(switches_of(putter).voluntary == putter_before);
  CHECK(switches_of(getter).voluntary == getter_before);
  full.close();
  empty.close();
  CHECK(put.result() == PutStatus::closed);
  CHECK(get.result() == GetStatus::closed);
}
