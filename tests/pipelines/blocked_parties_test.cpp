// pipelines/blocked_parties_test.cpp: stop, cancel and a dropped handle reach every party that waits, whatever
// it waits for: room, items, a timer of an hour, the application.
//
// Each scene is brought to the point where its party waits, then ended: by stop, by cancel, or by dropping the
// handle; from the main thread, from another one, or from inside a stage.
// SPDX-License-Identifier: MIT
#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/counted.hpp>
#include <support/numbers.hpp>
#include <support/scene.hpp>
#include <support/watchdog.hpp>

#include <sluice/sluice.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using namespace std::chrono_literals;

Counted same(Counted item) { return item; }

/// A pipeline in which somebody waits.
struct Party {
  const char* name;
  void (*connect)(Pipeline&, Scene&);
  /// What explain() says, all of it, once the party waits.
  std::vector<std::string> waits;
  /// The application's part, if it has one.
  void (*begin)(Scene&, RunHandle&) = nullptr;
  /// Stop alone does not end it: it waits for an hour, or for the application.
  bool outlasts_stop = false;
  /// It may emit more while it drains.
  bool goes_on = false;
  /// The item that its holder holds is one of them.
  std::size_t got_after_cancel = 0;

  [[nodiscard]] bool has_holder() const {
    for (const std::string& what : waits) {
      if (what.find("->hold") != std::string::npos) return true;
    }
    return false;
  }
};

void full_edge(Pipeline& p, Scene& scene) {
  p.source("read", scene.endless(), {.carrier = scene.mix.at(0)}) |
      sink("hold", scene.holds(), {.carrier = scene.mix.at(1), .capacity = 1, .batch = 1});
}
void full_output(Pipeline& p, Scene& scene) {
  p.source("read", scene.endless(), {.carrier = scene.mix.at(0)}) |
      map("same", same, {.carrier = scene.mix.at(1), .capacity = 1}) |
      sink("hold", scene.holds(), {.carrier = scene.mix.at(0), .capacity = 1, .batch = 1});
}
void full_outputs(Pipeline& p, Scene& scene) {
  p.source("read", scene.endless(), {.carrier = scene.mix.at(0)}) |
      map("same", same, {.workers = 2, .carrier = scene.mix.at(1), .capacity = 2, .batch = 1}) |
      sink("hold", scene.holds(), {.carrier = scene.mix.at(0), .capacity = 1, .batch = 1});
}
void full_lane(Pipeline& p, Scene& scene) {
  p.source("read", scene.endless(), {.carrier = scene.mix.at(0)}) |
      key_by([](const Counted&) { return 7; }) |
      sink("hold", scene.holds(),
           {.workers = 2, .carrier = scene.mix.at(1), .capacity = 2, .batch = 1});
}
void full_branch(Pipeline& p, Scene& scene) {
  auto read = p.source("read", scene.endless(), {.carrier = scene.mix.at(0)});
  read | sink("free", [](const Counted&) {}, {.carrier = scene.mix.at(0)});
  read | sink("hold", scene.holds(), {.carrier = scene.mix.at(1), .capacity = 1, .batch = 1});
}
void full_merge(Pipeline& p, Scene& scene) {
  merge(p.source("one", scene.endless(), {.carrier = scene.mix.at(0)}),
        p.source("two", scene.endless(), {.carrier = scene.mix.at(1)})) |
      sink("hold", scene.holds(), {.carrier = scene.mix.at(0), .capacity = 1, .batch = 1});
}
void nothing_to_do(Pipeline& p, Scene& scene) {
  p.inlet<Counted>("in", {.carrier = scene.mix.at(0)}) |
      map("same", same, {.workers = 2, .carrier = scene.mix.at(1)}) |
      sink("collect", scene.collects(), {.carrier = scene.mix.at(0)});
}
void streaming_stage(Pipeline& p, Scene& scene) {
  const auto burst = [&scene](Number, Emitter<Counted>& out) {
    for (int i = 0; i < 20; ++i) out.emit(Counted(scene.emitted++));
  };
  p.source("read", numbers(1), {.carrier = scene.mix.at(0)}) |
      flat_map<Counted>("burst", burst, {.streaming = true}) |
      sink("hold", scene.holds(), {.carrier = scene.mix.at(1), .capacity = 1, .batch = 1});
}
void streaming_source(Pipeline& p, Scene& scene) {
  const auto burst = [&scene](Emitter<Counted>& out) {
    while (out.open()) out.emit(Counted(scene.emitted++));
    return true;
  };
  p.source<Counted>("burst", burst, {.streaming = true}) |
      sink("hold", scene.holds(), {.carrier = scene.mix.at(1), .capacity = 1, .batch = 1});
}
/// Item 1 fails.
Counted once_more(Counted item, Context& context) {
  if (item.value() == 1 && context.attempt() == 1) throw std::runtime_error("in an hour");
  return item;
}
void retry_in_an_hour(Pipeline& p, Scene& scene) {
  p.source("read", scene.only(3), {.carrier = scene.mix.at(0)}) |
      map("retry", once_more, {.carrier = scene.mix.at(1), .on_error = retry(1, 1h)}) |
      sink("collect", scene.collects(), {.carrier = scene.mix.at(0)});
}
void keyed_retry_in_an_hour(Pipeline& p, Scene& scene) {
  p.source("read", scene.endless(), {.carrier = scene.mix.at(0)}) |
      key_by([](const Counted&) { return 0; }) |
      map("retry", once_more,
          {.carrier = scene.mix.at(1), .capacity = 2, .on_error = retry(1, 1h)}) |
      sink("collect", scene.collects(), {.carrier = scene.mix.at(0)});
}
void source_retry_in_an_hour(Pipeline& p, Scene& scene) {
  const auto read = [&scene]() -> std::optional<Counted> {
    if (scene.emitted == 5) throw std::runtime_error("in an hour");
    return Counted(scene.emitted++);
  };
  p.source("read", read, {.carrier = scene.mix.at(0), .on_error = retry(3, 1h)}) |
      sink("collect", scene.collects(), {.carrier = scene.mix.at(1)});
}
void lingering_batch(Pipeline& p, Scene& scene) {
  const auto unpack = [&scene](const std::vector<Counted>& items) {
    for (const Counted& item : items) scene.got.add(item.value());
  };
  p.inlet<Counted>("in", {.carrier = scene.mix.at(0)}) |
      batch("batch", 1000, 1h, {.carrier = scene.mix.at(1)}) |
      sink("collect", unpack, {.carrier = scene.mix.at(0)});
}
void full_inlet(Pipeline& p, Scene& scene) {
  p.inlet<Counted>("in", {.carrier = scene.mix.at(0), .capacity = 1}) |
      sink("hold", scene.holds(), {.carrier = scene.mix.at(1), .capacity = 1, .batch = 1});
}
void empty_outlet(Pipeline& p, Scene& scene) {
  p.inlet<Counted>("in", {.carrier = scene.mix.at(0)}) | outlet<Counted>("out");
}
void unread_outlet(Pipeline& p, Scene& scene) {
  p.source("read", scene.endless(), {.carrier = scene.mix.at(0)}) |
      outlet<Counted>("out", {.capacity = 1});
}

/// Puts until the inlet says closed.
void put_for_ever(Scene& scene, RunHandle& run) {
  scene.application = std::thread([&scene, in = run.inlet<Counted>("in")]() mutable {
    PutStatus status = in.put(Counted(0));
    while (status == PutStatus::ok) status = in.put(Counted(++scene.emitted));
    scene.checks.expect(status == PutStatus::closed, "the put says closed");
  });
}
/// Puts three, and keeps the inlet.
void put_three(Scene& scene, RunHandle& run) {
  scene.inlet.emplace(run.inlet<Counted>("in"));
  for (; scene.emitted < 3; ++scene.emitted) {
    scene.checks.expect(scene.inlet->put(Counted(scene.emitted)) == PutStatus::ok, "a put says ok");
  }
  wait_until([&] { return run.snapshot().stage("batch").completed == 3; });
}
/// Waits for an item that does not come.
void get_once(Scene& scene, RunHandle& run) {
  scene.application = std::thread([&scene, out = run.outlet<Counted>("out")]() mutable {
    scene.checks.expect(out.get().status() == GetStatus::closed, "the get says closed");
  });
}

const char* const kHoldIsFull = "->hold: 1 of 1 queued";

const Party kParties[] = {
    {"a source, for room", full_edge, {"read.0: blocked", kHoldIsFull}, nullptr, false, false, 1},
    {"a worker, for room",
     full_output,
     {"read.0: blocked", "->same: 1 of 1 queued", "same.0: blocked", kHoldIsFull},
     nullptr,
     false,
     false,
     1},
    {"two workers, for room",
     full_outputs,
     {"read.0: blocked", "->same: 2 of 2 queued", "same.0: blocked", "same.1: blocked",
      kHoldIsFull},
     nullptr,
     false,
     false,
     1},
    {"a source, for room on one lane",
     full_lane,
     {"read.0: blocked", "->hold: 1 of 2 queued"},
     nullptr,
     false,
     false,
     1},
    {"a source, for room on one branch",
     full_branch,
     {"read.0: blocked", kHoldIsFull},
     nullptr,
     false,
     false,
     1},
    {"two sources, for room",
     full_merge,
     {"one.0: blocked", "two.0: blocked", kHoldIsFull},
     nullptr,
     false,
     false,
     1},
    {"workers, for items",
     nothing_to_do,
     {"in.0: starved", "same.0: starved", "same.1: starved", "collect.0: starved"}},
    {"a streaming stage, in emit",
     streaming_stage,
     {"burst.0: blocked", kHoldIsFull},
     nullptr,
     false,
     true,
     1},
    {"a streaming source, in emit",
     streaming_source,
     {"burst.0: blocked", kHoldIsFull},
     nullptr,
     false,
     false,
     1},
    {"a retry, for an hour",
     retry_in_an_hour,
     {"retry.0: waits for a timer", "collect.0: starved", "->collect: 0 of", "0 in flight, 2 done"},
     nullptr,
     true,
     false,
     2},
    {"a keyed worker with a backlog, for an hour",
     keyed_retry_in_an_hour,
     {"retry.0: waits for a timer", "read.0: blocked", "->retry: 2 of 2 queued",
      "collect.0: starved", "0 in flight, 1 done"},
     nullptr,
     true,
     false,
     1},
    {"a source's retry, for an hour",
     source_retry_in_an_hour,
     {"read.0: waits for a timer", "collect.0: starved", "0 in flight, 5 done"},
     nullptr,
     false,
     false,
     5},
    {"an inlet's put, for room",
     full_inlet,
     {"in.0: blocked", kHoldIsFull},
     put_for_ever,
     false,
     true,
     1},
    {"an outlet's get, for an item", empty_outlet, {"in.0: starved"}, get_once},
    {"an outlet's producer, for the application",
     unread_outlet,
     {"read.0: blocked", "->out: 1 of 1 queued"},
     nullptr,
     true},
};

void ask(How how, RunHandle& run) {
  if (how == How::stop) run.stop();
  if (how == How::cancel) run.cancel();
}

bool all_wait(const Party& party, const Scene& scene, const RunHandle& run) {
  if (!scene.bystander.holds()) return false;
  if (party.has_holder() && !scene.holder.holds()) return false;
  const std::string now = run.explain();
  for (const std::string& what : party.waits) {
    if (now.find(what) == std::string::npos) return false;
  }
  return true;
}

/// Blocks until nothing moves any more. A worker that is seen blocked may have been woken just then, but not
/// once what is downstream of it is full for good; so it takes as many looks as a scene has stages.
void wait_until_all_wait(const Party& party, const Scene& scene, const RunHandle& run) {
  for (int looks = 0; looks < 5;) {
    wait_until([&] { return all_wait(party, scene, run); });
    for (looks = 1; looks < 5 && all_wait(party, scene, run);) ++looks;
  }
}

/// Ends the run the way it is to be ended; a dropped handle is gone afterwards.
void end_scene(Scene& scene, std::optional<RunHandle>& run, How how, From from) {
  const auto act = [&] {
    ask(how, *run);
    if (how == How::drop) run.reset();
  };
  if (from == From::main_thread) act();
  if (from == From::other_thread) std::thread(act).join();
  if (from == From::inside) scene.bystander.have_ask(how);
}

void check_ended(const Party& party, const Scene& scene, const Report& report, bool cancelled) {
  CHECK(report.ledger.balanced);
  CHECK(report.ledger.faults == std::vector<std::string>{});
  if (cancelled) {
    CHECK(report.status == RunStatus::cancelled);
    CHECK(scene.got.size() == party.got_after_cancel);
  } else {
    CHECK(report.status == RunStatus::stopped);
    for (const EdgeReport& edge : report.edges) CHECK(edge.dropped == 0);
    CHECK(scene.got.sorted() == up_to(scene.emitted));
  }
}

void play(const Party& party, const CarrierMix& mix, How how, From from) {
  Scene scene(mix);
  Pipeline p("blocked");
  party.connect(p, scene);
  p.source("once", numbers(1), {.carrier = Carrier::thread}) |
      sink("bystander", [&scene](Number, Context& context) { scene.bystander.hold(context); },
           {.carrier = Carrier::thread});
  std::optional<RunHandle> run(start(p));
  const StateDump dump("the scene", [&] { return run ? run->explain() : "the handle is gone"; });
  if (party.begin != nullptr) party.begin(scene, *run);
  wait_until_all_wait(party, scene, *run);

  const Number emitted = scene.emitted;
  end_scene(scene, run, how, from);
  scene.bystander.let_go();
  scene.holder.let_go();
  if (run) {
    if (how == How::stop && party.outlasts_stop) {
      CHECK(run->join(Deadline::now()) == JoinStatus::late);
      run->cancel();
    }
    CHECK(run->join() == JoinStatus::ended);
    if (scene.application.joinable()) scene.application.join();  // what it has put is counted now
    check_ended(party, scene, run->snapshot(), how == How::cancel || party.outlasts_stop);
  } else {
    CHECK(scene.got.size() == party.got_after_cancel);
  }
  if (!party.goes_on) CHECK(scene.emitted == emitted);
  if (scene.application.joinable()) scene.application.join();
  CHECK(scene.checks.failures() == "");
}

void play_all(How how, From from) {
  for (const Party& party : kParties) {
    INFO(party.name);
    for_every_carrier([&](const CarrierMix& mix) {
      const auto alive = Counted::live();
      play(party, mix, how, from);
      CHECK(Counted::live() == alive);
    });
  }
}

TEST_CASE("Stop reaches everybody who waits, and all that was accepted drains",
          "[pipeline][stop]") {
  for (const From from : {From::main_thread, From::other_thread, From::inside}) {
    play_all(How::stop, from);
  }
}

TEST_CASE("Cancel reaches everybody who waits, and what is inside is dropped and settled",
          "[pipeline][stop]") {
  for (const From from : {From::main_thread, From::other_thread, From::inside}) {
    play_all(How::cancel, from);
  }
}

TEST_CASE("A dropped handle cancels and joins, whoever waits, and leaves no item behind",
          "[pipeline][stop]") {
  for (const From from : {From::main_thread, From::other_thread}) play_all(How::drop, from);
}

TEST_CASE("Stop passes on a batch that would linger for an hour, cancel and dropping drop it",
          "[pipeline][stop]") {
  for (const How how : {How::stop, How::cancel, How::drop}) {
    for_every_carrier([&](const CarrierMix& mix) {
      const Party party = {"a batch, for an hour",
                           lingering_batch,
                           {"batch.0: starved", "collect.0: starved"},
                           put_three};
      const auto alive = Counted::live();
      play(party, mix, how, From::main_thread);
      CHECK(Counted::live() == alive);
    });
  }
}

}  // namespace
}  // namespace sluice
