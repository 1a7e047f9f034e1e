// model/log_test.cpp: logs between a parent and a worker on the simulated machine: a transaction is
// seen whole or not at all, no byte is read or overwritten too early, and no wake-up is lost.
// SPDX-License-Identifier: MIT
#include <model/log_scene.hpp>

#include <model/weakening.hpp>

#include <catch2/catch.hpp>

#include <iostream>
#include <string>
#include <vector>

namespace sluice::model {
namespace {

using detail::LogRecord;
using detail::StageStatus;

// A lease of one number; a transaction of one output, ten times that, and an end.
constexpr std::size_t kLeaseBytes = 16 + 8;
constexpr std::size_t kTransactionBytes = 16 + 8 + 16;

bool lend(LogScene& scene, std::uint64_t ticket) {
  return scene.parent.lend({.type = detail::kLeaseRecord, .id = ticket}, detail::bytes_of(ticket),
                           {});
}

// The worker's life.
void work(LogScene& scene) {
  LogRecord lease;
  for (std::uint64_t ticket = 1; scene.worker.take(lease); ++ticket) {
    expect(lease.head.id == ticket, "a lease is lost, doubled or reordered");
    const std::uint64_t answer = 10 * scene.down.number(lease.bytes);
    bool staged = scene.worker.append({.type = detail::kOutputRecord}, detail::bytes_of(answer),
                                      {}) == StageStatus::staged;
    staged = staged && scene.worker.append({.type = detail::kDoneRecord, .id = ticket}, {}, {}) ==
                           StageStatus::staged;
    expect(staged, "a record is not staged");
    scene.worker.commit(true);
  }
}

// Counts what the worker's transactions bring.
class Reader {
 public:
  explicit Reader(LogScene& scene) noexcept : scene_(scene) {}

  // All there is now. Returns  whether there was something.
  bool read() {
    bool any = false;
    try {
      const auto no_files = [](LogRecord&, std::uint64_t) {};
      while (const LogRecord* const record = scene_.parent.next(no_files)) {
        any = true;
        if (record->head.type == detail::kOutputRecord) {
          expect(scene_.up.number(record->bytes) == 10 * (done_ + 1), "an output is wrong");
          ++outputs_;
          continue;
        }
        ++done_;
        expect(record->head.id == done_ && outputs_ == done_, "a transaction is wrong");
      }
    } catch (const detail::ProtocolViolation&) {
      expect(false, "a part of a transaction is visible");
    }
    if (any) scene_.parent.free_read();
    return any;
  }
  // Sleeps as a router does, until there are about so many answers.
  void read_or_sleep(std::size_t answers = 1) {
    if (read()) return;
    scene_.parent.announce_sleep(answers);
    if (!scene_.parent.has_records(true)) scene_.router_bell.wait();
    scene_.parent.end_sleep();
  }
  [[nodiscard]] std::uint64_t done() const noexcept { return done_; }

 private:
  LogScene& scene_;
  std::uint64_t outputs_ = 0;
  std::uint64_t done_ = 0;
};

void parent_of(LogScene& scene, std::uint64_t leases) {
  Reader reader(scene);
  std::uint64_t lent = 0;
  while (reader.done() < leases) {
    while (lent < leases && lend(scene, lent + 1)) ++lent;
    scene.parent.publish();
    reader.read_or_sleep();
  }
  scene.parent.request_stop();
}

// One lease, so that it is known what an answer takes, then two, and a sleep until so many are answered.
void gather(Execution& run, std::size_t answers) {
  auto& scene = run.make<LogScene>(4 * kLeaseBytes, 2 * answers * kTransactionBytes);
  run.thread("parent", [&scene, answers] {
    Reader reader(scene);
    expect(lend(scene, 1), "an empty log has no room");
    scene.parent.publish();
    while (reader.done() < 1) reader.read_or_sleep();
    expect(lend(scene, 2) && lend(scene, 3), "an empty log has no room");
    scene.parent.publish();
    while (reader.done() < 3) reader.read_or_sleep(answers);
    scene.parent.request_stop();
  });
  run.thread("worker", [&] { work(scene); });
}

}  // namespace

void answers_gathered(Execution& run) { gather(run, 2); }

// There are never so many: the worker sleeps before.
void more_than_there_are(Execution& run) { gather(run, 3); }

void leases_and_records(Execution& run) {
  auto& scene = run.make<LogScene>(4 * kLeaseBytes, 4 * kTransactionBytes);
  run.thread("parent", [&] { parent_of(scene, 2); });
  run.thread("worker", [&] { work(scene); });
}

// The second transaction has to wait until the first is read.
void records_without_room(Execution& run) {
  auto& scene = run.make<LogScene>(4 * kLeaseBytes, kTransactionBytes + 16);
  run.thread("parent", [&] { parent_of(scene, 2); });
  run.thread("worker", [&] { work(scene); });
}

void leases_without_room(Execution& run) {
  auto& scene = run.make<LogScene>(kLeaseBytes + 8, 4 * kTransactionBytes);
  run.thread("parent", [&] { parent_of(scene, 2); });
  run.thread("worker", [&] { work(scene); });
}

// Without leases; and with one that is published before the stop.
void stop_of_a_sleeper(Execution& run) {
  auto& scene = run.make<LogScene>(4 * kLeaseBytes, 4 * kTransactionBytes);
  run.thread("parent", [&] {
    expect(lend(scene, 1), "an empty log has no room");
    scene.parent.request_stop();
  });
  run.thread("worker", [&] { work(scene); });
  run.finally([&] {
    Reader reader(scene);
    reader.read();
    expect(reader.done() == 1, "a lease that was published before the stop is lost");
  });
}

TEST_CASE("model: leases go down and transactions come up, whole and in order",
          "[model][process]") {
  must_hold("leases and records", leases_and_records);
}

TEST_CASE("model: a worker without room for its records is woken when they are read",
          "[model][process]") {
  must_hold("records without room", records_without_room);
}

TEST_CASE("model: a router without room for a lease is woken by a commit", "[model][process]") {
  must_hold("leases without room", leases_without_room);
}

TEST_CASE(
    "model: a router that waits for several answers is woken by them, or when the worker sleeps",
    "[model][process]") {
  must_hold("gathered answers", answers_gathered);
  must_hold("more than there are", more_than_there_are);
}

TEST_CASE("model: a stop wakes the worker, and leases before it are served", "[model][process]") {
  must_hold("a stop", stop_of_a_sleeper, {.preemptions = 3});
}

TEST_CASE("model: a discarded transaction leaves nothing", "[model][process]") {
  must_hold("a discard", [](Execution& run) {
    auto& scene = run.make<LogScene>(4 * kLeaseBytes, 2 * kTransactionBytes);
    run.thread("parent", [&] { parent_of(scene, 2); });
    run.thread("worker", [&] {
      LogRecord lease;
      while (scene.worker.take(lease)) {
        const std::uint64_t wrong = 7;
        const std::uint64_t right = 10 * scene.down.number(lease.bytes);
        static_cast<void>(
            scene.worker.append({.type = detail::kOutputRecord}, detail::bytes_of(wrong), {}));
        scene.worker.discard();
        static_cast<void>(
            scene.worker.append({.type = detail::kOutputRecord}, detail::bytes_of(right), {}));
        static_cast<void>(
            scene.worker.append({.type = detail::kDoneRecord, .id = lease.head.id}, {}, {}));
        scene.worker.commit(true);
      }
    });
  });
}

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;
constexpr auto kSeqCst = std::memory_order_seq_cst;

struct Needed {
  Weakening weakening;
  void (*scenario)(Execution&);
};

}  // namespace

TEST_CASE("model: an order of the logs weaker than the argument needs is noticed",
          "[model][process]") {
  using enum Operation;
  const std::vector<Needed> list = {
      // log-commit: the bytes are handed over with the length.
      {{{"log.hpp", "publish", store, kSeqCst}, kRelaxed}, leases_and_records},
      {{{"log.hpp", "has_record", load, kAcquire}, kRelaxed}, leases_and_records},
      // log-freed: the room is handed back with the position.
      {{{"log.hpp", "free_to", store, kRelease}, kRelaxed}, leases_without_room},
      {{{"log.hpp", "free_to", store, kSeqCst}, kRelaxed}, records_without_room},
      {{{"log.hpp", "look", load, kAcquire}, kRelaxed}, leases_without_room},
      // log-announce-or-look: the sleeper's two steps and the waker's two.
      {{{"log.hpp", "publish", store, kSeqCst}, kRelease}, leases_and_records},
      {{{"log.hpp", "has_record", load, kSeqCst}, kAcquire}, leases_and_records},
      {{{"log.hpp", "may_have_record", load, kSeqCst}, kAcquire}, leases_and_records},
      {{{"log.hpp", "free_to", store, kSeqCst}, kRelease}, records_without_room},
      {{{"log.hpp", "look", load, kSeqCst}, kAcquire}, records_without_room},
      {{{"log_sleep.hpp", "announce", modify, kSeqCst}, kAcqRel}, leases_and_records},
      {{{"log_sleep.hpp", "must_ring", load, kSeqCst}, kAcquire}, leases_and_records},
      // log-both-sleep.
      {{{"log_sleep.hpp", "sleeps_unrung", load, kSeqCst}, kAcquire}, more_than_there_are},
      {{{"log_sleep.hpp", "must_ring", load, kSeqCst}, kAcquire}, more_than_there_are},
      // log-stop.
      {{{"log_ends.hpp", "request_stop", store, kSeqCst}, kRelease}, stop_of_a_sleeper},
      {{{"log_ends.hpp", "operator()", load, kSeqCst}, kAcquire}, stop_of_a_sleeper},
      {{{"log_ends.hpp", "operator()", load, kAcquire}, kRelaxed}, stop_of_a_sleeper},
  };
  constexpr Effort kEffort = {
      .preemptions = 3, .weak_steps = 2, .searched = 200'000, .random = 20'000};
  for (const Needed& needed : list) {
    const WeakenHere weak(needed.weakening);
    const Verdict verdict = explore(needed.scenario, kEffort);
    const std::string fault = verdict.ok ? "" : verdict.text.substr(0, verdict.text.find('\n'));
    std::cout << "model: " << needed.weakening.text() << ": " << fault << std::endl;
    INFO(needed.weakening.text());
    CHECK(weak.used());
    CHECK_THAT(fault, Catch::StartsWith("model violation"));
  }
}

}  // namespace sluice::model
