// pipelines/exif_orientation.hpp: how a camera was held, and images turned upright.
//
// The bytes are hostile: every offset and count is compared with what is there before it is
// followed, only the first directory is read, and nothing in it leads anywhere else. Whatever is
// wrong, the image stays as it is.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <image.hpp>

#include <cstdint>
#include <span>

namespace sluice::samples {

/// Whether an APP1 segment is one of EXIF; others hold other things (XMP).
[[nodiscard]] bool is_exif(std::span<const std::uint8_t> segment) noexcept;
/// Of the contents of a JPEG file's APP1 segment. Returns  1 to 8; 1 (upright) where nothing valid
/// is said.
[[nodiscard]] unsigned orientation_of_app1(std::span<const std::uint8_t> segment) noexcept;
/// The same without the prefix "Exif", as a PNG file's eXIf chunk has it.
[[nodiscard]] unsigned orientation_of_tiff(std::span<const std::uint8_t> tiff) noexcept;

/// The image as it was seen by who held the camera; 2, 4, 5 and 7 are mirrored, 5 to 8 exchange the
/// sides.
/// Throws  std::bad_alloc.
[[nodiscard]] Image upright(Image image, unsigned orientation);

}  // namespace sluice::samples
