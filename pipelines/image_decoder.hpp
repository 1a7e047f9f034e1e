// pipelines/image_decoder.hpp: an image as it comes out of its file, row by row; the limits of what
// is decoded.
//
// (1) What a file says of itself is compared with the limits before memory is taken for it.
// (2) A damaged file is no image: decoders complain at the first sign of it, also where they could
//     go on, so an image that comes out is whole. What libraries only note (odd profiles, bytes
//     between segments) is not damage.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <image.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace sluice::samples {

inline constexpr std::uint32_t kMostSide = 65'535;
inline constexpr std::uint64_t kMostPixels = 100'000'000;
/// What a decoder may need at once for an image that can't be decoded row by row (interlaced,
/// progressive).
inline constexpr std::uint64_t kMostDecodeBytes = std::uint64_t{512} << 20;
/// Of a file.
inline constexpr std::uint64_t kMostFileBytes = std::uint64_t{256} << 20;

enum class ImageKind : unsigned char { none, jpeg, png };

/// By the first bytes of a file; kKindBytes are enough.
inline constexpr std::size_t kKindBytes = 8;
[[nodiscard]] ImageKind kind_of(std::string_view bytes) noexcept;

/// Throws  BadImage for an image that is too large to be decoded.
void check_dimensions(std::uint64_t width, std::uint64_t height);
/// Throws  BadImage for more than kMostDecodeBytes.
void check_decode_bytes(std::uint64_t bytes);

/// Reads one image: look at dimensions(), perhaps scale(), then read rows() rows, then finish().
///
/// Throws   BadImage from every function that is not noexcept; then it is of no more use.
/// Threads  one at a time.
class ImageDecoder {
 public:
  ImageDecoder() = default;
  ImageDecoder(const ImageDecoder&) = delete;
  ImageDecoder& operator=(const ImageDecoder&) = delete;
  virtual ~ImageDecoder() = default;

  /// Of what read_row() will give.
  [[nodiscard]] virtual Dimensions dimensions() const noexcept = 0;
  /// 1, 3 or 4, as in Image.
  [[nodiscard]] virtual std::uint32_t channels() const noexcept = 0;
  /// Makes dimensions() smaller where that saves work, but not smaller than `least` on either side.
  /// Before the first row only.
  virtual void scale(Dimensions least) = 0;
  /// Writes dimensions().width * channels() bytes.
  virtual void read_row(std::uint8_t* to) = 0;
  /// Reads to the end of the file: what follows the pixels counts, too.
  virtual void finish() = 0;
  /// As EXIF numbers it, 1 to 8; known after finish().
  [[nodiscard]] virtual unsigned orientation() const noexcept = 0;
};

/// The bytes must live as long as the decoder.
/// Throws  BadImage: neither JPEG nor PNG, damaged, too large.
[[nodiscard]] std::unique_ptr<ImageDecoder> open_image(std::string_view bytes);

}  // namespace sluice::samples
