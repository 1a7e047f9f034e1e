// unit/exif_orientation_test.cpp: what a camera says about how it was held, and images turned
// upright.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <exif_orientation.hpp>
#include <shrink_image.hpp>
#include <support/image_files.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace sluice::samples;
using namespace sluice::testing_support;

// In a block of exactly that size, so that a sanitizer sees what is read behind it.
unsigned of_app1(const std::string& bytes) {
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  return orientation_of_app1(exact);
}
unsigned of_tiff(const std::string& bytes) {
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  return orientation_of_tiff(exact);
}

const std::uint8_t* pixel(const Image& image, std::size_t x, std::size_t y) {
  return image.pixels.data() + (y * image.size.width + x) * image.channels;
}

// Clockwise by a quarter, and mirrored left to right: the rest is made of these two.
Image quarter(const Image& from) {
  Image to{.size = {from.size.height, from.size.width}, .channels = from.channels, .pixels = {}};
  for (std::size_t y = 0; y < to.size.height; ++y) {
    for (std::size_t x = 0; x < to.size.width; ++x) {
      const std::uint8_t* source = pixel(from, y, from.size.height - 1 - x);
      to.pixels.insert(to.pixels.end(), source, source + from.channels);
    }
  }
  return to;
}
Image mirrored(const Image& from) {
  Image to{.size = from.size, .channels = from.channels, .pixels = {}};
  for (std::size_t y = 0; y < to.size.height; ++y) {
    for (std::size_t x = 0; x < to.size.width; ++x) {
      const std::uint8_t* source = pixel(from, from.size.width - 1 - x, y);
      to.pixels.insert(to.pixels.end(), source, source + from.channels);
    }
  }
  return to;
}

// By the standard's words: where the stored image's row 0 and column 0 are to be seen.
Image reference(const Image& stored, unsigned orientation) {
  switch (orientation) {
    case 2:  // row 0 top, column 0 right
      return mirrored(stored);
    case 3:  // bottom, right
      return quarter(quarter(stored));
    case 4:  // bottom, left
      return mirrored(quarter(quarter(stored)));
    case 5:  // left, top
      return mirrored(quarter(stored));
    case 6:  // right, top
      return quarter(stored);
    case 7:  // right, bottom
      return mirrored(quarter(quarter(quarter(stored))));
    case 8:  // left, bottom
      return quarter(quarter(quarter(stored)));
    default:
      return stored;
  }
}

}  // namespace

TEST_CASE("exif: all eight orientations are read in both byte orders", "[thumbnails][exif]") {
  for (const bool big_endian : {false, true}) {
    for (unsigned orientation = 1; orientation <= 8; ++orientation) {
      CHECK(of_app1(exif_segment(orientation, big_endian)) == orientation);
      CHECK(of_tiff(tiff_block(orientation, big_endian)) == orientation);
    }
    for (const unsigned wrong : {0U, 9U, 256U, 65535U}) {
      CHECK(of_app1(exif_segment(wrong, big_endian)) == 1);
    }
  }
  CHECK(of_app1("http://ns.adobe.com/xap/1.0/") == 1);
  CHECK(of_app1(tiff_block(6, true)) == 1);
}

TEST_CASE("exif: an orientation of another type or count is none", "[thumbnails][exif]") {
  std::string wrong_type = tiff_block(6, true);
  wrong_type[10 + 12 + 3] = 4;  // the second entry
  CHECK(of_tiff(wrong_type) == 1);
  std::string wrong_count = tiff_block(6, true);
  wrong_count[10 + 12 + 7] = 2;
  CHECK(of_tiff(wrong_count) == 1);
}

TEST_CASE("exif: a block cut at any length is read as far as it goes", "[thumbnails][exif]") {
  for (const bool big_endian : {false, true}) {
    const std::string whole = exif_segment(6, big_endian);
    const std::size_t needed = 6 + 8 + 2 + 2 * 12;  // up to the second entry's end
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      CAPTURE(size);
      CHECK(of_app1(whole.substr(0, size)) == (size >= needed ? 6 : 1));
    }
  }
}

TEST_CASE("exif: directories that lie anywhere, and counts of anything, lead nowhere",
          "[thumbnails][exif]") {
  const std::string whole = tiff_block(6, true);
  for (const std::uint64_t place :
       {std::uint64_t{0}, std::uint64_t{7}, std::uint64_t{9}, std::uint64_t{whole.size() - 2},
        std::uint64_t{whole.size() - 1}, std::uint64_t{whole.size()},
        std::uint64_t{whole.size() + 1}, std::uint64_t{0x7FFF'FFFF}, std::uint64_t{0xFFFF'FFF0},
        std::uint64_t{0xFFFF'FFFF}}) {
    std::string moved = whole;
    for (std::size_t i = 0; i < 4; ++i) moved[4 + i] = static_cast<char>(place >> (24 - 8 * i));
    CAPTURE(place);
    CHECK(of_tiff(moved) == 1);
  }
  std::string many = whole;
  many[8] = many[9] = '\xFF';
  CHECK(of_tiff(many) == 6);
  std::string none = whole;
  none[9] = 0;
  CHECK(of_tiff(none) == 1);
}

TEST_CASE("exif: any damage gives an orientation from 1 to 8", "[thumbnails][exif]") {
  auto random = random_engine();
  std::size_t kept = 0;
  const int rounds = scaled(200'000);
  for (int round = 0; round < rounds; ++round) {
    std::string bytes = exif_segment(6, round % 2 == 0);
    for (std::size_t flips = 1 + random() % 6; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const unsigned orientation = of_app1(bytes);
    if (orientation < 1 || orientation > 8) FAIL("orientation " << orientation);
    if (orientation == 6) ++kept;
  }
  CHECK(kept > 0);
  CHECK(kept < static_cast<std::size_t>(rounds));
}

TEST_CASE("upright: all eight orientations are those of a reference", "[thumbnails][exif]") {
  auto random = random_engine();
  for (const std::uint32_t channels : {1U, 3U, 4U}) {
    for (const Dimensions size : {Dimensions{5, 3}, Dimensions{1, 7}, Dimensions{4, 4}}) {
      const Image stored = made_noise(size, channels, random);
      for (unsigned orientation = 1; orientation <= 8; ++orientation) {
        CAPTURE(channels, size.width, size.height, orientation);
        CHECK((upright(stored, orientation) == reference(stored, orientation)));
      }
      CHECK((upright(stored, 0) == stored));
      CHECK((upright(stored, 9) == stored));
    }
  }
}

TEST_CASE("upright: files of all eight orientations give one thumbnail", "[thumbnails][exif]") {
  auto random = random_engine();
  const Image seen = made_photo({96, 64}, 3, random);
  const Image expected = shrink_image(made_png(seen), 48);
  constexpr unsigned kBack[] = {1, 2, 3, 4, 5, 8, 7, 6};  // what undoes it
  for (unsigned orientation = 1; orientation <= 8; ++orientation) {
    const Image stored = upright(seen, kBack[orientation - 1]);
    CAPTURE(orientation);
    const Image of_jpeg = shrink_image(made_jpeg(stored, {.app1 = exif_segment(orientation)}), 48);
    CHECK(mean_difference(of_jpeg, expected) < 1.5);
    const std::string png =
        made_png({.size = stored.size, .exif = tiff_block(orientation, true)}, stored.pixels);
    CHECK(mean_difference(shrink_image(png, 48), expected) < 0.05);
  }
}

TEST_CASE("upright: a camera maker's eight files show the same", "[thumbnails][exif]") {
  std::vector<Image> shown;
  for (const std::string& path : installed_photos()) {
    const std::size_t name = path.rfind('/') + 1;
    if (path.size() - name != 11 || path[name] != 'f' || !path.ends_with("-exif.jpg")) continue;
    shown.push_back(shrink_image(content_of(path), 256));
  }
  if (shown.empty()) {
    WARN("skipped: golang-github-rwcarlsen-goexif-dev is not installed");
    SUCCEED("nothing to look at");
    return;
  }
  REQUIRE(shown.size() == 8);
  for (const Image& image : shown) CHECK(mean_difference(image, shown.front()) < 8);
}
