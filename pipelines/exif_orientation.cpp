// pipelines/exif_orientation.cpp
// SPDX-License-Identifier: MIT
#include <exif_orientation.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

namespace sluice::samples {
namespace {

constexpr unsigned kUpright = 1;
constexpr std::uint16_t kOrientationTag = 0x0112;
constexpr std::uint16_t kShort = 3;
constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kEntryBytes = 12;
constexpr std::array<std::uint8_t, 6> kPrefix{'E', 'x', 'i', 'f', 0, 0};

// Numbers of a TIFF block, in its byte order. Who calls has compared the place with the size.
struct Numbers {
  std::span<const std::uint8_t> bytes;
  bool big_endian;

  [[nodiscard]] std::uint16_t two(std::size_t at) const noexcept {
    const unsigned first = bytes[at];
    const unsigned second = bytes[at + 1];
    return static_cast<std::uint16_t>(big_endian ? first << 8 | second : second << 8 | first);
  }
  [[nodiscard]] std::uint32_t four(std::size_t at) const noexcept {
    const std::uint32_t first = two(at);
    const std::uint32_t second = two(at + 2);
    return big_endian ? first << 16 | second : second << 16 | first;
  }
};

// Where a pixel comes from: the output's x and y, perhaps exchanged, perhaps counted from the other
// end.
struct Turn {
  bool exchanged;
  bool from_right;
  bool from_bottom;
};
constexpr std::array<Turn, 8> kTurns{{{false, false, false},
                                      {false, true, false},
                                      {false, true, true},
                                      {false, false, true},
                                      {true, false, false},
                                      {true, false, true},
                                      {true, true, true},
                                      {true, true, false}}};

template <std::size_t Channels>
void turn(const Image& from, Image& to, Turn turn) {
  const std::size_t width = from.size.width;
  const std::size_t height = from.size.height;
  std::uint8_t* out = to.pixels.data();
  for (std::size_t y = 0; y < to.size.height; ++y) {
    for (std::size_t x = 0; x < to.size.width; ++x, out += Channels) {
      std::size_t column = turn.exchanged ? y : x;
      std::size_t row = turn.exchanged ? x : y;
      if (turn.from_right) column = width - 1 - column;
      if (turn.from_bottom) row = height - 1 - row;
      std::memcpy(out, from.pixels.data() + (row * width + column) * Channels, Channels);
    }
  }
}

}  // namespace

unsigned orientation_of_tiff(std::span<const std::uint8_t> tiff) noexcept {
  if (tiff.size() < kHeaderBytes) return kUpright;
  const bool big_endian = tiff[0] == 'M' && tiff[1] == 'M';
  if (!big_endian && !(tiff[0] == 'I' && tiff[1] == 'I')) return kUpright;
  const Numbers numbers{tiff, big_endian};
  if (numbers.two(2) != 42) return kUpright;
  const std::size_t directory = numbers.four(4);
  if (directory < kHeaderBytes || directory > tiff.size() - 2) return kUpright;
  const std::size_t room = (tiff.size() - directory - 2) / kEntryBytes;
  const std::size_t entries = std::min<std::size_t>(numbers.two(directory), room);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * kEntryBytes;
    if (numbers.two(entry) != kOrientationTag) continue;
    if (numbers.two(entry + 2) != kShort || numbers.four(entry + 4) != 1) return kUpright;
    const unsigned value = numbers.two(entry + 8);
    return value >= 1 && value <= kTurns.size() ? value : kUpright;
  }
  return kUpright;
}

bool is_exif(std::span<const std::uint8_t> segment) noexcept {
  return segment.size() >= kPrefix.size() &&
         std::equal(kPrefix.begin(), kPrefix.end(), segment.begin());
}

unsigned orientation_of_app1(std::span<const std::uint8_t> segment) noexcept {
  if (!is_exif(segment)) return kUpright;
  return orientation_of_tiff(segment.subspan(kPrefix.size()));
}

Image upright(Image image, unsigned orientation) {
  if (orientation <= kUpright || orientation > kTurns.size()) return image;
  const Turn how = kTurns[orientation - 1];
  Image turned{.size = image.size, .channels = image.channels, .pixels = {}};
  if (how.exchanged) std::swap(turned.size.width, turned.size.height);
  turned.pixels.resize(image.pixels.size());
  switch (image.channels) {
    case 1:
      turn<1>(image, turned, how);
      break;
    case 3:
      turn<3>(image, turned, how);
      break;
    default:
      turn<4>(image, turned, how);
      break;
  }
  return turned;
}

}  // namespace sluice::samples
