// pipelines/png_codec.hpp: PNG files, by libpng.
//
// All kinds: 1 to 16 bits, grey, colour, palette, transparency, interlaced. 16 bits are rounded to
// 8. Gamma and colour profiles are left out; an eXIf chunk gives the orientation.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <image.hpp>
#include <image_decoder.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace sluice::samples {

/// scale() does nothing. An interlaced image is held whole. Throws  BadImage.
[[nodiscard]] std::unique_ptr<ImageDecoder> open_png(std::string_view bytes);

/// Keeps alpha; equal images make equal bytes, for one version of zlib.
/// Throws  BadImage for an image that no PNG can hold, std::bad_alloc.
[[nodiscard]] std::string encode_png(const Image& image);

}  // namespace sluice::samples
