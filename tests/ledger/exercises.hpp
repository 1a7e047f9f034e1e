// ledger/exercises.hpp: small pipelines that make every kind of increment, and know by their own callbacks
// which numbers the report has to show.
//
// What the ledger's identities are made of shows in LedgerReport::faults. What only the report shows is
// compared with what the callbacks have seen: filtered, retried and created items, and what befell sources,
// which have no input edge to balance.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/numbers.hpp>

#include <sluice/sluice.hpp>
#include <sluice/spill.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice::testing_support {

/// What a run's report says wrongly; empty when all is right.
using Complaints = std::vector<std::string>;

/// What callbacks have seen; any thread.
struct Seen {
  using Counter = std::atomic<std::uint64_t>;
  Counter filtered{0};
  Counter source_created{0};  // told by Context::dead, or given up as a dead letter
  Counter source_retried{0};
  Counter source_skipped{0};
  Counter source_failed{0};
  Counter skip_retried{0};
  Counter skip_skipped{0};
  Counter bury_retried{0};
  Counter bury_dead{0};
  Counter sink_calls{0};
};

class Exercise {
 public:
  explicit Exercise(const char* name) : pipeline{name} {}

  Pipeline pipeline;
  std::shared_ptr<Seen> seen = std::make_shared<Seen>();
  bool fails = false;  ///< the run itself, by its policy
  /// Compares the report's numbers with what was seen.
  std::function<void(const Report&, Complaints&)> numbers;

  [[nodiscard]] Complaints judge(const Report& report) const {
    Complaints complaints = report.ledger.faults;
    numbers(report, complaints);
    return complaints;
  }
};

inline void expect_number(Complaints& complaints, const char* what, std::uint64_t reported,
                          std::uint64_t seen) {
  if (reported == seen) return;
  complaints.push_back(std::string(what) + ": the report says " + std::to_string(reported) +
                       ", the stage saw " + std::to_string(seen));
}

/// Numbers 0 ... count - 1. Calls that fail twice become dead letters, others fail once; some are told as dead.
inline auto burying_source(const std::shared_ptr<Seen>& seen, Number count) {
  return [seen, count, next = Number{0}](Context& context) mutable -> std::optional<Number> {
    if (context.attempt() > 1) ++seen->source_retried;
    if (next % 10 == 7) {
      if (context.attempt() == 2) {
        ++seen->source_created;
        ++next;
      }
      throw std::runtime_error("twice");
    }
    if (next % 10 == 4 && context.attempt() == 1) throw std::runtime_error("once");
    if (next % 10 == 2) {
      ++seen->source_created;
      context.dead(std::to_string(next), "two");
    }
    if (next >= count) return std::nullopt;
    return next++;
  };
}

/// Numbers 0 ... count - 1, every third of them skipped.
inline auto skipping_source(const std::shared_ptr<Seen>& seen, Number count) {
  return [seen, count, next = Number{0}]() mutable -> std::optional<Number> {
    if (next >= count) return std::nullopt;
    if (next++ % 3 != 0) return next;
    ++seen->source_skipped;
    throw std::runtime_error("third");
  };
}

/// Filters, retries, skips, buries; routes, fans out, and one arm says enough. `carrier` of all stages.
inline Exercise every_fate(Carrier carrier) {
  Exercise made("every fate");
  const auto seen = made.seen;
  const StageOptions options = {.workers = 2, .carrier = carrier, .capacity = 2, .batch = 3};
  const SinkOptions end = {.carrier = carrier, .capacity = 2, .batch = 3};
  const auto keep = [seen](Number n) -> std::optional<Number> {
    if (n % 4 != 3) return n;
    ++seen->filtered;
    return std::nullopt;
  };
  const auto skipping = [seen](Number n, Emitter<Number>& out) {
    if (out.context().attempt() > 1) ++seen->skip_retried;
    out.emit(n);
    if (n % 5 == 1 && out.context().attempt() == 2) ++seen->skip_skipped;
    if (n % 5 == 1) throw std::runtime_error("always");
    if (n % 5 == 2 && out.context().attempt() == 1) throw std::runtime_error("once");
    out.emit(n + 1);
  };
  const auto burying = [seen](Number n) {
    if (n % 6 != 0) return n;
    ++seen->bury_dead;
    throw std::runtime_error("six");
  };
  StageOptions skip_options = options;
  skip_options.on_error = retry(1).then(skip());
  StageOptions bury_options = options;
  bury_options.on_error = dead_letter("six");
  Pipeline& p = made.pipeline;
  auto stream = merge(p.source("bury at once", burying_source(seen, 25),
                               {.carrier = carrier, .on_error = retry(1).then(dead_letter())}),
                      p.source("skip at once", skipping_source(seen, 10),
                               {.carrier = carrier, .on_error = skip()})) |
                map("keep", keep, options) | flat_map<Number>("skip", skipping, skip_options) |
                map("bury", burying, bury_options);
  auto arms = route(stream, [](Number n) { return n % 2 == 0; });
  arms[0] | sink(
                "even", [seen](Number) { ++seen->sink_calls; }, end);
  arms[1] | sink(
                "enough",
                [left = 2](Number) mutable { return --left > 0 ? Demand::more : Demand::enough; },
                end);
  stream | sink(
               "all", [seen](Number) { ++seen->sink_calls; }, end);
  made.numbers = [seen](const Report& report, Complaints& wrong) {
    const StageReport& bury_source = report.stage("bury at once");
    expect_number(wrong, "dead of a source", bury_source.dead, seen->source_created);
    expect_number(wrong, "retried of a source", bury_source.retried, seen->source_retried);
    expect_number(wrong, "skipped of a source", report.stage("skip at once").skipped,
                  seen->source_skipped);
    expect_number(wrong, "filtered", report.stage("keep").filtered, seen->filtered);
    expect_number(wrong, "retried", report.stage("skip").retried, seen->skip_retried);
    expect_number(wrong, "skipped", report.stage("skip").skipped, seen->skip_skipped);
    expect_number(wrong, "dead", report.stage("bury").dead, seen->bury_dead);
    expect_number(wrong, "completed",
                  report.stage("even").completed + report.stage("all").completed, seen->sink_calls);
    expect_number(wrong, "dead letters", bury_source.dead + report.stage("bury").dead,
                  report.dead_letters);
  };
  return made;
}

/// An item fails the run while others are queued, taken, and waiting in a port before a route.
inline Exercise failing_run(Carrier carrier) {
  Exercise made("failing run");
  made.fails = true;
  const auto bad = [](Number n) {
    if (n == 9) throw std::runtime_error("bad");
  };
  const SinkOptions narrow = {.carrier = carrier, .capacity = 1, .batch = 3};
  const auto three = [](Number n, Emitter<Number>& out) {
    for (Number i = 0; i < 3; ++i) out.emit(3 * n + i);
  };
  auto stream = made.pipeline.source("read", numbers(100), {.carrier = carrier}) |
                flat_map<Number>("three", three,
                                 {.workers = 2, .carrier = carrier, .capacity = 4, .batch = 4});
  auto arms = route(stream, [](Number n) { return n % 3 == 0; });
  arms[0] | sink("bad", bad, narrow);
  arms[1] | sink(
                "good", [](Number) {}, narrow);
  stream | sink(
               "slow", [](Number) {}, narrow);
  made.numbers = [](const Report& report, Complaints& wrong) {
    expect_number(wrong, "failed", report.stage("bad").failed, 1);
  };
  return made;
}

/// A source fails the run; a sink cancels it and then throws.
inline Exercise failing_source(Carrier carrier) {
  Exercise made("failing source");
  made.fails = true;
  const auto read = [next = Number{0}]() mutable -> std::optional<Number> {
    if (next == 5) throw std::runtime_error("five");
    return next++;
  };
  made.pipeline.source("read", read, {.carrier = carrier}) |
      sink("drop", [](Number) {}, {.carrier = carrier, .capacity = 2});
  made.numbers = [](const Report& report, Complaints& wrong) {
    expect_number(wrong, "failed of a source", report.stage("read").failed, 1);
  };
  return made;
}
inline Exercise throwing_after_cancel(Carrier carrier) {
  Exercise made("throwing after cancel");
  const auto cancel = [](Number n, Context& context) {
    if (n != 5) return;
    context.cancel();
    throw std::runtime_error("after cancel");
  };
  made.pipeline.source("read", numbers(50), {.carrier = carrier}) |
      sink("cancel", cancel, {.carrier = carrier, .capacity = 3, .batch = 4});
  made.numbers = [](const Report& report, Complaints& wrong) {
    expect_number(wrong, "errors", report.error_count, 1);
  };
  return made;
}

/// An item that can't be moved into the place where it would wait for its retry.
struct Brittle {
  explicit Brittle(Number n) : number{n} {}
  Brittle(const Brittle&) = default;
  Brittle(Brittle&& other) : number{other.number} {
    if (breaks) throw std::runtime_error("it broke");
  }
  Brittle& operator=(const Brittle&) = default;
  Brittle& operator=(Brittle&&) = default;
  ~Brittle() = default;

  Number number;
  inline static thread_local bool breaks = false;
};

inline Exercise breaking_item(Carrier carrier) {
  Exercise made("breaking item");
  made.fails = true;
  const auto read = [next = Number{0}]() mutable -> std::optional<Brittle> {
    Brittle::breaks = false;
    if (next == 20) return std::nullopt;
    return Brittle{next++};
  };
  const auto arm = [](const Brittle& item) {
    if (item.number != 3) return;
    Brittle::breaks = true;
    throw std::runtime_error("try later");
  };
  made.pipeline.source("read", read, {.carrier = carrier}) |
      flat_map<Brittle>("same",
                        [](Brittle item, Emitter<Brittle>& out) { out.emit(std::move(item)); },
                        {.carrier = carrier, .capacity = 2}) |
      sink("arm", arm, {.carrier = carrier, .on_error = retry(1, std::chrono::hours{1})});
  made.numbers = [](const Report& report, Complaints& wrong) {
    Brittle::breaks = false;
    expect_number(wrong, "failed", report.stage("arm").failed, 1);
    expect_number(wrong, "retried", report.stage("arm").retried, 1);
  };
  return made;
}

/// A map cancels the run and still has an output, which its edge refuses.
inline Exercise output_after_cancel(Carrier carrier) {
  Exercise made("output after cancel");
  const auto seen = made.seen;
  const auto cancel = [](Number n, Context& context) {
    if (n == 9) context.cancel();
    return n;
  };
  made.pipeline.source("read", numbers(100), {.carrier = carrier}) |
      map("cancel", cancel, {.carrier = carrier, .capacity = 3, .batch = 4}) |
      sink("count", [seen](Number) { ++seen->sink_calls; }, {.carrier = carrier, .capacity = 20});
  made.numbers = [seen](const Report& report, Complaints& wrong) {
    expect_number(wrong, "completed", report.stage("count").completed, seen->sink_calls);
    expect_number(wrong, "refused", report.stage("cancel").refused, 1);
  };
  return made;
}

/// Edges of one slot with every policy: outputs and items are dropped, and kept in a store; then the run is
/// cancelled while edges and the store hold some.
inline Exercise full_edges(Carrier carrier) {
  Exercise made("full edges");
  const auto seen = made.seen;
  const SinkOptions end = {.carrier = carrier, .capacity = 1, .batch = 1};
  const auto count = [seen](Number) { ++seen->sink_calls; };
  const auto cancel = [seen, left = 25](Number, Context& context) mutable {
    ++seen->sink_calls;
    if (--left == 0) context.cancel();
  };
  const auto twice = [](Number n, Emitter<Number>& out) {
    out.emit(n);
    out.emit(n);
  };
  auto single = made.pipeline.source("read", numbers(60), {.carrier = carrier});
  auto stream = single | when_full(drop_oldest()) |
                flat_map<Number>("twice", twice, {.carrier = carrier, .capacity = 1, .batch = 1});
  stream | when_full(drop_newest()) | sink("newest", count, end);
  stream | when_full(drop_oldest()) | sink("oldest", count, end);
  stream | when_full(spill({.memory_items = 2})) | sink("all", cancel, end);
  made.numbers = [seen](const Report& report, Complaints& wrong) {
    std::uint64_t completed = 0;
    for (const char* const name : {"newest", "oldest", "all"}) {
      completed += report.stage(name).completed;
    }
    expect_number(wrong, "completed", completed, seen->sink_calls);
  };
  return made;
}

/// The only branch of a source drops, so that its outputs go straight to the edge.
template <class Policy>
Exercise dropping(const char* name, Policy policy, Carrier carrier) {
  Exercise made(name);
  const auto seen = made.seen;
  made.pipeline.source("read", numbers(40), {.carrier = carrier}) | when_full(policy) |
      sink("count", [seen](Number) { ++seen->sink_calls; },
           {.carrier = carrier, .capacity = 1, .batch = 1});
  made.numbers = [seen](const Report& report, Complaints& wrong) {
    expect_number(wrong, "completed", report.stage("count").completed, seen->sink_calls);
    expect_number(wrong, "received and dropped",
                  report.stage("count").completed + report.edges[0].dropped_when_full(), 40);
  };
  return made;
}
inline Exercise dropping_newest(Carrier carrier) {
  return dropping("dropping newest", drop_newest(), carrier);
}
inline Exercise dropping_oldest(Carrier carrier) {
  return dropping("dropping oldest", drop_oldest(), carrier);
}

using MakeExercise = Exercise (*)(Carrier);
inline constexpr MakeExercise kExercises[] = {
    every_fate,          failing_run, failing_source,  throwing_after_cancel, breaking_item,
    output_after_cancel, full_edges,  dropping_newest, dropping_oldest};

}  // namespace sluice::testing_support
