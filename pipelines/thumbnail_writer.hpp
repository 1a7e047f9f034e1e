// pipelines/thumbnail_writer.hpp: the sink of `thumbnails`: files below one directory.
//
// (1) A file has its name when it is whole; what had the name is replaced in one step. A kill leaves
//     nothing else, but for what os/new_entry_file.hpp says.
// (2) Every directory on the way is opened relative to the one before and without following links,
//     so nothing is made outside, whatever lies in the output directory.
// (3) Nothing is written into a directory that is read, nor over a file that is: where a given path
//     lies in the output directory, what would go there is a dead letter. (A directory that is read
//     and holds the output is read without it.)
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <thumbnail_items.hpp>

#include <sluice/context.hpp>
#include <sluice/os/descriptor.hpp>
#include <sluice/os/inode.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::samples {

/// Blocks  while the file system writes. Throws  std::system_error that names the file: the run
///         fails.
/// Threads one each; several may write into one directory.
class ThumbnailWriter {
 public:
  /// The file that it writes: where files can't be nameless, a death would leave it beside its name.
  static constexpr bool keeps_state = true;

  /// `paths` are those that are read.
  ThumbnailWriter(std::string output, std::vector<std::string> paths)
      : output_(std::move(output)), paths_(std::move(paths)) {}

  /// Makes the directory where it is missing.
  void start(Context& context);
  void process(const ThumbnailFile& file);

 private:
  void enter(const std::string& directory);
  [[nodiscard]] bool is_read(const sluice::detail::FileIdentity& identity) const;
  [[nodiscard]] bool is_read(const std::string& name, const std::string& path) const;
  void write(const std::string& name, std::string_view bytes, const std::string& path);

  std::string output_;
  std::vector<std::string> paths_;
  std::vector<sluice::detail::FileIdentity> read_{};  // what `paths_` were when the run began
  Context* context_ = nullptr;
  sluice::detail::Descriptor root_{};
  sluice::detail::Descriptor here_{};  // where the last file went
  std::string here_name_{};            // below the output directory; ends in a slash, or is empty
  bool here_is_read_ = false;          // it, or a directory on the way
};

}  // namespace sluice::samples
