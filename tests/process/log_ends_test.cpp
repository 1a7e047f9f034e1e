// process/log_ends_test.cpp: the two ends of a pair of logs in two threads that see them at the same
// addresses, so that the race detector can judge them (two mappings of the same memory are strangers
// to it). Logs of one page and no spinning: both sides wait for each other all the time.
// SPDX-License-Identifier: MIT
#include <process/channel_scene.hpp>

#include <catch2/catch.hpp>

#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <sluice/os/memory_map.hpp>
#include <sluice/os/packet_socket.hpp>
#include <sluice/process/log_ends.hpp>
#include <sluice/sync/sync_policy.hpp>

#include <cstring>
#include <thread>

#include <poll.h>

namespace {

using namespace sluice::process_tests;
using namespace sluice::testing_support;
namespace detail = sluice::detail;
using detail::MappedArea;
using detail::StandardSync;

// Rings, and the only one who waits at it sleeps in poll. What happens before a ring is not ordered by
// the counter as far as the detector knows: the logs have to do that.
struct Bell {
  EventCounter counter{};
  void ring() const { counter.raise(); }
  [[nodiscard]] bool wait() const {
    pollfd waited = {.fd = counter.descriptor().number(), .events = POLLIN, .revents = 0};
    poll(&waited, 1, -1);
    counter.lower();
    return true;
  }
};

using ParentEnd = detail::LogParentEnd<StandardSync, MappedArea, Bell>;
using WorkerEnd = detail::LogWorkerEnd<StandardSync, MappedArea, Bell, Bell>;

struct Logs {
  explicit Logs(std::size_t ring)
      : down_file("test", detail::page_size() + ring),
        up_file("test", detail::page_size() + ring),
        down(down_file, ring, detail::MapAccess::read_and_write),
        up(up_file, ring, detail::MapAccess::read_and_write) {}
  [[nodiscard]] static MappedArea area(const detail::LogMap& map) {
    return {map.ring(), map.ring_size()};
  }
  detail::MemoryFile down_file;
  detail::MemoryFile up_file;
  detail::LogMap down;
  detail::LogMap up;
  detail::ParentWords<StandardSync> parent{};
  detail::WorkerWords<StandardSync> worker{};
  Bell worker_bell{};
  Bell router_bell{};
};

// Here are none.
void no_files(detail::LogRecord&, std::uint64_t position) {
  throw detail::ProtocolViolation("a file", position);
}

void worker_main(Logs& logs, std::int64_t spin_ns, OffThreadChecks& checks) {
  WorkerEnd end(logs.worker, logs.parent, Logs::area(logs.down), Logs::area(logs.up),
                logs.worker_bell, logs.router_bell, spin_ns);
  detail::LogRecord lease;
  for (std::uint64_t ticket = 1; end.take(lease); ++ticket) {
    checks.expect_equal(lease.head.id, ticket, "ticket");
    const Bytes copy(lease.bytes.begin(), lease.bytes.end());
    checks.expect(has_pattern(copy, ticket, 0), "the lease's bytes");
    end.begin(ticket, 1);
    checks.expect(
        end.append({.type = detail::kOutputRecord}, copy, {}) == detail::StageStatus::staged,
        "staged");
    if (ticket % 16 == 0) {
      end.discard();
      static_cast<void>(end.append({.type = detail::kOutputRecord}, copy, {}));
    }
    static_cast<void>(end.append({.type = detail::kDoneRecord, .id = ticket}, {}, {}));
    end.commit(true);
  }
}

}  // namespace

TEST_CASE("log ends: two threads that sleep and wake each other lose nothing", "[process]") {
  const std::int64_t spin_ns = GENERATE(0, 2000);
  const std::size_t most_gathered = GENERATE(as<std::size_t>(), 1, 30);
  Logs logs(4096);
  ParentEnd end(logs.parent, logs.worker, Logs::area(logs.down), Logs::area(logs.up),
                logs.worker_bell);
  OffThreadChecks checks;
  std::thread worker([&] { worker_main(logs, spin_ns, checks); });
  auto random = random_engine(3);
  const std::uint64_t count = scaled(200'000);
  std::uint64_t lent = 0;
  std::uint64_t done = 0;
  bool output_seen = false;
  std::size_t sleeps = 0;
  while (done < count) {
    bool progress = false;
    for (auto burst = 1 + random() % 12; burst > 0 && lent < count; --burst) {
      const Bytes bytes = pattern(lent + 1, 0, random() % 200);
      if (!end.lend({.type = detail::kLeaseRecord, .id = lent + 1}, bytes, {})) break;
      ++lent;
      progress = true;
    }
    end.publish();
    while (const detail::LogRecord* const record = end.next(no_files)) {
      progress = true;
      if (record->head.type == detail::kOutputRecord) {
        REQUIRE_FALSE(output_seen);
        REQUIRE(has_pattern(record->bytes, done + 1, 0));
        output_seen = true;
        continue;
      }
      REQUIRE(record->head.id == ++done);
      REQUIRE(output_seen);
      output_seen = false;
    }
    end.free_read();
    if (progress) continue;
    end.announce_sleep(1 + random() % most_gathered);
    if (!end.has_records(true)) {
      ++sleeps;
      static_cast<void>(logs.router_bell.wait());
    }
    end.end_sleep();
  }
  end.request_stop();
  worker.join();
  CHECK(checks.failures() == "");
  CHECK(sleeps > 0);
}

TEST_CASE("log ends: a transaction that was overwritten while it was read has no end",
          "[process]") {
  enum class Overwritten { nothing, first_head, last_head, all };
  const auto what = GENERATE(Overwritten::nothing, Overwritten::first_head, Overwritten::last_head,
                             Overwritten::all);
  Logs logs(4096);
  ParentEnd parent(logs.parent, logs.worker, Logs::area(logs.down), Logs::area(logs.up),
                   logs.worker_bell);
  WorkerEnd worker(logs.worker, logs.parent, Logs::area(logs.down), Logs::area(logs.up),
                   logs.worker_bell, logs.router_bell, 0);
  REQUIRE(parent.lend({.type = detail::kLeaseRecord, .id = 1}, {}, {}));
  parent.publish();
  detail::LogRecord lease;
  REQUIRE(worker.take(lease));
  worker.begin(1, 1);
  const Bytes bytes = pattern(1, 0, 40);
  static_cast<void>(worker.append({.type = detail::kOutputRecord}, bytes, {}));
  static_cast<void>(worker.append({.type = detail::kDoneRecord, .id = 1}, {}, {}));
  worker.commit(true);

  const detail::LogRecord* const output = parent.next(no_files);
  REQUIRE(output != nullptr);
  CHECK(output->head.type == detail::kOutputRecord);
  if (what == Overwritten::nothing) {
    const detail::LogRecord* const done = parent.next(no_files);
    REQUIRE(done != nullptr);
    CHECK(done->head.type == detail::kDoneRecord);
    return;
  }
  const std::size_t first = detail::record_size(bytes.size());
  const std::size_t from = what == Overwritten::last_head ? first : 0;
  const std::size_t size =
      what == Overwritten::all ? logs.up.ring_size() : sizeof(detail::RecordHead);
  std::memset(logs.up.ring() + from, 0, size);
  CHECK_THROWS_AS(parent.next(no_files), detail::ProtocolViolation);
  CHECK_THROWS_AS(parent.next(no_files), detail::ProtocolViolation);  // nor is it believed later
}
