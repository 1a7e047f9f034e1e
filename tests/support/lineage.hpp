// support/lineage.hpp: items that know which item of the source they come from, and who of them is still on
// the way, counted by the callbacks themselves and by nothing of the engine.
//
// For the seeded driver: one thread. Cancelled runs drop items that were counted here.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/numbers.hpp>
#include <support/scenario.hpp>

#include <sluice/runtime/run_state.hpp>
#include <sluice/sluice.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace sluice::testing_support {

/// An item and the ordinal of the source's item that it is, or descends from.
struct Offspring {
  std::size_t root = 0;
  Number value = 0;
};

class Lineage {
 public:
  explicit Lineage(std::size_t roots) : living_(roots, 1) {}

  /// A callback has made `outputs` of an item: so many more of its root are on the way, less itself.
  void becomes(const Offspring& item, std::size_t outputs) {
    living_[item.root] += outputs;
    --living_[item.root];
  }
  /// How many of the first `born` items of the source have offspring, or are themselves, on the way.
  [[nodiscard]] std::size_t on_the_way(std::size_t born) const {
    const auto end = living_.begin() + static_cast<std::ptrdiff_t>(born);
    return static_cast<std::size_t>(
        std::count_if(living_.begin(), end, [](std::size_t n) { return n > 0; }));
  }
  [[nodiscard]] std::size_t roots() const noexcept { return living_.size(); }

 private:
  std::vector<std::size_t> living_;  // items on the way, per root
};

/// A pipeline whose first stage behind the source is called "first", and the lineage that it counts in.
struct TrackedPipeline {
  Pipeline pipeline{"tracked"};
  std::shared_ptr<Lineage> lineage;

  /// Items of the source that an edge has accepted. What waits in the source's own port is on no edge yet.
  [[nodiscard]] std::size_t born(detail::RunState& run) const {
    return run.edge_into(run.graph().find("first"))->lane(0).put_count();
  }
};

/// The ways on which items and their offspring go; every callback tells the lineage what it has made.
class TrackedShapes {
 private:  // first, because what they return is deduced
  using Outputs = Emitter<Offspring>;

  static auto same(const TrackedPipeline& made, std::size_t branches) {
    return [lineage = made.lineage, branches](Offspring item) {
      lineage->becomes(item, branches);
      return item;
    };
  }
  static auto some(const TrackedPipeline& made) {
    return [lineage = made.lineage](Offspring item, Outputs& out) {
      const Number outputs = (item.value + item.root) % 4;
      for (Number n = 0; n < outputs; ++n) out.emit({item.root, 4 * item.value + n});
      lineage->becomes(item, outputs);
    };
  }
  static auto odd(const TrackedPipeline& made) {
    return [lineage = made.lineage](const Offspring& item) {
      const bool keep = item.value % 2 == 1;
      lineage->becomes(item, keep ? 1 : 0);
      return keep;
    };
  }
  static auto fail(const TrackedPipeline& made, unsigned retries) {
    return [lineage = made.lineage, retries](Offspring item, Outputs& out) {
      const unsigned attempt = out.context().attempt();
      out.emit(item);
      if (item.root % 3 != 0 && attempt <= item.root % 4) {
        if (attempt > retries) lineage->becomes(item, 0);  // given up
        throw std::runtime_error("not this time");
      }
      out.emit(item);
      lineage->becomes(item, 2);
    };
  }
  static auto end(const TrackedPipeline& made) {
    return [lineage = made.lineage](const Offspring& item) { lineage->becomes(item, 0); };
  }

  TrackedPipeline begin() {
    TrackedPipeline made;
    made.lineage = std::make_shared<Lineage>(draw_->between(1, 60));
    return made;
  }
  Stream<Offspring> first(TrackedPipeline& made, std::size_t branches) {
    const auto read = [left = made.lineage->roots(),
                       next = std::size_t{0}]() mutable -> std::optional<Offspring> {
      if (next == left) return std::nullopt;
      const std::size_t root = next++;
      return Offspring{root, root};
    };
    return made.pipeline.source("read", read, draw_->source()) |
           map("first", same(made, branches), draw_->stage());
  }

 public:
  explicit TrackedShapes(Draw& draw) : draw_{&draw} {}

  TrackedPipeline chain() {
    TrackedPipeline made = begin();
    Stream<Offspring> stream = first(made, 1);
    stream | flat_map<Offspring>("some", some(made), draw_->stage()) |
        filter("odd", odd(made), draw_->stage()) | sink("end", end(made), draw_->sink(3));
    return made;
  }
  TrackedPipeline fan_out() {
    TrackedPipeline made = begin();
    Stream<Offspring> stream = first(made, 3);
    stream | sink("a", end(made), draw_->sink(2));
    stream | flat_map<Offspring>("some", some(made), draw_->stage()) |
        sink("b", end(made), draw_->sink(2));
    stream | sink("c", end(made), draw_->sink());
    return made;
  }
  TrackedPipeline diamond() {
    TrackedPipeline made = begin();
    Stream<Offspring> stream = first(made, 2);
    merge(stream | map("even", same(made, 1), draw_->stage()),
          stream | flat_map<Offspring>("odd", some(made), draw_->stage())) |
        map("both", same(made, 1), draw_->stage()) | sink("end", end(made), draw_->sink(2));
    return made;
  }
  TrackedPipeline routed() {
    TrackedPipeline made = begin();
    Stream<Offspring> stream = first(made, 2);
    auto arms = route(
        stream, [](const Offspring& item) { return item.root % 3 == 0; },
        [](const Offspring& item) { return item.root % 3 == 1; });
    arms[0] | sink("thirds", end(made), draw_->sink(2));
    merge(arms[1], arms[2]) | flat_map<Offspring>("some", some(made), draw_->stage()) |
        sink("rest", end(made), draw_->sink());
    stream | sink("all", end(made), draw_->sink(2));
    return made;
  }
  TrackedPipeline keyed() {
    TrackedPipeline made = begin();
    Stream<Offspring> stream = first(made, 1);
    stream | key_by([](const Offspring& item) { return item.root % 7; }) |
        flat_map<Offspring>("some", some(made), draw_->stage(4)) |
        key_by([](const Offspring& item) { return item.value; }) |
        sink("end", end(made), draw_->sink(4));
    return made;
  }
  /// Items that fail after they have emitted, and are retried, skipped, or become dead letters.
  TrackedPipeline failing() {
    TrackedPipeline made = begin();
    Stream<Offspring> stream = first(made, 1);
    const unsigned retries = static_cast<unsigned>(draw_->between(0, 2));
    const auto back_off = std::chrono::microseconds{draw_->one_in(2) ? 0 : 20};
    StageOptions options = draw_->stage();
    options.on_error =
        retry(retries, back_off).then(draw_->one_in(2) ? skip() : dead_letter("lineage"));
    stream | flat_map<Offspring>("fail", fail(made, retries), options) |
        sink("end", end(made), draw_->sink(2));
    return made;
  }

 private:
  Draw* draw_;
};

}  // namespace sluice::testing_support
