// edges/spill_test.cpp: branches that spill: nothing is lost, the producer waits only at the cap, and the file is
// gone after every kind of end.
// SPDX-License-Identifier: MIT
#include <edges/edge_reports.hpp>

#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/jam.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>

#include <sluice/feedback.hpp>
#include <sluice/sluice.hpp>
#include <sluice/spill.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using namespace testing_support;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using Catch::Matchers::VectorContains;

constexpr std::uint64_t kSlot = 16384;  // of the file
const Number kMany = scaled(Number{30'000});

/// A line of 100 letters that zstd makes small, with its number.
std::string text_of(Number n) { return std::to_string(n) + ' ' + std::string(100, 'x'); }
/// One that it can't.
std::string noise_of(Number n) {
  std::mt19937_64 random{n};
  std::string noise = std::to_string(n) + ' ';
  for (int i = 0; i < 12; ++i) {
    const std::uint64_t bits = random();
    noise.append(reinterpret_cast<const char*>(&bits), sizeof bits);
  }
  return noise;
}
Number number_of(const std::string& line) { return std::stoull(line); }

auto lines(Number count, std::string (*make)(Number) = text_of) {
  return [next = Number{0}, count, make]() mutable -> std::optional<std::string> {
    if (next == count) return std::nullopt;
    return make(next++);
  };
}
auto endless_lines() { return lines(~Number{0}, noise_of); }

/// Bytes of the files without a name below `directory` that this process has open.
std::uint64_t open_bytes(const std::string& directory) {
  std::uint64_t size = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
    if (!target.starts_with(directory)) continue;
    struct stat found = {};
    if (::stat(entry.path().c_str(), &found) == 0) {
      size += static_cast<std::uint64_t>(found.st_size);
    }
  }
  return size;
}

StoreReport store_of(const Report& report, const std::string& stage) {
  const EdgeReport edge = edge_into(report, stage);
  if (!edge.stores) throw std::runtime_error("no store behind the edge into " + stage);
  return edge.store;
}

void wait_until_spilled(WatchedRun& run, const std::string& stage) {
  wait_until([&] { return store_of(run->snapshot(), stage).spilled > 0; });
}

/// Checks what a run with a spilling branch into "slow" left behind.
void check_left(const Scratch& scratch, const Report& report) {
  CHECK(report.ledger.balanced);
  CHECK(open_bytes(scratch.path()) == 0);
  CHECK(std::filesystem::is_empty(scratch.path()));
  const StoreReport store = store_of(report, "slow/spill");
  CHECK(store.items == 0);
  CHECK(store.spilled == 0);
  CHECK(store.file_bytes == 0);
}

TEST_CASE("Spill: a producer goes on while the consumer stands still, and nothing is lost",
          "[edges][spill]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_hold(mix)) return;
    const Scratch scratch;
    Gate gate;
    Collected<Number> got;
    Pipeline p("spill");
    const auto take = [&](const std::string& line) {
      gate.pass();
      got.add(number_of(line));
    };
    p.source("read", lines(kMany), {.carrier = mix.at(0)}) |
        when_full(spill({.memory_items = 100, .directory = scratch.path()})) |
        sink("slow", take, {.carrier = mix.at(1), .capacity = 2, .batch = 1});
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    wait_until_emitted(run, "read", "slow/spill", kMany);
    wait_until_spilled(run, "slow/spill");
    wait_until([&] {  // all but what the edges and the sink hold
      return store_of(run->snapshot(), "slow/spill").items + 64 + 3 >= kMany;
    });
    const StoreReport store = store_of(run->snapshot(), "slow/spill");
    CHECK(store.spilled > kMany / 2);
    CHECK(store.file_bytes > 0);
    CHECK(store.file_bytes < store.spilled * 100 / 4);             // compressed
    CHECK(open_bytes(scratch.path()) + kSlot > store.file_bytes);  // its last slot is not full
    CHECK(std::filesystem::is_empty(scratch.path()));
    CHECK_THAT(run->explain(), Contains(" of them in a file"));
    wait_until([&] { return run->explain().find("slow/spill.0: blocked") != std::string::npos; });
    gate.open();
    const Report report = run.end();
    CHECK(report.status == RunStatus::done);
    CHECK(got.items() == up_to(kMany));
    check_left(scratch, report);
    const StoreReport most = store_of(report, "slow/spill");
    CHECK(most.items_high_water >= store.items);
    CHECK(most.spilled_high_water >= store.spilled);
    CHECK(most.file_bytes_high_water >= store.file_bytes);
    CHECK_THAT(report.table(), Contains("spilled: read->slow/spill: at most " +
                                        std::to_string(most.items_high_water) + " items waited"));
    const auto json = nlohmann::json::parse(report.json());
    CHECK(json["edges"][0]["store"]["spilled_high_water"] == most.spilled_high_water);
    CHECK(json["edges"][0]["branches"][0]["when_full"] == "spill");
  });
}

TEST_CASE("Spill: at the cap the branch blocks, the file is no larger, and nothing is lost",
          "[edges][spill]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_hold(mix)) return;
    for (const std::uint64_t cap : {1U, 300'000U, 1'000'000U}) {
      INFO("cap " << cap);
      const Scratch scratch;
      Gate gate;
      Collected<Number> got;
      Pipeline p("cap");
      const auto take = [&](const std::string& line) {
        gate.pass();
        got.add(number_of(line));
        if (got.size() % 500 == 0 && open_bytes(scratch.path()) > cap) got.add(0);
      };
      const Number count = 20'000;
      p.source("read", lines(count, noise_of), {.carrier = mix.at(0)}) |
          when_full(spill({.max_bytes = cap, .memory_items = 10, .directory = scratch.path()})) |
          sink("slow", take, {.carrier = mix.at(1), .capacity = 2, .batch = 1});
      WatchedRun run(p);
      const OpensAtEnd opens(gate);
      gate.wait_for_arrivals();  // until then the cause would be a sink that is yet to begin
      wait_until([&] {
        const std::string text = run->explain();
        return line_of(text, "edge read->slow/spill").ends_with(" that may not grow any more") &&
               line_of(text, "read.0").ends_with("waits for room on read->slow/spill") &&
               text.find("root cause: slow: has been at work for ") != text.npos;
      });
      CHECK(open_bytes(scratch.path()) <= cap);
      CHECK(branch(run->snapshot(), "read", "slow/spill").emitted < count);
      gate.open();
      const Report report = run.end();
      CHECK(got.items() == up_to(count));
      CHECK(store_of(report, "slow/spill").file_bytes_high_water <= cap);
      if (cap > 500'000) CHECK(store_of(report, "slow/spill").file_bytes_high_water > 500'000);
      check_left(scratch, report);
    }
  });
}

TEST_CASE(
    "Spill: whatever ends the run while items are in the file, all is settled and the file gone",
    "[edges][spill]") {
  enum class End : unsigned char { stop, cancel, enough, failure, elsewhere, handle };
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_hold(mix)) return;
    for (const End end :
         {End::stop, End::cancel, End::enough, End::failure, End::elsewhere, End::handle}) {
      INFO("end " << static_cast<int>(end));
      const Scratch scratch;
      Gate gate;
      std::atomic<bool> fail_elsewhere{false};
      std::atomic<Number> emitted{0};
      Collected<Number> got;
      Pipeline p("ends");
      const auto make = [&]() -> std::optional<std::string> { return noise_of(emitted++); };
      const auto take = [&](const std::string& line) {
        gate.pass();
        got.add(number_of(line));
        if (end == End::failure) throw std::runtime_error("slow fails");
        return end == End::enough && got.size() == 3 ? Demand::enough : Demand::more;
      };
      const auto other = [&](const std::string&) {
        if (fail_elsewhere) throw std::runtime_error("the other fails");
      };
      // At its cap the branch would hold back the other one, which is to fail.
      const std::uint64_t cap = end == End::elsewhere ? std::uint64_t{1} << 30 : 2'000'000;
      auto stream = p.source("read", make, {.carrier = mix.at(0)});
      stream |
          when_full(spill({.max_bytes = cap, .memory_items = 10, .directory = scratch.path()})) |
          sink("slow", take, {.carrier = mix.at(1), .capacity = 2, .batch = 1});
      stream | sink("other", other, narrow_sink(mix.at(0)));
      Report report;
      {
        WatchedRun run(p);
        const OpensAtEnd opens(gate);
        wait_until_spilled(run, "slow/spill");
        if (end == End::stop) run->stop();
        if (end == End::cancel) run->cancel();
        fail_elsewhere = end == End::elsewhere;
        if (end == End::elsewhere) {
          wait_until([&] { return run->snapshot().error_count > 0; });
        }
        gate.open();
        if (end == End::enough) {  // the other branch goes on; nothing is stored any more
          wait_until([&] { return store_of(run->snapshot(), "slow/spill").items == 0; });
          wait_until([&] { return open_bytes(scratch.path()) == 0; });
          run->stop();
        }
        if (end != End::handle) report = run.end();
      }
      if (end == End::handle) {
        CHECK(open_bytes(scratch.path()) == 0);
        CHECK(std::filesystem::is_empty(scratch.path()));
        continue;
      }
      check_left(scratch, report);
      const StageReport store = report.stage("slow/spill");
      CHECK(store.in == store.completed + store.cancelled);
      if (end == End::stop) {
        CHECK(report.status == RunStatus::stopped);
        CHECK(got.items() == up_to(emitted));
      } else {
        CHECK(store.cancelled > 0);
        CHECK(got.items() == up_to(got.size()));
      }
      CHECK((report.status == RunStatus::failed) == (end == End::failure || end == End::elsewhere));
      if (end == End::cancel) CHECK(report.status == RunStatus::cancelled);
    }
  });
}

// A limit on the size of files is the full disk of who is not root.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  ~FileLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_ = {};
};

TEST_CASE("Spill: a full disk fails the run with one line that says where and what to do",
          "[edges][spill]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_hold(mix)) return;
    const Scratch scratch;
    Gate gate;
    Pipeline p("full disk");
    p.source("read", endless_lines(), {.carrier = mix.at(0)}) |
        when_full(spill({.memory_items = 10, .directory = scratch.path()})) |
        sink(
            "slow", [&](const std::string&) { gate.pass(); }, narrow_sink(mix.at(1)));
    const FileLimit limit(600'000);
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    wait_until([&] { return run->snapshot().error_count > 0; });
    gate.open();
    const Report report = run.end();
    CHECK(report.status == RunStatus::failed);
    REQUIRE(report.errors.size() == 1);
    CHECK(report.errors[0].stage == "slow/spill");
    CHECK(report.errors[0].phase == "keeping an item");
    CHECK_THAT(report.errors[0].cause,
               StartsWith("cannot write a temporary file in " + scratch.path()) &&
                   Contains("; free space there, or set TMPDIR"));
    check_left(scratch, report);
  });
}

TEST_CASE("Spill: a directory that is missing fails the run and is named", "[edges][spill]") {
  const Scratch scratch;
  Gate gate;
  Pipeline p("no directory");
  p.source("read", endless_lines()) |
      when_full(spill({.memory_items = 10, .directory = scratch / "missing"})) |
      sink(
          "slow", [&](const std::string&) { gate.pass(); }, narrow_sink(Carrier::thread));
  WatchedRun run(p);
  const OpensAtEnd opens(gate);
  wait_until([&] { return run->snapshot().error_count > 0; });
  gate.open();
  const Report report = run.end();
  CHECK(report.status == RunStatus::failed);
  CHECK_THAT(report.errors.at(0).cause, Contains(scratch / "missing"));
  check_left(scratch, report);
}

TEST_CASE("Spill: one stream with every policy there is", "[edges][spill]") {
  for_every_carrier([](const CarrierMix& mix) {
    if (!can_hold(mix)) return;
    Gate gate;
    Collected<Number> got[4];
    Pipeline p("all");
    const auto take = [&](std::size_t which) {
      return [&gate, &got, which](Number n) {
        gate.pass();
        got[which].add(n);
      };
    };
    const SinkOptions held = {.carrier = Carrier::thread, .capacity = 2, .batch = 1};
    auto stream = p.source("read", numbers(kMany), {.carrier = mix.at(0)});
    stream | when_full(drop_newest()) | sink("newest", take(0), held);
    stream | when_full(drop_oldest()) | sink("oldest", take(1), held);
    stream | when_full(spill({.memory_items = 50})) | sink("spilled", take(2), held);
    stream | sink("all", got[3].sink(), narrow_sink(mix.at(1)));
    WatchedRun run(p);
    const OpensAtEnd opens(gate);
    wait_until([&] { return got[3].size() == kMany; });
    gate.open();
    const Report report = run.end();
    CHECK(report.ledger.balanced);
    CHECK(got[3].items() == up_to(kMany));
    CHECK(got[2].items() == up_to(kMany));
    CHECK(got[1].size() + branch(report, "read", "oldest").dropped_oldest == kMany);
    CHECK(got[0].size() + branch(report, "read", "newest").dropped_newest == kMany);
    CHECK(ascends(got[0].items()));
    CHECK(ascends(got[1].items()));
  });
}

TEST_CASE("Spill: merged before is one store, merged behind is one for each", "[edges][spill]") {
  Collected<Number> got;
  Pipeline one("one");
  merge(one.source("a", numbers(100)), one.source("b", numbers(100))) | when_full(spill()) |
      sink("end", got.sink());
  CHECK(plan(one).edges[0].name == "a+b->end/spill");
  CHECK(plan(one).edges[1].name == "end/spill->end");
  CHECK(plan(one).edges[0].adaptors == std::vector<std::string>(2, "when_full spill"));
  CHECK_THAT(plan(one).text(), Contains("pool: a spill takes items while it waits for room"));
  CHECK(run_watched(one).stage("end").in == 200);
  Pipeline two("two");
  merge(two.source("a", numbers(100)) | when_full(spill()),
        two.source("b", numbers(100)) | when_full(spill())) |
      sink("end", got.sink());
  CHECK(plan(two).edges[2].name == "end/spill+end/spill-2->end");
  CHECK(run_watched(two).stage("end").in == 200);
  CHECK(got.size() == 400);
  Pipeline nested("nested");
  nested.nest("part", [&] {
    nested.source("a", numbers(100)) | when_full(spill()) | sink("end", got.sink());
  });
  CHECK(plan(nested).edges[0].name == "part/a->part/end/spill");
}

TEST_CASE("Spill: in the arms of a route, by key, and behind stages that keep an order",
          "[edges][spill]") {
  for_every_carrier([](const CarrierMix& mix) {
    Collected<Number> even;
    Collected<Number> odd[2];
    Pipeline p("shapes");
    const StageOptions ordered = {
        .workers = 3, .carrier = mix.at(1), .order = Order::keep, .capacity = 8};
    const SpillLimits small{.memory_items = 3};
    auto arms = route(p.source("read", numbers(kMany), {.carrier = mix.at(0)}) |
                          map("first", same, ordered) | when_full(spill(small)),
                      [](Number n) { return n % 2 == 0; });
    arms[0] | map("second", same, ordered) | when_full(spill(small)) |
        sink("even", even.sink(), narrow_sink(mix.at(0)));
    arms[1] | key_by([](Number n) { return n % 4; }) |
        sink("odd", [&](Number n, Context& context) { odd[context.worker()].add(n); },
             {.workers = 2, .carrier = mix.at(0), .capacity = 2});
    const Report report = run_watched(p);
    CHECK(report.ledger.balanced);
    CHECK(even.size() == (kMany + 1) / 2);
    CHECK(ascends(even.items()));
    CHECK(odd[0].size() + odd[1].size() == kMany / 2);
    CHECK(ascends(odd[0].items()));
    CHECK(ascends(odd[1].items()));
    CHECK(branch(report, "first", "odd/spill").elsewhere == (kMany + 1) / 2);
  });
}

TEST_CASE("Spill: inside a loop, which still ends", "[edges][spill]") {
  for_every_carrier([](const CarrierMix& mix) {
    Collected<Number> got;
    Pipeline p("loop");
    Feedback<Number> again(p, "again", {.capacity = 2, .memory_items = 5});
    const auto halve = [](Number n, Emitter<Number>& out) {
      if (n < 2) return out.emit(n);
      out.emit(n / 2);
      out.emit(n - n / 2);
    };
    auto [more, ones] = route(
        merge(p.source("root", numbers(60), {.carrier = mix.at(0)}), again.items()) |
            when_full(spill({.memory_items = 4})) |
            flat_map<Number>("halve", halve, {.workers = 2, .carrier = mix.at(1), .capacity = 2}),
        [](Number n) { return n > 1; });
    again.put_back(more);
    ones | sink("collect", got.sink(), narrow_sink(mix.at(0)));
    const Report report = run_watched(p);
    Number sum = 0;
    for (const Number n : got.items()) sum += n;
    CHECK(sum == 60 * 59 / 2);
    CHECK(report.ledger.balanced);
  });
}

TEST_CASE("Spill: an inlet, and an outlet that is read late", "[edges][spill]") {
  Pipeline p("outlet");
  p.inlet<Number>("in", {.capacity = 2}) | when_full(spill({.memory_items = 10})) |
      outlet<Number>("out", {.capacity = 2});
  WatchedRun run(p);
  {
    auto in = run->inlet<Number>("in");
    for (Number n = 0; n < kMany; ++n) REQUIRE(in.put(n) == PutStatus::ok);
  }
  auto out = run->outlet<Number>("out");
  for (Number n = 0; n < kMany; ++n) REQUIRE(*out.get() == n);
  CHECK(out.get().status() == GetStatus::closed);
  CHECK(run.end().ledger.balanced);
}

TEST_CASE("Spill: started from a stage on the pool it is refused, as a feedback is",
          "[edges][spill]") {
  Pipeline inner("inner");
  inner.source("read", numbers(3)) | when_full(spill()) | sink("end", [](Number) {});
  std::atomic<bool> refused{false};
  Pipeline outer("outer");
  const auto start_inner = [&](Number) {
    try {
      run(inner);
    } catch (const UsageError& error) {
      refused = std::string(error.what()).find("inner has a spill, which needs the pool") !=
                std::string::npos;
    }
  };
  outer.source("read", numbers(1)) | sink("start", start_inner, {.carrier = Carrier::pool});
  run_watched(outer);
  CHECK(refused);
}

}  // namespace
}  // namespace sluice
