// pipelines/pack_walk.hpp: the source of `pack`: walks trees and hands out what is to be packed.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <pack_items.hpp>

#include <sluice/emitter.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::samples {

/// Emits jobs in the order of the walk. What is not stored is a dead letter; what is stored under
/// another name is logged.
///
/// A stop makes the archive worthless, so it cancels the run: nothing is drained.
/// Blocks   while the file system reads.
/// Throws   std::system_error when the archive can't be opened.
class PackSource {
 public:
  using Out = PackJob;

  /// The archive is opened and handed over.
  PackSource(std::vector<std::string> paths, std::string output, int level,
             std::shared_ptr<ArchiveHandOver> hand_over);

  void start(Context& context);
  bool next(Emitter<PackJob>& out);
  void finish(Emitter<PackJob>& out);

 private:
  void fill(PackJob& job);
  [[nodiscard]] std::optional<EntryPart> next_part();
  [[nodiscard]] std::optional<EntryPart> part_of(TreeEntry entry);
  [[nodiscard]] EntryPart next_range();

  std::vector<std::string> paths_;
  std::string output_;
  int level_;
  Context* context_ = nullptr;
  std::shared_ptr<ArchiveHandOver> hand_over_;
  std::uint64_t archive_ = 0;
  std::uint64_t jobs_ = 0;
  std::optional<TreeWalk> walk_{};
  std::optional<TreeEntry> large_{};  // a file of several ranges, which are not all handed out
  std::uint64_t next_offset_ = 0;     // of its next range
  std::optional<EntryPart> held_{};   // found, and too much for the last job
  bool ended_ = false;
};

}  // namespace sluice::samples
