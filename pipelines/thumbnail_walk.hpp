// pipelines/thumbnail_walk.hpp: the source of `thumbnails`: files below some paths, and the names
// of what is made of them.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <thumbnail_items.hpp>
#include <thumbnail_names.hpp>

#include <sluice/emitter.hpp>
#include <sluice/os/inode.hpp>
#include <sluice/stages/file_walk.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sluice::samples {

/// Emits files in the order of stages::walk. Makes the output directory, and leaves it out where it
/// is found: with what ThumbnailWriter refuses, nothing is read that was written.
///
/// Blocks   while the file system reads.
/// Failure  what can't be opened or listed, is no file or directory, or is the output directory:
///          dead letter.
/// Throws   std::system_error when the output directory can't be made or opened.
class ThumbnailWalk {
 public:
  using Out = FoundImage;

  ThumbnailWalk(std::vector<std::string> paths, std::string output, const std::string& suffix);

  void start(Context& context);
  bool next(Emitter<FoundImage>& out);

 private:
  [[nodiscard]] bool begin_path(Context& context);
  void visit(stages::FileWalk::Found found, Emitter<FoundImage>& out) const;

  std::vector<std::string> paths_;
  std::string output_;
  ThumbnailNames names_;
  sluice::detail::FileIdentity output_identity_{};
  std::size_t at_ = 0;
  std::optional<stages::FileWalk> walk_{};  // of paths_[at_]
};

}  // namespace sluice::samples
