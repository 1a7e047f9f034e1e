// pipelines/thumbnail_items.hpp: what travels through `thumbnails`.
//
// All of it is portable (<sluice/codec.hpp>), so every stage in the middle can run in worker
// processes. Files are large: their bytes go there by reference.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <image.hpp>

#include <sluice/shared_bytes.hpp>

#include <string>
#include <string_view>

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
  SharedBytes bytes{};
};
/// For the dead letter of one that has killed its process.
[[nodiscard]] inline std::string subject_of(const ImageFile& file) { return file.path; }

[[nodiscard]] inline std::string_view view_of(const SharedBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

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
