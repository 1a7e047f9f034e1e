// pipelines/image.hpp: pixels in memory, and what is no image.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace sluice::samples {

struct Dimensions {
  std::uint32_t width = 0;
  std::uint32_t height = 0;

  friend bool operator==(const Dimensions&, const Dimensions&) = default;
};

/// Rows from top to bottom without gaps, 8 bits a channel. Portable: it may go to another process.
struct Image {
  Dimensions size{};
  std::uint32_t channels =
      0;  ///< 1 grey, 3 red green blue, 4 the same and alpha, not premultiplied
  std::vector<std::uint8_t> pixels{};

  friend bool operator==(const Image&, const Image&) = default;
};

/// Bytes that can't be made an image of: damaged, cut short, of a kind that is not supported, or
/// too large. The text is one line and does not know where the bytes came from.
class BadImage : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sluice::samples
