// pipelines/image_decoder.cpp
// SPDX-License-Identifier: MIT
#include <image_decoder.hpp>

#include <jpeg_codec.hpp>
#include <png_codec.hpp>

#include <fmt/format.h>

namespace sluice::samples {

ImageKind kind_of(std::string_view bytes) noexcept {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xFF\xD8\xFF"sv)) return ImageKind::jpeg;
  if (bytes.starts_with("\x89PNG\r\n\x1A\n"sv)) return ImageKind::png;
  return ImageKind::none;
}

void check_dimensions(std::uint64_t width, std::uint64_t height) {
  if (width == 0 || height == 0) {
    throw BadImage(fmt::format("{} x {} pixels: it is empty", width, height));
  }
  if (width > kMostSide || height > kMostSide) {
    throw BadImage(fmt::format("{} x {} pixels: a side has more than {}, the most that is decoded",
                               width, height, kMostSide));
  }
  if (width * height > kMostPixels) {
    throw BadImage(fmt::format("{} x {} pixels: more than {} megapixels, the most that is decoded",
                               width, height, kMostPixels / 1'000'000));
  }
}

void check_decode_bytes(std::uint64_t bytes) {
  if (bytes <= kMostDecodeBytes) return;
  throw BadImage(fmt::format("decoding it takes {} MiB at once, more than the {} that it may",
                             bytes >> 20, kMostDecodeBytes >> 20));
}

std::unique_ptr<ImageDecoder> open_image(std::string_view bytes) {
  switch (kind_of(bytes)) {
    case ImageKind::jpeg:
      return open_jpeg(bytes);
    case ImageKind::png:
      return open_png(bytes);
    case ImageKind::none:
      break;
  }
  throw BadImage("neither JPEG nor PNG, by its first bytes");
}

}  // namespace sluice::samples
