// process/hang_watch_test.cpp: which process is taken for one that hangs, and which is not. The clock is a number.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <process/family.hpp>

#include <sluice/os/child_process.hpp>
#include <sluice/os/event_counter.hpp>
#include <sluice/process/stop_line.hpp>
#include <sluice/runtime/process_hang.hpp>

#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using sluice::detail::Descriptor;
using sluice::detail::EventCounter;
using sluice::detail::HangWatch;
using sluice::detail::Incarnation;
using sluice::detail::LeaseChannel;
using sluice::detail::open_process;
using sluice::detail::StopLine;
using sluice::detail::StopLineEnd;
using sluice::testing_support::sleep_for_ever;
using sluice::testing_support::Victim;

// The parent's end of a channel to a process that says whatever the test wants it to.
class SaidProgress final : public LeaseChannel {
 public:
  explicit SaidProgress(const Progress& said) : said_(&said) {}

  [[nodiscard]] bool lend(const sluice::detail::Lease&) override { return false; }
  void publish() override {}
  void request_stop() override {}
  [[nodiscard]] bool next(sluice::detail::Record&) override { return false; }
  void free_read() override {}
  [[nodiscard]] bool has_records(bool) const override { return false; }
  [[nodiscard]] Progress progress() const override { return *said_; }
  [[nodiscard]] bool worker_gone() const override { return false; }
  [[nodiscard]] int descriptor() const noexcept override { return -1; }
  void announce_sleep(std::size_t) override {}
  void end_sleep() override {}

 private:
  const Progress* said_;
};

// A process and its worker as the supervisor sees them; the process itself does nothing.
class Scene {
 public:
  explicit Scene(std::chrono::nanoseconds timeout = 0ns) : watch_(timeout) {
    auto [line, end] = StopLine::make();
    line_ = std::move(line);
    worker_end = std::make_unique<StopLineEnd>(std::move(end));
    live.channel = std::make_unique<SaidProgress>(said);
    said.committed_bytes = 64;  // it has started
    watch_.begin();
  }

  /// What is found at a look that much after the beginning.
  [[nodiscard]] std::string look_at(std::chrono::nanoseconds now) {
    return watch_.look({.live = live,
                        .worker = worker_bell,
                        .waits_since_ns = waits_since,
                        .process = process_,
                        .line = line_,
                        .pid = victim_.pid()},
                       at(now));
  }
  /// Looks every second up to and without `end`; the first complaint, or nothing.
  [[nodiscard]] std::string look_until(std::chrono::seconds end) {
    for (; next_look_ < end; next_look_ += 1s) {
      if (std::string why = look_at(next_look_); !why.empty()) return why;
    }
    return {};
  }
  /// Its supervisor had it stopped until now.
  void resume_at(std::chrono::nanoseconds now) { watch_.resume(at(now)); }
  /// Nothing is read and nothing published from now on, and no look is made before `now`.
  void skip_to(std::chrono::seconds now) { next_look_ = now; }

  static std::int64_t at(std::chrono::nanoseconds since_begin) {
    return std::chrono::nanoseconds(1000s + since_begin).count();
  }
  void stop_process() {
    victim_.kill(SIGSTOP);
    int status = 0;
    REQUIRE(::waitpid(victim_.pid(), &status, WUNTRACED) == victim_.pid());
    REQUIRE(WIFSTOPPED(status));
  }

  LeaseChannel::Progress said{};
  Incarnation live{};
  std::atomic<std::int64_t> waits_since{0};
  EventCounter worker_bell{};
  std::unique_ptr<StopLineEnd> worker_end{};

 private:
  Victim victim_{[](const Victim::Say&) { sleep_for_ever(); }};
  Descriptor process_{open_process(victim_.pid())};
  StopLine line_{};
  HangWatch watch_;
  std::chrono::seconds next_look_{0};
};

}  // namespace

TEST_CASE("HangWatch: a process that holds items and begins none for 10 s hangs", "[hang]") {
  Scene scene;
  scene.waits_since = Scene::at(2s);
  scene.live.touched_ns = Scene::at(2s);
  CHECK(scene.look_until(13s).empty());
  CHECK_THAT(scene.look_until(14s), Contains("it held items and began none for 10 s"));
}

TEST_CASE("HangWatch: a function without a timeout may take for ever", "[hang]") {
  Scene scene;
  scene.said.started = 1;
  scene.waits_since = scene.live.touched_ns = Scene::at(0s);
  CHECK(scene.look_until(100'000s).empty());
}

TEST_CASE("HangWatch: while its supervisor has a process stopped, the item's time does not count",
          "[hang]") {
  Scene scene(20ms);
  scene.said.started = 1;
  scene.said.started_ns = Scene::at(0ms);
  CHECK(scene.look_at(19ms).empty());
  scene.resume_at(30ms);
  CHECK(scene.look_at(49ms).empty());
  CHECK_THAT(scene.look_at(51ms), Contains("longer than its timeout of 20 ms"));
}

TEST_CASE("HangWatch: a process whose long function has just returned does not hang", "[hang]") {
  Scene scene;
  scene.said.started = 1;
  scene.waits_since = scene.live.touched_ns = Scene::at(0s);
  CHECK(scene.look_until(20s).empty());
  // It has published its answer and begins nothing more; its worker has not woken to it.
  scene.said.started = 0;
  scene.said.committed_bytes += 64;
  CHECK(scene.look_until(31s).empty());
  CHECK_THAT(scene.look_until(32s), Contains("began none for 10 s"));
}

TEST_CASE("HangWatch: its worker looks once at what was published without telling anybody",
          "[hang]") {
  Scene scene;
  scene.said.started = 1;
  CHECK(scene.look_until(1s).empty());
  CHECK_FALSE(scene.worker_bell.lower());
  CHECK(scene.look_until(2s).empty());
  CHECK(scene.worker_bell.lower());
  CHECK(scene.look_until(100s).empty());
  CHECK_FALSE(scene.worker_bell.lower());
}

TEST_CASE(
    "HangWatch: a function that takes longer than its timeout hangs, and waiting for room "
    "does not count",
    "[hang]") {
  Scene scene{5s};
  scene.said.started = 1;
  scene.said.started_ns = Scene::at(0s);
  scene.said.waits_for_room = true;
  CHECK(scene.look_until(100s).empty());
  scene.said.waits_for_room = false;  // last seen to wait at 99 s
  CHECK(scene.look_until(105s).empty());
  CHECK_THAT(scene.look_until(106s), Contains("it took longer than its timeout of 5000 ms"));
}

TEST_CASE(
    "HangWatch: a process that is stopped at every look for 10 s hangs, a parent that was "
    "stopped itself blames nobody",
    "[hang]") {
  Scene scene;
  scene.said.started = 1;
  scene.stop_process();
  CHECK(scene.look_until(6s).empty());  // 5 s of it are seen
  scene.skip_to(10'000s);               // the parent did not run; it counts as one second
  CHECK(scene.look_until(10'004s).empty());
  CHECK_THAT(scene.look_until(10'005s), Contains("it was stopped for 10 s"));
}

TEST_CASE("HangWatch: a stopped process that makes progress in between does not hang", "[hang]") {
  Scene scene;
  scene.said.started = 1;
  scene.stop_process();
  for (int second = 10; second < 100; second += 10) {
    CHECK(scene.look_until(std::chrono::seconds{second}).empty());
    scene.said.committed_bytes += 64;
  }
}

TEST_CASE("HangWatch: who has said that it started and shows nothing has damaged its page",
          "[hang]") {
  Scene scene;
  scene.said.committed_bytes = 0;
  CHECK(scene.look_until(100s).empty());  // start() may take for ever
  scene.worker_end->say_started();
  CHECK_THAT(scene.look_until(101s), Contains("damaged what it shares with its parent"));
}

TEST_CASE("HangWatch: who was asked to end has 10 s", "[hang]") {
  Scene scene;
  scene.said.started = 1;
  CHECK(scene.look_until(5s).empty());
  scene.live.retired = true;
  CHECK(scene.look_until(16s).empty());
  CHECK_THAT(scene.look_until(17s), Contains("it did not end when told to"));
}
