// pipelines/thumbnail_writer.hpp: the sink of `thumbnails`: files below one directory.
//
// (1) A file has its name when it is whole: it is written beside it, then renamed. What had the name is replaced.
// (2) Every directory on the way is opened relative to the one before and without following links, so nothing is
//     made outside, whatever lies in the output directory.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <thumbnail_items.hpp>

#include <sluice/context.hpp>
#include <sluice/os/descriptor.hpp>

#include <cstdint>
#include <string>

namespace sluice::samples {

/// Blocks  while the file system writes. Throws  std::system_error that names the file: the run fails.
/// Threads one each; several may write into one directory.
class ThumbnailWriter {
 public:
  explicit ThumbnailWriter(std::string output) : output_(std::move(output)) {}

  /// Makes the directory where it is missing.
  void start(Context& context);
  void process(const ThumbnailFile& file);

 private:
  void enter(const std::string& directory);
  void write(const std::string& name, const ThumbnailFile& file);
  [[nodiscard]] sluice::detail::Descriptor make_temporary(const std::string& path);

  std::string output_;
  Context* context_ = nullptr;
  sluice::detail::Descriptor root_{};
  sluice::detail::Descriptor here_{};  // where the last file went
  std::string here_name_{};            // below the output directory; ends in a slash, or is empty
  std::string temporary_{};
  std::uint64_t next_number_ = 0;
};

}  // namespace sluice::samples
