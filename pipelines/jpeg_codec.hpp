// pipelines/jpeg_codec.hpp: JPEG files, by libjpeg-turbo.
//
// Baseline and progressive, Huffman and arithmetic coding, grey, YCbCr, RGB, CMYK and YCCK (also
// inverted, as Adobe's programs write them). 8 bits a channel; others are refused. Colour profiles
// are left out.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <image.hpp>
#include <image_decoder.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace sluice::samples {

/// Scans of a progressive file; more are an attempt to keep decoders busy.
inline constexpr int kMostScans = 100;

/// scale() divides by 2, 4 or 8 in the decoder. Throws  BadImage.
[[nodiscard]] std::unique_ptr<ImageDecoder> open_jpeg(std::string_view bytes);

/// At a quality of 85, baseline; equal images make equal bytes. What is transparent becomes white.
/// Throws  BadImage for an image that no JPEG can hold, std::bad_alloc.
[[nodiscard]] std::string encode_jpeg(const Image& image);

}  // namespace sluice::samples
