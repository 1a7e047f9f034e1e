// sluice/runtime/explain.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/explain.hpp>

#include <sluice/runtime/process_crew.hpp>
#include <sluice/runtime/run_state.hpp>
#include <sluice/runtime/stage_sums.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

namespace sluice::detail {
namespace {

using Text = fmt::memory_buffer;

class Explainer {
 public:
  explicit Explainer(const RunState& run) : run_(run), now_(Worker::read_clock()) {}

  std::string text() {
    Text out;
    fmt::format_to(std::back_inserter(out), "pipeline {}: {}\n", run_.plan().pipeline,
                   run_.ended() ? "ended" : "running");
    for (std::size_t i = 0; i < run_.plan().stages.size(); ++i) describe_stage(out, i);
    for (const PlannedEdge& edge : run_.plan().edges) describe_edge(out, edge);
    if (const MemoryBudget* const memory = run_.memory(); memory != nullptr) {
      fmt::format_to(std::back_inserter(out), "  memory: {} of {} bytes held by items\n",
                     std::max<std::int64_t>(0, memory->charged()), memory->bytes());
    }
    if (!run_.ended()) fmt::format_to(std::back_inserter(out), "root cause: {}\n", root_cause());
    return fmt::to_string(out);
  }

 private:
  static constexpr Worker::Nanoseconds kNever = std::numeric_limits<Worker::Nanoseconds>::max();

  [[nodiscard]] double seconds_since(Worker::Nanoseconds then) const {
    return static_cast<double>(std::max<Worker::Nanoseconds>(0, now_ - then)) * 1e-9;
  }

  void describe_stage(Text& out, std::size_t stage) const {
    const RunState::Range range = run_.workers_of(stage);
    for (std::size_t i = range.first; i < range.last; ++i) {
      const Worker& worker = *run_.workers()[i];
      fmt::format_to(std::back_inserter(out), "  {}.{}: {}\n", run_.plan().stages[stage].name,
                     i - range.first, doing(worker, stage));
    }
  }

  [[nodiscard]] std::string doing(const Worker& worker, std::size_t stage) const {
    const double seconds = seconds_since(worker.since());
    switch (worker.activity()) {
      case Activity::busy:
        return busy_text(worker, stage, seconds);
      case Activity::starved:
        if (waits_for_retry(worker, stage)) {
          return fmt::format(
              "waits for {:.3f} s, for the next attempt of an item and for items on {}", seconds,
              run_.edge_into(stage)->spec().name);
        }
        return fmt::format("starved for {:.3f} s, waits for items on {}", seconds,
                           run_.edge_into(stage)->spec().name);
      case Activity::blocked: {
        const std::size_t to = consumer_of(worker.waits_for_room_in());
        if (to == run_.plan().stages.size()) return blocked_text(stage, seconds);
        if (worker.waits_for_memory()) {
          return fmt::format("blocked for {:.3f} s, waits for memory to put items on {}", seconds,
                             run_.edge_into(to)->spec().name);
        }
        return fmt::format("blocked for {:.3f} s, waits for room on {}", seconds,
                           run_.edge_into(to)->spec().name);
      }
      case Activity::parked:
        return worker.wake_at() == kNever
                   ? fmt::format("ready for {:.3f} s, waits for a thread", seconds)
                   : fmt::format("waits for a timer for {:.3f} s", seconds);
      case Activity::ended:
        break;
    }
    return "ended";
  }

  // It has taken an item that it will try again; a timer of its body alone is not such a reason.
  [[nodiscard]] bool waits_for_retry(const Worker& worker, std::size_t stage) const {
    if (worker.activity() != Activity::starved || worker.wake_at() == kNever) return false;
    return sum_stage(run_, stage, Count::taken) > sum_queues(*run_.edge_into(stage)).done;
  }

  // Not by an edge alone: by several, or by the order that its stage keeps.
  [[nodiscard]] std::string blocked_text(std::size_t stage, double seconds) const {
    const bool ordered = run_.plan().stages[stage].window != 0;
    return fmt::format("blocked for {:.3f} s{}", seconds,
                       ordered ? ", waits for its turn: an earlier item is not delivered" : "");
  }

  [[nodiscard]] std::string busy_text(const Worker& worker, std::size_t stage,
                                      double seconds) const {
    const std::uint64_t item = worker.state.item();
    const std::string where = process_text(worker, stage);
    if (item == StageError::kNoItem) return fmt::format("busy for {:.3f} s{}", seconds, where);
    return fmt::format("busy for {:.3f} s, item {} at attempt {}{}", seconds, item,
                       worker.state.attempt(), where);
  }

  [[nodiscard]] std::string process_text(const Worker& worker, std::size_t stage) const {
    if (run_.crew() == nullptr) return "";
    const ProcessCounts* const counts = run_.crew()->counts(stage, worker.state.worker());
    if (counts == nullptr) return "";
    const int pid = counts->pid.load(std::memory_order_relaxed);
    const std::uint64_t deaths = counts->deaths.load(std::memory_order_relaxed);
    return pid == 0 ? fmt::format(", its process is being started ({} deaths so far)", deaths)
                    : fmt::format(", in process {} ({} deaths so far)", pid, deaths);
  }

  void describe_edge(Text& out, const PlannedEdge& edge) const {
    const EdgeSums queues = sum_queues(*run_.edge_into(edge.to));
    const std::uint64_t got = sum_stage(run_, edge.to, Count::taken);
    fmt::format_to(std::back_inserter(out), "  edge {}: {} of {} queued, {} in flight, {} done{}\n",
                   edge.name, queues.queued, edge.capacity,
                   got > queues.done ? got - queues.done : 0, queues.done, overflow_text(edge.to));
  }

  // What the edge had no room for.
  [[nodiscard]] std::string overflow_text(std::size_t stage) const {
    const EdgeBase& edge = *run_.edge_into(stage);
    std::string text;
    const std::uint64_t newest = sum_into(run_, edge, Count::dropped);
    const std::uint64_t oldest = sum_into(run_, edge, Count::displaced);
    if (newest + oldest > 0) {
      text = fmt::format(", {} dropped because it was full", newest + oldest);
    }
    const StoreGauge* const store = store_of(run_, stage);
    if (store == nullptr || store->now().items == 0) return text;
    return text + fmt::format(", {} stored, {} of them in a file{}", store->now().items,
                              store->now().spilled,
                              store->full() ? " that may not grow any more" : "");
  }

  // The stage whose input edge has this queue as a lane; stages.size() when none has.
  [[nodiscard]] std::size_t consumer_of(const QueueCore* queue) const {
    for (const PlannedEdge& edge : run_.plan().edges) {
      EdgeBase& candidate = *run_.edge_into(edge.to);
      for (std::size_t lane = 0; lane < candidate.lanes(); ++lane) {
        if (&candidate.lane(lane) == queue) return edge.to;
      }
    }
    return run_.plan().stages.size();
  }

  enum class WaitsFor : unsigned char { anything, an_edge };

  // The worker of a stage that has been at its present activity longest; none when all have ended.
  [[nodiscard]] const Worker* slowest_of(std::size_t stage, std::optional<Activity> only,
                                         WaitsFor what = WaitsFor::anything) const {
    const Worker* slowest = nullptr;
    const RunState::Range range = run_.workers_of(stage);
    for (std::size_t i = range.first; i < range.last; ++i) {
      const Worker& worker = *run_.workers()[i];
      if (worker.ended() || (only.has_value() && worker.activity() != *only)) continue;
      if (what == WaitsFor::an_edge && worker.waits_for_room_in() == nullptr) continue;
      if (slowest == nullptr || worker.since() < slowest->since()) slowest = &worker;
    }
    return slowest;
  }

  // Downstream ends are asked first: what blocks everybody is nearest to the end.
  [[nodiscard]] std::string root_cause() const {
    std::vector<bool> seen(run_.plan().stages.size());
    std::size_t stage = first_blocked();
    if (stage == run_.plan().stages.size()) stage = first_live();
    if (stage == run_.plan().stages.size()) return "none: every stage has ended";
    for (;;) {
      seen[stage] = true;
      const std::size_t next = waits_for(stage);
      if (next == stage || next == run_.plan().stages.size()) break;
      if (seen[next]) return fmt::format("{} and {} wait for each other", name(stage), name(next));
      stage = next;
    }
    return root_text(stage);
  }

  [[nodiscard]] const std::string& name(std::size_t stage) const {
    return run_.plan().stages[stage].name;
  }

  [[nodiscard]] std::size_t first_blocked() const {
    for (std::size_t i = run_.plan().stages.size(); i-- > 0;) {
      if (slowest_of(i, Activity::blocked) != nullptr) return i;
    }
    return run_.plan().stages.size();
  }
  [[nodiscard]] std::size_t first_live() const {
    for (std::size_t i = run_.plan().stages.size(); i-- > 0;) {
      if (slowest_of(i, std::nullopt) != nullptr || is_open_outlet(i)) return i;
    }
    return run_.plan().stages.size();
  }
  [[nodiscard]] bool is_open_outlet(std::size_t stage) const {
    return run_.plan().stages[stage].role == StageRole::outlet && !run_.endpoint_of(stage)->ended();
  }

  // The stage that this one waits for; itself when it waits for nobody.
  [[nodiscard]] std::size_t waits_for(std::size_t stage) const {
    if (is_open_outlet(stage)) {
      const QueueCore& lane = run_.edge_into(stage)->lane(0);
      return lane.has_items() || lane.drained() ? stage : fed_by(stage);
    }
    if (const Worker* blocked = slowest_of(stage, Activity::blocked, WaitsFor::an_edge)) {
      return consumer_of(blocked->waits_for_room_in());
    }
    if (slowest_of(stage, Activity::busy) != nullptr) return stage;
    if (slowest_of(stage, Activity::blocked) != nullptr) return stage;
    if (slowest_of(stage, Activity::parked) != nullptr) return stage;
    const Worker* starved = slowest_of(stage, Activity::starved);
    if (starved != nullptr && waits_for_retry(*starved, stage)) return stage;
    return fed_by(stage);
  }

  // The producer that keeps a starved stage waiting: a live one, the busy ones first, then those from
  // outside of the stage's loop.
  [[nodiscard]] std::size_t fed_by(std::size_t stage) const {
    const std::vector<std::size_t> loop = run_.graph().loop_of(stage);
    std::size_t found = stage;
    int found_rank = -1;
    for (const PlannedEdge& edge : run_.plan().edges) {
      if (edge.to != stage) continue;
      for (const std::size_t from : edge.from) {
        const Worker* worker = slowest_of(from, std::nullopt);
        if (worker == nullptr) continue;
        const bool inside = std::find(loop.begin(), loop.end(), from) != loop.end();
        const int rank = worker->activity() == Activity::busy ? 2 : (inside ? 0 : 1);
        if (rank <= found_rank) continue;
        found = from;
        found_rank = rank;
      }
    }
    return found;
  }

  [[nodiscard]] std::string root_text(std::size_t stage) const {
    const PlannedStage& planned = run_.plan().stages[stage];
    if (planned.role == StageRole::outlet) {
      return fmt::format("{}: the application does not read its outlet{}", planned.name,
                         run_.edge_into(stage)->lane(0).drained() ? " to the end" : "");
    }
    const Worker* busy = slowest_of(stage, Activity::busy);
    if (busy != nullptr) {
      const double seconds = seconds_since(busy->since());
      if (planned.role == StageRole::source) {
        return fmt::format("{}: idle, not stuck: its source has been in next() for {:.3f} s",
                           planned.name, seconds);
      }
      return fmt::format("{}: has been at work for {:.3f} s, {}", planned.name, seconds,
                         doing(*busy, stage));
    }
    if (planned.role == StageRole::inlet) {
      return fmt::format("{}: idle, not stuck: the application has put nothing more into its inlet",
                         planned.name);
    }
    const Worker* worker = slowest_of(stage, std::nullopt);
    return fmt::format("{}: {}", planned.name, worker == nullptr ? "ended" : doing(*worker, stage));
  }

  const RunState& run_;
  const Worker::Nanoseconds now_;
};

}  // namespace

std::string explain(const RunState& run) { return Explainer(run).text(); }

}  // namespace sluice::detail
