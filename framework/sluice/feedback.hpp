// sluice/feedback.hpp: cycles: items that go back to a stage further up.
//
// Not part of <sluice/sluice.hpp>, because items that wait may be written to a file, which needs their codec.
// Layer: pipeline. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/storing_step.hpp>
#include <sluice/pipeline.hpp>
#include <sluice/stream.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace sluice {

/// Options of a feedback.
struct FeedbackOptions {
  std::size_t capacity = kAuto;        ///< of the edge by which items come back
  std::size_t capacity_bytes = kAuto;  ///< the same, in bytes; as StageOptions::capacity_bytes
  /// Items that wait in memory, at most, where T is portable (codec.hpp): more are written to a file
  /// without a name. Else all wait in memory.
  std::size_t memory_items = 16384;
  std::string directory{};  ///< for that file; empty: TMPDIR, or /tmp
};

/// A stage that passes on what is put back to it, so that work can create more work:
///
///     Feedback<Path> again(p, "again");
///     auto [subdirectories, files] = route(merge(roots, again.items()) | walk, is_directory);
///     again.put_back(subdirectories);
///
/// The loop ends by itself: when everything outside that feeds it has ended and no item is queued or in
/// progress anywhere in it. stop() lets the loop go on until then, cancel() drops what is in it.
/// It takes items at any time and keeps them until the head of the loop has room, in the order in which they
/// came: so a loop can't block itself, whatever its capacities, and however many items one makes. A stage in
/// the loop that makes items without bound from one should be `.streaming`, so that they need not all be kept
/// until its callback returns.
/// Stages that gather items (batch, reduce, windows), and classes with a finish(), are refused inside a loop:
/// it ends before they would emit their last. A loop does not hold back what feeds it from outside: items wait
/// in it as they come, beyond `memory_items` in the file (beyond its memory budget, where the run has one). Runs
/// on the pool.
/// Algorithm  two looks with equal counts find the end, after Mattern, "Algorithms for distributed termination
///            detection" (1987).
template <class T>
class Feedback {
 public:
  /// Adds the stage. Building reports: nothing is put back; what is put back does not come from here.
  Feedback(Pipeline& pipeline, std::string name, FeedbackOptions options = {})
      : graph_(pipeline.shared_graph()), stage_(add(std::move(name), std::move(options))) {}

  /// What was put back. To be merged into the stream that is the head of the loop.
  [[nodiscard]] Stream<T> items() const { return items_; }

  /// Sends the items of this stream back; several streams may be.
  void put_back(const Stream<T>& stream) {
    const detail::StreamEnds& ends = detail::StreamAccess::ends(stream);
    if (detail::graph_of(ends) != graph_) {
      graph_->faults.push_back("feedback " + graph_->stages[stage_].name +
                               ": the stream that is put back belongs to another pipeline");
      return;
    }
    for (const detail::Origin& origin : ends.origins) {
      if (origin.policy == nullptr) continue;
      graph_->faults.push_back("feedback " + graph_->stages[stage_].name +
                               ": when_full on what is put back; leave it out, a feedback takes "
                               "everything and keeps what does not fit");
    }
    graph_->connect(ends.origins, stage_, detail::item_type<T>(), nullptr);
  }

 private:
  std::size_t add(std::string name, FeedbackOptions options) {
    const std::size_t stage = graph_->add(
        {.name = std::move(name),
         .kind = "feedback",
         .options = {.capacity = options.capacity, .capacity_bytes = options.capacity_bytes},
         .many = false,
         .many_reason = "a feedback has 1 worker",
         .feedback = true,
         .stores = true,
         .in = detail::type_key<T>(),
         .out = detail::type_key<T>(),
         .maker = std::make_shared<detail::StoringMaker<T>>(detail::SpillOptions{
             .memory_items = options.memory_items, .directory = std::move(options.directory)})});
    items_ = Stream<T>(detail::ends_of(graph_, stage));
    return stage;
  }

  std::shared_ptr<detail::Graph> graph_;
  Stream<T> items_{detail::StreamEnds{}};
  std::size_t stage_;
};

}  // namespace sluice
