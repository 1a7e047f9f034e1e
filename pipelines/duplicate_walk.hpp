// pipelines/duplicate_walk.hpp: the stage of find_duplicates that lists directories, on all cores.
//
// One item is one directory: its subdirectories come out as items to be put back, its files in batches.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <found_files.hpp>

#include <sluice/emitter.hpp>
#include <sluice/os/directory.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::samples {

/// A path that was given, a directory to be listed, or files that were found.
struct WalkItem {
  std::string path{};
  bool given = false;
  FileBatch found{};

  [[nodiscard]] bool is_directory() const noexcept { return found.files.empty(); }
};

/// Links that are found are not followed; a directory that is given through one is listed. Sockets, devices
/// and the like are passed over where they are found.
///
/// Blocks   while the file system reads.
/// Failure  what can't be opened or listed: dead letter, the rest goes on.
class ListDirectories {
 public:
  using Out = WalkItem;

  explicit ListDirectories(std::uint64_t min_bytes) : min_bytes_(min_bytes) {}

  void start(Context& context) { context_ = &context; }
  void process(WalkItem item, Emitter<WalkItem>& out);

 private:
  static constexpr std::size_t kBatch = 512;  // files of an item, at most

  void visit_given(const std::string& path, Emitter<WalkItem>& out);
  void list(const std::string& path, sluice::detail::Links links, Emitter<WalkItem>& out);
  void visit(const sluice::detail::Directory& directory,
             const sluice::detail::Directory::Entry& entry, Emitter<WalkItem>& out);
  void keep(std::string_view name, const sluice::detail::Inode& inode, Emitter<WalkItem>& out);
  void emit_batch(Emitter<WalkItem>& out);

  std::uint64_t min_bytes_;
  Context* context_ = nullptr;
  FileBatch batch_{};  // its memory is used again; what is emitted has no room to spare
};

}  // namespace sluice::samples
