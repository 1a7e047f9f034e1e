// pipelines/shrink_image.cpp
// SPDX-License-Identifier: MIT
#include <shrink_image.hpp>

#include <exif_orientation.hpp>
#include <image_decoder.hpp>
#include <resize.hpp>

#include <memory>

namespace sluice::samples {

Image shrink_image(std::string_view bytes, std::uint32_t longest) {
  const std::unique_ptr<ImageDecoder> decoder = open_image(bytes);
  const Dimensions small = fitted(decoder->dimensions(), longest);
  decoder->scale(small);
  const Dimensions from = decoder->dimensions();
  RowResizer resizer(from, small, decoder->channels());
  for (std::uint32_t y = 0; y < from.height; ++y) {
    decoder->read_row(resizer.row());
    resizer.add_row();
  }
  decoder->finish();
  return upright(resizer.take(), decoder->orientation());
}

}  // namespace sluice::samples
