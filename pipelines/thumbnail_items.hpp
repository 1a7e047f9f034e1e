// pipelines/thumbnail_items.hpp: what travels through `thumbnails`.
//
// All of it is portable (<sluice/codec.hpp>), so every stage in the middle can run in worker
// processes.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <image.hpp>

#include <string>

namespace sluice::samples {

/// A file that may be an image.
struct FoundImage {
  std::string path{};
  std::string name{};  ///< of its thumbnail, below the output directory
  bool given = false;  ///< by the user, not found in a directory
};

/// An image as it lies on the disk.
struct ImageFile {
  std::string path{};
  std::string name{};
  std::string bytes{};
};

/// Pixels that are small and upright.
struct Thumbnail {
  std::string path{};
  std::string name{};
  Image image{};
};

/// A thumbnail as it will lie on the disk.
struct ThumbnailFile {
  std::string name{};
  std::string bytes{};
};

}  // namespace sluice::samples
