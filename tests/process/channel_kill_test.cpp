// process/channel_kill_test.cpp: workers are killed at moments chosen by seed, from outside and by
// themselves at each step. What the parent sees is a sequence of whole transactions, and nothing of
// the one that was not committed; the next worker gets the same leases again, in their order.
// SPDX-License-Identifier: MIT
#include <process/channel_scene.hpp>

#include <catch2/catch.hpp>

#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <sluice/base/cpu_pause.hpp>
#include <sluice/process/kill_point.hpp>

#include <algorithm>
#include <array>
#include <iostream>
#include <random>

#include <unistd.h>
#include <csignal>

namespace {

using namespace sluice::process_tests;
using namespace sluice::testing_support;
using sluice::detail::KillPoint;
using Kind = ChannelPlan::Kind;

// Where a worker kills itself.
enum class Step : std::uint8_t { taken, begun, appended, complete, committed, none };
constexpr std::size_t kSteps = 5;

std::uint64_t outputs_of(std::uint64_t ticket) { return ticket % 4; }

// Up to 600 bytes, and now and then so many that they go into a file.
std::size_t size_of(std::uint64_t ticket, std::uint64_t output) {
  const std::uint64_t mixed = (ticket * 31 + output) * 0x9e3779b97f4a7c15U >> 40U;
  return mixed % 50 == 0 ? 4000 + mixed % 3000 : mixed % 600;
}

// The n-th ticket of a worker's life, or a later one that comes by the step.
struct Fate {
  Step step = Step::none;
  std::uint64_t after = 0;
};

void work(WorkerChannel& channel, const Fate& fate) {
  std::uint64_t done = 0;
  const auto pass = [&](Step step) {
    if (step == fate.step && done >= fate.after) kill(getpid(), SIGKILL);
  };
  Lease lease;
  while (channel.take(lease)) {
    pass(Step::taken);
    channel.begin(lease.ticket);
    pass(Step::begun);
    for (std::uint64_t i = 0; i < outputs_of(lease.ticket); ++i) {
      channel.append(RecordType::output, static_cast<std::uint8_t>(i),
                     pattern(lease.ticket, i, size_of(lease.ticket, i)));
      pass(Step::appended);
    }
    pass(Step::complete);
    channel.commit(RecordType::done, lease.ticket, {});
    ++done;
    pass(Step::committed);
  }
}

// What the parent is due next, whichever worker it comes from.
class Ledger {
 public:
  // Returns  whether it ends a ticket.
  bool apply(const Record& record) {
    if (record.type == RecordType::output) {
      REQUIRE(output_ < outputs_of(ticket_));
      REQUIRE(record.port == output_);
      REQUIRE(record.bytes.size() == size_of(ticket_, output_));
      REQUIRE(has_pattern(record.bytes, ticket_, output_));
      ++output_;
      return false;
    }
    REQUIRE(record.type == RecordType::done);
    REQUIRE(record.ticket == ticket_);
    REQUIRE(output_ == outputs_of(ticket_));
    ++ticket_;
    output_ = 0;
    return true;
  }
  [[nodiscard]] std::uint64_t next_ticket() const { return ticket_; }
  [[nodiscard]] bool between_tickets() const { return output_ == 0; }

 private:
  std::uint64_t ticket_ = 1;
  std::uint64_t output_ = 0;
};

class Incarnation {
 public:
  Incarnation(const ChannelPlan& plan, const Fate& fate, std::uint64_t first, std::uint64_t last,
              KillPoint point = KillPoint::none)
      : scene_(Host::process, plan,
               [&](WorkerChannel& channel, OffThreadChecks&) {
                 sluice::detail::set_kill_plan({.point = point});
                 sluice::detail::arm_kill_plan(0);
                 work(channel, fate);
               }),
        next_(first),
        last_(last) {}

  // Keeps `window` tickets at the worker.
  void lend(const Ledger& ledger, std::uint64_t window) {
    const Bytes bytes = pattern(0, 0, 24);
    while (next_ <= last_ && next_ < ledger.next_ticket() + window &&
           scene_.parent().lend({.ticket = next_, .item = next_ - 1, .bytes = bytes})) {
      ++next_;
    }
    scene_.parent().publish();
  }
  void kill_now() { kill(scene_.host().id(), SIGKILL); }
  Scene& scene() { return scene_; }
  /// The first ticket that this worker never got.
  [[nodiscard]] std::uint64_t lent_to() const { return next_; }

 private:
  Scene scene_;
  std::uint64_t next_;
  std::uint64_t last_;
};

void spin(std::uint64_t turns) {
  for (; turns > 0; --turns) sluice::detail::cpu_pause();
}

struct Deaths {
  std::array<int, kSteps> by_step{};
  int from_outside = 0;
  std::uint64_t redone = 0;
};

// One worker, until it is dead. Every other one is killed from outside, the others at each step in turn; the
// seed decides when.
void live_and_die(const ChannelPlan& plan, unsigned turn, std::mt19937_64& random, Ledger& ledger,
                  Deaths& deaths) {
  const bool outside = turn % 2 == 0;
  const auto step = static_cast<Step>(turn / 2 % kSteps);
  const Fate fate{outside ? Step::none : step, random() % 40};
  const std::uint64_t window = 1 + random() % 48;
  std::uint64_t records_left = random() % 100;
  Incarnation worker(plan, fate, ledger.next_ticket(), ~std::uint64_t{0});
  worker.lend(ledger, window);
  Record record;
  while (!(outside && records_left == 0) && worker.scene().wait(record)) {
    if (ledger.apply(record)) {
      worker.scene().parent().free_read();
      worker.lend(ledger, window);
    }
    if (records_left > 0) --records_left;
  }
  if (outside) {
    spin(random() % 5'000);
    worker.kill_now();
    ++deaths.from_outside;
  } else {
    ++deaths.by_step[static_cast<std::size_t>(step)];
  }
  REQUIRE(worker.scene().join() == "the worker process ended with status 9");
  while (worker.scene().wait(record)) ledger.apply(record);
  REQUIRE(ledger.between_tickets());
  deaths.redone += worker.lent_to() - ledger.next_ticket();
}

}  // namespace

TEST_CASE("Channel: whatever kills a worker, whole transactions are left, each of them once",
          "[process]") {
  const Kind kind = GENERATE(Kind::log, Kind::packet);
  INFO(Setting({kind, Host::process}).name());
  const ChannelPlan plan{.kind = kind, .down_bytes = 1 << 13, .up_bytes = 1 << 13};
  auto random = random_engine(7);
  constexpr int kDeaths = scaled(600);
  Ledger ledger;
  Deaths deaths;
  for (unsigned i = 0; i < kDeaths; ++i) live_and_die(plan, i, random, ledger, deaths);

  // One that lives does the rest.
  const std::uint64_t last = ledger.next_ticket() + 1000;
  Incarnation worker(plan, {}, ledger.next_ticket(), last);
  Record record;
  while (ledger.next_ticket() <= last) {
    worker.lend(ledger, 32);
    REQUIRE(worker.scene().wait(record));
    if (ledger.apply(record)) worker.scene().parent().free_read();
  }
  worker.scene().parent().request_stop();
  CHECK(worker.scene().join() == "");

  int killed = deaths.from_outside;
  for (const int count : deaths.by_step) killed += count;
  CHECK(killed == kDeaths);
  CHECK(*std::min_element(deaths.by_step.begin(), deaths.by_step.end()) >=
        kDeaths / (2 * static_cast<int>(kSteps)));
  std::cout << "process: " << Setting{kind, Host::process}.name() << ": " << kDeaths << " kills, "
            << deaths.from_outside << " of them from outside, over " << last << " items, seed "
            << seed() << ": lost 0, doubled 0, in order; lent again " << deaths.redone << std::endl;
}

// Nobody reads until it is dead: it sleeps for room, with some of an item's outputs written.
TEST_CASE("Channel: a worker that is killed while it waits for room leaves whole transactions",
          "[process]") {
  const ChannelPlan plan{.kind = Kind::log, .down_bytes = 1 << 13, .up_bytes = 1 << 13};
  auto random = random_engine(8);
  constexpr int kDeaths = scaled(500);
  Ledger ledger;
  std::uint64_t redone = 0;
  for (int i = 0; i < kDeaths; ++i) {
    Incarnation worker(plan, {}, ledger.next_ticket(), ~std::uint64_t{0}, KillPoint::out_of_room);
    worker.lend(ledger, 60 + random() % 60);
    REQUIRE(worker.scene().join() == "the worker process ended with status 9");
    Record record;
    while (worker.scene().wait(record)) ledger.apply(record);
    REQUIRE(ledger.between_tickets());
    REQUIRE(worker.lent_to() > ledger.next_ticket());
    redone += worker.lent_to() - ledger.next_ticket();
  }
  std::cout << "process: " << kDeaths << " kills of workers that waited for room, over "
            << ledger.next_ticket() - 1 << " items, seed " << seed()
            << ": lost 0, doubled 0, in order; lent again " << redone << std::endl;
}
