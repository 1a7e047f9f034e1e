// unit/image_damage_test.cpp: damaged images become images or one line of complaint, never anything
// else.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <image_decoder.hpp>
#include <shrink_image.hpp>
#include <support/image_files.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace sluice::samples;
using namespace sluice::testing_support;
using Colours = JpegWish::Colours;

constexpr std::uint32_t kLongest = 24;

struct Sample {
  std::string name;
  std::string bytes;
};

std::vector<Sample> jpegs(std::mt19937_64& random) {
  const Image colour = made_photo({64, 48}, 3, random);
  const Image grey = made_photo({50, 33}, 1, random);
  const Image inks = made_photo({40, 40}, 4, random);
  const std::string exif = exif_segment(6);
  return {
      {"baseline", made_jpeg(colour, {.quality = 80, .subsampling = 2, .app1 = exif})},
      {"restarts", made_jpeg(colour, {.quality = 80, .restart_rows = 1})},
      {"progressive",
       made_jpeg(colour, {.quality = 80, .subsampling = 2, .progressive = true, .app1 = exif})},
      {"arithmetic", made_jpeg(colour, {.quality = 80, .arithmetic = true})},
      {"arithmetic, progressive",
       made_jpeg(colour, {.quality = 80, .progressive = true, .arithmetic = true})},
      {"grey", made_jpeg(grey, {.quality = 80})},
      {"CMYK", made_jpeg(inks, {.quality = 80, .colours = Colours::cmyk})},
      {"YCCK", made_jpeg(inks, {.quality = 80, .colours = Colours::ycck, .progressive = true})}};
}

std::vector<Sample> pngs(std::mt19937_64& random) {
  const Image colour = made_photo({40, 30}, 3, random);
  PngWish palette{.size = {40, 30}, .bit_depth = 8, .colour_type = 3, .palette_alpha = {1, 2, 3}};
  for (int i = 0; i < 3 * 256; ++i) palette.palette.push_back(static_cast<std::uint8_t>(random()));
  const Image deep = made_noise({80, 10}, 1, random);
  return {{"colour", made_png({.size = colour.size, .exif = tiff_block(6, true)}, colour.pixels)},
          {"interlaced", made_png(made_photo({40, 30}, 4, random), true)},
          {"grey", made_png(made_photo({40, 30}, 1, random))},
          {"palette", made_png(palette, made_photo({40, 30}, 1, random).pixels)},
          {"16 bits",
           made_png({.size = {10, 10}, .bit_depth = 16, .colour_type = 6, .interlaced = true},
                    deep.pixels)}};
}

std::vector<Sample> all_samples(std::mt19937_64& random) {
  std::vector<Sample> samples = jpegs(random);
  for (Sample& sample : pngs(random)) samples.push_back(std::move(sample));
  for (const std::string& path : installed_photos()) samples.push_back({path, content_of(path)});
  return samples;
}

// True when it became an image. In memory of exactly that size, so that a sanitizer sees what is
// read behind.
bool becomes_image(const std::string& bytes) {
  const std::vector<char> exact(bytes.begin(), bytes.end());
  try {
    const Image image = shrink_image({exact.data(), exact.size()}, kLongest);
    const bool is_right =
        image.size.width >= 1 && image.size.height >= 1 && image.size.width <= kLongest &&
        image.size.height <= kLongest &&
        image.pixels.size() == std::size_t{image.size.width} * image.size.height * image.channels;
    if (!is_right) FAIL("an image of a wrong shape");
    return true;
  } catch (const BadImage& error) {
    const std::string words = error.what();
    if (words.empty() || words.find('\n') != std::string::npos) FAIL("no line: " << words);
    return false;
  }
}

void change(std::string& bytes, const std::vector<Sample>& samples, std::mt19937_64& random) {
  const auto place = [&] { return random() % bytes.size(); };
  switch (random() % 7) {
    case 0:
      bytes[place()] = static_cast<char>(bytes[place()] ^ 1 << random() % 8);
      break;
    case 1:
      bytes[place()] = static_cast<char>(random());
      break;
    case 2:
      bytes[place()] = random() % 2 == 0 ? '\xFF' : '\0';
      break;
    case 3:
      bytes.resize(1 + place());
      break;
    case 4:
      bytes.erase(place(), 1 + random() % 40);
      break;
    case 5: {  // a piece of itself, once more
      const std::size_t from = place();
      bytes.insert(place(), bytes.substr(from, 1 + random() % 200));
      break;
    }
    default: {  // the head of one, the rest of another
      const std::string& other = samples[random() % samples.size()].bytes;
      bytes = bytes.substr(0, place()) + other.substr(random() % other.size());
      break;
    }
  }
  if (bytes.empty()) bytes = "x";
}

}  // namespace

TEST_CASE("damage: a JPEG or PNG that is cut short at any length is no image",
          "[thumbnails][damage]") {
  auto random = random_engine();
  std::vector<Sample> samples = jpegs(random);
  for (Sample& sample : pngs(random)) samples.push_back(std::move(sample));
  for (const Sample& sample : samples) {
    CAPTURE(sample.name);
    REQUIRE(becomes_image(sample.bytes));
    std::size_t images = 0;
    const std::size_t step = kUnderSanitizer ? 7 : 1;
    for (std::size_t size = 0; size < sample.bytes.size(); size += step) {
      images += becomes_image(sample.bytes.substr(0, size)) ? 1 : 0;
    }
    CHECK(images == 0);
  }
}

TEST_CASE("damage: every bit that flips in the first bytes ends in an image or a complaint",
          "[thumbnails][damage]") {
  auto random = random_engine();
  std::vector<Sample> samples = jpegs(random);
  for (Sample& sample : pngs(random)) samples.push_back(std::move(sample));
  std::size_t refused = 0;
  for (const Sample& sample : samples) {
    const std::size_t size = std::min<std::size_t>(sample.bytes.size(), scaled(700));
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      std::string bytes = sample.bytes;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
      refused += becomes_image(bytes) ? 0 : 1;
    }
  }
  CHECK(refused > 1000);
}

TEST_CASE("damage: changes at random, spliced files and made-up dimensions end the same way",
          "[thumbnails][damage]") {
  auto random = random_engine();
  const std::vector<Sample> samples = all_samples(random);
  std::size_t images = 0;
  std::size_t refused = 0;
  const int rounds = scaled(12'000);
  for (int round = 0; round < rounds; ++round) {
    std::string bytes = samples[random() % samples.size()].bytes;
    for (std::size_t changes = 1 + random() % 4; changes > 0; --changes) {
      change(bytes, samples, random);
    }
    ++(becomes_image(bytes) ? images : refused);
  }
  INFO(images << " images, " << refused << " refused");
  CHECK(images > 0);
  CHECK(refused > images);
}

TEST_CASE("damage: dimensions that are not the image's own end the same way",
          "[thumbnails][damage]") {
  auto random = random_engine();
  const std::vector<Sample> of_jpeg = jpegs(random);
  const std::vector<Sample> of_png = pngs(random);
  const std::vector<std::uint16_t> sides{1, 2, 7, 8, 9, 63, 64, 65, 255, 256, 1000, 4000};
  std::size_t refused = 0;
  for (int round = 0; round < scaled(1000); ++round) {
    const std::uint16_t width = sides[random() % sides.size()];
    const std::uint16_t height = sides[random() % sides.size()];
    refused +=
        becomes_image(with_jpeg_dimensions(of_jpeg[random() % of_jpeg.size()].bytes, width, height))
            ? 0
            : 1;
    refused +=
        becomes_image(with_png_dimensions(of_png[random() % of_png.size()].bytes, width, height))
            ? 0
            : 1;
  }
  CHECK(refused > 0);
}

TEST_CASE("damage: gigantic dimensions are refused by themselves", "[thumbnails][damage]") {
  auto random = random_engine();
  for (const Sample& sample : jpegs(random)) {
    CHECK_FALSE(becomes_image(with_jpeg_dimensions(sample.bytes, 65'500, 65'500)));
  }
  for (const Sample& sample : pngs(random)) {
    CHECK_FALSE(becomes_image(with_png_dimensions(sample.bytes, 65'500, 65'500)));
    CHECK_FALSE(becomes_image(with_png_dimensions(sample.bytes, 0x7FFF'FFFF, 0x7FFF'FFFF)));
  }
}

TEST_CASE("damage: photographs of many cameras are images or named as damaged",
          "[thumbnails][damage]") {
  const std::vector<std::string> photos = installed_photos();
  if (photos.empty()) {
    WARN("skipped: golang-github-rwcarlsen-goexif-dev is not installed");
    SUCCEED("nothing to look at");
    return;
  }
  std::size_t images = 0;
  for (const std::string& path : photos) images += becomes_image(content_of(path)) ? 1 : 0;
  CHECK(images >= 10);  // most of them are nothing but their EXIF block
  CHECK(images < photos.size());
}

TEST_CASE("damage: what is neither JPEG nor PNG is told by its first bytes",
          "[thumbnails][damage]") {
  using namespace std::string_view_literals;
  CHECK(kind_of("\xFF\xD8\xFF\xE0"sv) == ImageKind::jpeg);
  CHECK(kind_of("\xFF\xD8\xFF"sv) == ImageKind::jpeg);
  CHECK(kind_of("\xFF\xD8"sv) == ImageKind::none);
  CHECK(kind_of("\x89PNG\r\n\x1A\n"sv) == ImageKind::png);
  CHECK(kind_of("\x89PNG\r\n\x1A"sv) == ImageKind::none);
  for (const auto bytes : {""sv, "GIF89a"sv, "BM"sv, "RIFF....WEBP"sv, "\0\0\0\0"sv}) {
    CHECK(kind_of(bytes) == ImageKind::none);
    CHECK_THROWS_WITH(shrink_image(bytes, 1), "neither JPEG nor PNG, by its first bytes");
  }
}
