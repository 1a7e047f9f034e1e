// model/machine_test.cpp: the simulated machine itself: what its memory may show and what it must not,
// and that it finds races, sleepers without a waker, endless loops and misuse of items.
//
// The litmus tests are the usual ones of the literature on C++ memory orders. Each lists the outcomes
// that the C++20 standard allows, so that the machine neither hides nor invents one (but for what
// cell.hpp says is not simulated).
// SPDX-License-Identifier: MIT
#include <model/model_sync.hpp>

#include <model/explore.hpp>
#include <model/item.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <stdexcept>
#include <string>

namespace sluice::model {
namespace {

using Word = Atomic<int>;
using Outcomes = std::set<std::string>;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kSeqCst = std::memory_order_seq_cst;

constexpr Effort kAll = {.preemptions = 4, .weak_steps = 3, .searched = 2'000'000, .random = 500};

// Everything that threads observed, as a text such as "01".
class Observed {
 public:
  explicit Observed(std::size_t count) : text_(count, '-') {}
  void set(std::size_t at, int value) { text_[at] = static_cast<char>('0' + value); }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

template <class Litmus>
Outcomes outcomes_of(const Litmus& litmus) {
  Outcomes outcomes;
  const Verdict verdict = explore(
      [&](Execution& run) {
        Observed& seen = run.make<Observed>(litmus.observations);
        litmus.start(run, seen);
        run.finally([&] { outcomes.insert(seen.text()); });
      },
      kAll);
  INFO(verdict.text);
  CHECK(verdict.ok);
  CHECK(verdict.complete);
  return outcomes;
}

template <class Start>
struct Litmus {
  std::size_t observations;
  Start start;
};
template <class Start>
Litmus(std::size_t, Start) -> Litmus<Start>;

}  // namespace

TEST_CASE("machine: two threads that store and then load each other's word may both see the old",
          "[model]") {
  const auto with = [](std::memory_order store, std::memory_order load) {
    return outcomes_of(Litmus{2, [=](Execution& run, Observed& seen) {
                                Word& x = run.make<Word>(0);
                                Word& y = run.make<Word>(0);
                                run.thread("a", [&, store, load] {
                                  x.store(1, store);
                                  seen.set(0, y.load(load));
                                });
                                run.thread("b", [&, store, load] {
                                  y.store(1, store);
                                  seen.set(1, x.load(load));
                                });
                              }});
  };
  CHECK(with(kRelaxed, kRelaxed) == Outcomes{"00", "01", "10", "11"});
  CHECK(with(kRelease, kAcquire) == Outcomes{"00", "01", "10", "11"});
  CHECK(with(kRelease, kSeqCst) == Outcomes{"00", "01", "10", "11"});
  CHECK(with(kSeqCst, kAcquire) == Outcomes{"00", "01", "10", "11"});
  CHECK(with(kSeqCst, kSeqCst) == Outcomes{"01", "10", "11"});
}

TEST_CASE("machine: a seq_cst modify and a seq_cst load order two words, weaker ones do not",
          "[model]") {
  const auto with = [](std::memory_order modify, std::memory_order load) {
    return outcomes_of(Litmus{2, [=](Execution& run, Observed& seen) {
                                Word& x = run.make<Word>(0);
                                Word& y = run.make<Word>(0);
                                run.thread("a", [&, modify, load] {
                                  x.fetch_add(1, modify);
                                  seen.set(0, y.load(load));
                                });
                                run.thread("b", [&, modify, load] {
                                  y.fetch_add(1, modify);
                                  seen.set(1, x.load(load));
                                });
                              }});
  };
  CHECK(with(kSeqCst, kSeqCst).count("00") == 0);
  CHECK(with(std::memory_order_acq_rel, kSeqCst).count("00") == 1);
  CHECK(with(kSeqCst, kAcquire).count("00") == 1);
}

TEST_CASE("machine: a message is only passed by a release and an acquire", "[model]") {
  const auto with = [](std::memory_order store, std::memory_order load) {
    return outcomes_of(Litmus{2, [=](Execution& run, Observed& seen) {
                                Word& data = run.make<Word>(0);
                                Word& flag = run.make<Word>(0);
                                run.thread("a", [&, store] {
                                  data.store(1, kRelaxed);
                                  flag.store(1, store);
                                });
                                run.thread("b", [&, load] {
                                  seen.set(0, flag.load(load));
                                  seen.set(1, data.load(kRelaxed));
                                });
                              }});
  };
  CHECK(with(kRelease, kAcquire) == Outcomes{"00", "01", "11"});
  CHECK(with(kSeqCst, kSeqCst) == Outcomes{"00", "01", "11"});
  CHECK(with(kRelaxed, kAcquire) == Outcomes{"00", "01", "10", "11"});
  CHECK(with(kRelease, kRelaxed) == Outcomes{"00", "01", "10", "11"});
}

TEST_CASE("machine: a read-modify-write carries a release on, a store does not", "[model]") {
  const auto with = [](bool modify) {
    return outcomes_of(Litmus{2, [=](Execution& run, Observed& seen) {
                                Word& data = run.make<Word>(0);
                                Word& flag = run.make<Word>(0);
                                run.thread("a", [&] {
                                  data.store(1, kRelaxed);
                                  flag.store(1, kRelease);
                                });
                                run.thread("b", [&, modify] {
                                  if (flag.load(kRelaxed) != 1) return;
                                  if (modify) {
                                    flag.fetch_add(1, kRelaxed);
                                  } else {
                                    flag.store(2, kRelaxed);
                                  }
                                });
                                run.thread("c", [&] {
                                  seen.set(0, flag.load(kAcquire));
                                  seen.set(1, data.load(kRelaxed));
                                });
                              }});
  };
  CHECK(with(true) == Outcomes{"00", "01", "11", "21"});
  CHECK(with(false) == Outcomes{"00", "01", "11", "20", "21"});
}

TEST_CASE("machine: what one thread passed on, a third one sees", "[model]") {
  const auto with = [](std::memory_order second) {
    return outcomes_of(Litmus{2, [=](Execution& run, Observed& seen) {
                                Word& x = run.make<Word>(0);
                                Word& y = run.make<Word>(0);
                                run.thread("a", [&] { x.store(1, kRelease); });
                                run.thread("b", [&, second] {
                                  if (x.load(kAcquire) == 1) y.store(1, second);
                                });
                                run.thread("c", [&] {
                                  seen.set(0, y.load(kAcquire));
                                  seen.set(1, x.load(kRelaxed));
                                });
                              }});
  };
  CHECK(with(kRelease) == Outcomes{"00", "01", "11"});
  CHECK(with(kRelaxed).count("10") == 1);
}

TEST_CASE("machine: no thread sees one word go backwards", "[model]") {
  const Outcomes seen = outcomes_of(Litmus{2, [](Execution& run, Observed& seen_now) {
                                             Word& x = run.make<Word>(0);
                                             run.thread("a", [&] {
                                               x.store(1, kRelaxed);
                                               x.store(2, kRelaxed);
                                             });
                                             run.thread("b", [&] {
                                               seen_now.set(0, x.load(kRelaxed));
                                               seen_now.set(1, x.load(kRelaxed));
                                             });
                                           }});
  CHECK(seen == Outcomes{"00", "01", "02", "11", "12", "22"});
}

TEST_CASE("machine: two readers agree on the order of two writers only if all is seq_cst",
          "[model]") {
  const auto with = [](std::memory_order store, std::memory_order load) {
    return outcomes_of(Litmus{4, [=](Execution& run, Observed& seen) {
                                Word& x = run.make<Word>(0);
                                Word& y = run.make<Word>(0);
                                run.thread("x", [&, store] { x.store(1, store); });
                                run.thread("y", [&, store] { y.store(1, store); });
                                run.thread("a", [&, load] {
                                  seen.set(0, x.load(load));
                                  seen.set(1, y.load(load));
                                });
                                run.thread("b", [&, load] {
                                  seen.set(2, y.load(load));
                                  seen.set(3, x.load(load));
                                });
                              }});
  };
  CHECK(with(kRelease, kAcquire).count("1010") == 1);
  CHECK(with(kSeqCst, kSeqCst).count("1010") == 0);
  // C++20: seq_cst loads alone are enough (P0668).
  CHECK(with(kRelaxed, kSeqCst).count("1010") == 0);
}

TEST_CASE("machine: a seq_cst store on top of a plain one is not overlooked by seq_cst loads",
          "[model]") {
  const Outcomes seen = outcomes_of(Litmus{3, [](Execution& run, Observed& now) {
                                             Word& x = run.make<Word>(0);
                                             Word& y = run.make<Word>(0);
                                             run.thread("a", [&] { x.store(1, kRelease); });
                                             run.thread("b", [&] {
                                               now.set(0, x.load(kRelaxed));
                                               x.store(2, kSeqCst);
                                               now.set(1, y.load(kSeqCst));
                                             });
                                             run.thread("c", [&] {
                                               y.store(1, kSeqCst);
                                               now.set(2, x.load(kSeqCst));
                                             });
                                           }});
  CHECK(seen.count("101") == 0);
  CHECK(seen.count("111") == 1);
}

TEST_CASE("machine: a weak compare-exchange may fail for no reason, a strong one may not",
          "[model]") {
  const auto with = [](bool weak) {
    return outcomes_of(Litmus{
        1, [=](Execution& run, Observed& seen) {
          Word& x = run.make<Word>(0);
          run.thread("a", [&, weak] {
            int expected = 0;
            const bool done = weak ? x.compare_exchange_weak(expected, 1, kSeqCst, kRelaxed)
                                   : x.compare_exchange_strong(expected, 1, kSeqCst, kRelaxed);
            seen.set(0, done ? 1 : 0);
          });
        }});
  };
  CHECK(with(true) == Outcomes{"0", "1"});
  CHECK(with(false) == Outcomes{"1"});
}

// ---- faults ----------------------------------------------------------------------------------------

namespace {

std::string fault_of(const Scenario& scenario, bool* complete = nullptr) {
  const Verdict verdict = explore(scenario, {.searched = 50'000, .random = 200});
  if (complete != nullptr) *complete = verdict.complete;
  return verdict.ok ? "" : verdict.text;
}

using Word64 = Atomic<std::uint64_t>;
constexpr std::uint64_t kEpoch = std::uint64_t{1} << 32;

}  // namespace

TEST_CASE("machine: a plain variable passed without release is a race, with release it is none",
          "[model]") {
  const auto with = [](std::memory_order store) {
    return fault_of([store](Execution& run) {
      Plain<int>& data = run.make<Plain<int>>(0);
      Word& flag = run.make<Word>(0);
      run.thread("a", [&, store] {
        data = 7;
        flag.store(1, store);
      });
      run.thread("b", [&] {
        if (flag.load(kAcquire) == 1) expect(data == 7, "the wrong value");
      });
    });
  };
  CHECK(with(kRelease).empty());
  CHECK_THAT(with(kRelaxed), Catch::Contains("model violation: b: data race: reads"));
}

TEST_CASE("machine: two writers of a plain variable are a race in every order", "[model]") {
  const std::string fault = fault_of([](Execution& run) {
    Plain<int>& data = run.make<Plain<int>>(0);
    run.thread("a", [&] { data = 1; });
    run.thread("b", [&] { data = 2; });
  });
  CHECK_THAT(fault, Catch::Contains("data race: writes a plain variable"));
}

TEST_CASE("machine: a sleeper that nobody wakes is found, a woken one ends", "[model]") {
  const auto with = [](bool wake) {
    return fault_of([wake](Execution& run) {
      Word64& word = run.make<Word64>(0);
      run.thread("sleeper", [&] { (void)ModelSync::sleep(word, 0, Deadline::never()); });
      run.thread("waker", [&, wake] {
        word.fetch_add(kEpoch, kSeqCst);
        if (wake) ModelSync::wake(word, 1);
      });
    });
  };
  CHECK(with(true).empty());
  CHECK_THAT(with(false), Catch::Contains("every thread sleeps: main joins, sleeper sleeps"));
}

TEST_CASE("machine: a deadline may pass at any time and may also not pass", "[model]") {
  Outcomes seen;
  const std::string fault = fault_of([&seen](Execution& run) {
    Word64& word = run.make<Word64>(0);
    run.thread("sleeper", [&] {
      const bool woken = ModelSync::sleep(word, 0, Deadline::after(std::chrono::hours{1}));
      seen.insert(woken ? "woken" : "late");
    });
    run.thread("waker", [&] {
      word.fetch_add(kEpoch, kSeqCst);
      ModelSync::wake(word, 1);
    });
  });
  CHECK(fault.empty());
  CHECK(seen == Outcomes{"woken", "late"});
}

TEST_CASE("machine: waiting for what never comes is a livelock, waiting for a neighbour is none",
          "[model]") {
  const auto with = [](bool set) {
    return fault_of([set](Execution& run) {
      Word& flag = run.make<Word>(0);
      run.thread("waiter", [&] {
        while (flag.load(kAcquire) == 0) ModelSync::pause();
      });
      run.thread("other", [&] {
        while (flag.load(kAcquire) == 0) ModelSync::yield();
      });
      run.thread("setter", [&, set] {
        if (set) flag.store(1, kRelease);
      });
    });
  };
  CHECK(with(true).empty());
  CHECK_THAT(with(false), Catch::Contains("livelock"));
}

TEST_CASE("machine: exceptions in flight stay with their thread", "[model]") {
  const auto body = [](Execution& run) {
    Word& word = run.make<Word>(0);
    for (const int own : {1, 2}) {
      run.thread("thrower", [&word, own] {
        try {
          throw own;
        } catch (int) {
          word.fetch_add(1, kSeqCst);  // may be left here, inside the handler
          try {
            throw;
          } catch (int again) {
            expect(again == own, "another thread's exception");
          }
        }
      });
    }
  };
  CHECK(fault_of(body).empty());
  CHECK_THAT(fault_of([](Execution& run) {
               run.thread("a", [] { throw std::runtime_error("lost its way"); });
             }),
             Catch::Contains("an exception left the thread: lost its way"));
}

TEST_CASE("machine: the search meets every order of few steps exactly once", "[model]") {
  // Two threads of three steps each: 6! / (3! 3!) orders; all within 5 preemptions.
  std::size_t orders = 0;
  std::set<std::string> different;
  BoundedSearch search(5, 0);
  FiberPool fibers;
  while (search.next()) {
    std::string order;
    Execution run(search, fibers, false);
    run.run([&order](Execution& execution) {
      Word& word = execution.make<Word>(0);
      for (const char name : {'a', 'b'}) {
        execution.thread("t", [&word, &order, name] {
          for (int i = 0; i < 3; ++i) {
            word.fetch_add(1, kRelaxed);
            order += name;
          }
        });
      }
    });
    ++orders;
    different.insert(order);
  }
  CHECK(orders == 20);
  CHECK(different.size() == 20);
}

TEST_CASE("machine: items made twice, used after their end or after their memory's end are found",
          "[model]") {
  const auto with = [](void (*misuse)(Item*)) {
    return fault_of([misuse](Execution& run) {
      run.thread("a", [misuse] {
        auto* memory = static_cast<Item*>(::operator new (sizeof(Item), std::align_val_t{64}));
        misuse(memory);
      });
    });
  };
  CHECK_THAT(with([](Item* memory) {
               new (memory) Item(1);
               new (memory) Item(2);
             }),
             Catch::Contains("made on top of another"));
  CHECK_THAT(with([](Item* memory) {
               new (memory) Item(1);
               memory->~Item();
               (void)memory->value();
             }),
             Catch::Contains("an item is read that does not exist"));
  CHECK_THAT(with([](Item* memory) {
               new (memory) Item(1);
               Item* volatile late = memory;  // or the compiler finds it first
               ::operator delete (memory, std::align_val_t{64});
               (void)late->value();
             }),
             Catch::Contains("an item in freed memory is used"));
}

}  // namespace sluice::model
