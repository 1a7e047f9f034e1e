// tests/process/start_choice_test.cpp: which start method is taken, or why none can be.
// SPDX-License-Identifier: MIT
#include <sluice/error.hpp>
#include <sluice/os/this_process.hpp>
#include <sluice/os/thread_list.hpp>
#include <sluice/process/entry_guard.hpp>
#include <sluice/process/start_choice.hpp>
#include <sluice/runtime/pool_carrier.hpp>
#include <sluice/sluice.hpp>

#include <process/held_yields.hpp>
#include <process/rounds.hpp>
#include <support/scale.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace sluice::detail;
using namespace sluice::testing_support;
using sluice::StartMethod;

std::string refusal(const StartSituation& situation) {
  try {
    return "chosen: " + std::string(name_of(choose_start_method(situation)));
  } catch (const sluice::UsageError& error) {
    return error.what();
  }
}

void run_on_the_pool() {
  sluice::Pipeline pipeline("pool");
  int next = 0;
  std::atomic<int> sum{0};
  pipeline.source("count",
                  [&]() -> std::optional<int> {
                    return next < 100 ? std::optional<int>(next++) : std::nullopt;
                  }) |
      sluice::sink("add", [&](const int& item) { sum += item; },
                   {.carrier = sluice::Carrier::pool});
  static_cast<void>(sluice::run(pipeline));
  CHECK(sum == 4950);
}

}  // namespace

TEST_CASE("start methods have names", "[server][start]") {
  for (const StartMethod method :
       {StartMethod::automatic, StartMethod::forkserver, StartMethod::spawn, StartMethod::fork}) {
    CHECK(sluice::start_method_named(sluice::name_of(method)) == method);
  }
  CHECK(sluice::name_of(StartMethod::forkserver) == "forkserver");
  CHECK(sluice::start_method_named("auto") == StartMethod::automatic);
  CHECK_FALSE(sluice::start_method_named("zygote").has_value());
  CHECK_FALSE(sluice::start_method_named("").has_value());
}

TEST_CASE("the start method of the process can be set", "[server][start]") {
  CHECK(sluice::start_method() == StartMethod::automatic);
  sluice::set_start_method(StartMethod::spawn);
  CHECK(sluice::start_method() == StartMethod::spawn);
  sluice::set_start_method(StartMethod::automatic);
}

TEST_CASE("what is taken depends on threads and on sluice::main", "[server][start]") {
  const std::vector<ThreadInfo> none;
  const std::vector<ThreadInfo> two = {{4711, "reader"}, {4712, "timer"}};
  using M = StartMethod;
  const auto taken = [](M wanted, const std::vector<ThreadInfo>& threads, bool under_main) {
    return choose_start_method({wanted, threads, under_main});
  };
  CHECK(taken(M::automatic, none, false) == M::forkserver);
  CHECK(taken(M::automatic, none, true) == M::forkserver);
  CHECK(taken(M::automatic, two, true) == M::spawn);
  CHECK(taken(M::forkserver, none, false) == M::forkserver);
  CHECK(taken(M::fork, none, true) == M::fork);
  CHECK(taken(M::spawn, none, true) == M::spawn);
  CHECK(taken(M::spawn, two, true) == M::spawn);

  const std::string remedies =
      "; call run() before they are started, or let sluice::main run the pipeline (start method "
      "spawn), or give the stage Carrier::thread";
  CHECK(refusal({M::automatic, two, false}) ==
        "run: worker processes can't be forked, because the program has 2 more threads: reader "
        "(4711), timer (4712)" +
            remedies);
  CHECK(refusal({M::forkserver, {{5, "one"}}, true}) ==
        "run: worker processes can't be forked (start method forkserver), because the program has "
        "1 more thread: one (5)" +
            remedies);
  CHECK_THAT(refusal({M::fork, two, true}), Catch::Contains("(start method fork)"));
  CHECK_THAT(refusal({M::spawn, none, false}), Catch::Contains("needs sluice::main"));
  const std::vector<ThreadInfo> many(20, {7, "worker"});
  CHECK_THAT(refusal({M::automatic, many, false}),
             Catch::Contains("has 20 more threads: ") && Catch::Contains(" and 12 more;"));
}

TEST_CASE("other threads are listed by name while they run, and not after join",
          "[server][start]") {
  REQUIRE(other_threads().empty());
  for (Rounds rounds(scaled(300)); rounds.next();) {
    std::atomic<int> named{0};
    std::atomic<bool> go{false};
    const auto life = [&](const char* name) {
      name_this_thread(name);
      named.fetch_add(1, std::memory_order_release);
      go.wait(false, std::memory_order_acquire);
    };
    std::thread first(life, "reader");
    std::thread second(life, "another name that is too long");
    while (named.load(std::memory_order_acquire) < 2) std::this_thread::yield();
    const std::vector<ThreadInfo> threads = other_threads();
    go.store(true, std::memory_order_release);
    go.notify_all();
    first.join();
    second.join();
    REQUIRE(threads.size() == 2);
    CHECK(threads[0].name != threads[1].name);
    for (const ThreadInfo& thread : threads) {
      CHECK((thread.name == "reader" || thread.name == "another name th"));
      CHECK(thread.id > 0);
    }
    CHECK(text_of(other_threads()) == "");  // at once: join() has returned
  }
}

TEST_CASE("a run on the pool leaves no thread that would forbid to fork", "[server][start]") {
  for (Rounds rounds(scaled(20)); rounds.next();) {
    run_on_the_pool();
    const StartSituation situation = start_situation(StartMethod::automatic);
    CHECK(text_of(situation.threads) == "");
    CHECK(choose_start_method(situation) == StartMethod::forkserver);
  }
}

// Each look for more work is a yield, and each yield may cost the time slices of all other programs.
TEST_CASE(
    "the pool's threads leave without looking for more work, so a fork need not wait for them",
    "[server][start]") {
  for (Rounds rounds(scaled(10)); rounds.next();) {
    end_unused_pool_threads();
    HeldYields held;
    run_on_the_pool();
    held.let_go();
    end_unused_pool_threads();
    CHECK(text_of(other_threads()) == "");
    CHECK(held.most() <= 10);  // of the hundred that they may do
  }
}

TEST_CASE("sluice::main is known while it runs, with its words", "[server][start]") {
  CHECK_FALSE(EntryGuard::active());
  CHECK(EntryGuard::argv().empty());
  std::string name = "program";
  std::string word = "run";
  char* words[] = {name.data(), word.data(), nullptr};
  {
    const EntryGuard outer(2, words);
    CHECK(EntryGuard::active());
    {
      const EntryGuard inner(1, words);
      CHECK(EntryGuard::argv() == std::vector<std::string>{"program"});
    }
    CHECK(EntryGuard::argv() == std::vector<std::string>{"program", "run"});
    CHECK(start_situation(StartMethod::spawn).under_main);
  }
  CHECK_FALSE(EntryGuard::active());
}
