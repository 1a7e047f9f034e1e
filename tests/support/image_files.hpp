// support/image_files.hpp: images of every kind, made for tests by libjpeg and libpng themselves.
// SPDX-License-Identifier: MIT
#pragma once

#include <image.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::testing_support {

/// Soft shapes with a little noise: what a camera sees. Alpha, where there is one, is anything.
[[nodiscard]] samples::Image made_photo(samples::Dimensions size, std::uint32_t channels,
                                        std::mt19937_64& random);
/// Every byte at random.
[[nodiscard]] samples::Image made_noise(samples::Dimensions size, std::uint32_t channels,
                                        std::mt19937_64& random);

/// What a JPEG file is to be like.
struct JpegWish {
  enum class Colours : unsigned char { plain, rgb, cmyk, cmyk_without_marker, ycck };

  int quality = 100;
  int subsampling = 1;  ///< chroma's: 1 or 2, both ways
  Colours colours = Colours::plain;
  bool progressive = false;
  bool arithmetic = false;
  int restart_rows = 0;
  bool scan_per_coefficient = false;  ///< 127 scans; of a grey image
  std::string app1{};                 ///< an APP1 segment's contents
};
/// `image` has 1 or 3 channels, or 4 inks (as they are to lie in the file) for CMYK and YCCK.
[[nodiscard]] std::string made_jpeg(const samples::Image& image, const JpegWish& wish = {});

/// What a PNG file is to be like. `raw` holds rows as PNG has them: big-endian, packed, each on
/// whole bytes.
struct PngWish {
  samples::Dimensions size{};
  int bit_depth = 8;
  int colour_type = 2;  ///< 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
  bool interlaced = false;
  std::vector<std::uint8_t> palette{};        ///< RGB
  std::vector<std::uint8_t> palette_alpha{};  ///< of its first colours
  std::vector<std::uint16_t> transparent{};   ///< the colour that is transparent: grey or RGB
  std::string exif{};                         ///< of an eXIf chunk
};
[[nodiscard]] std::string made_png(const PngWish& wish, const std::vector<std::uint8_t>& raw);
/// 8 bits, of an image with 1, 3 or 4 channels.
[[nodiscard]] std::string made_png(const samples::Image& image, bool interlaced = false);

/// A PNG chunk with its length and checksum.
[[nodiscard]] std::string png_chunk(std::string_view type, std::string_view content);
/// The file with other dimensions in its header, checksum included.
[[nodiscard]] std::string with_png_dimensions(std::string png, std::uint32_t width,
                                              std::uint32_t height);
/// The same for a JPEG file's frame header. Throws  std::logic_error when there is none.
[[nodiscard]] std::string with_jpeg_dimensions(std::string jpeg, std::uint16_t width,
                                               std::uint16_t height);

/// A TIFF block with some entries, one of them the orientation.
[[nodiscard]] std::string tiff_block(unsigned orientation, bool big_endian);
/// The contents of an APP1 segment that holds it.
[[nodiscard]] std::string exif_segment(unsigned orientation, bool big_endian = false);

/// The mean difference of two images of one shape, 0 to 255; 1000 where they have another.
[[nodiscard]] double mean_difference(const samples::Image& a, const samples::Image& b);

/// Photographs with EXIF, and damaged ones, from a Debian package; empty where it is not installed.
[[nodiscard]] std::vector<std::string> installed_photos();

}  // namespace sluice::testing_support
