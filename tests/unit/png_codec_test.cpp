// unit/png_codec_test.cpp: PNG files of all kinds come out as the pixels that they stand for.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <png_codec.hpp>
#include <shrink_image.hpp>
#include <support/image_files.hpp>
#include <support/seeds.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice::samples;
using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using Samples = std::vector<std::uint16_t>;  // of pixels: 1 to 4 each

Image decoded(const std::string& bytes) {
  const std::unique_ptr<ImageDecoder> decoder = open_png(bytes);
  Image image{.size = decoder->dimensions(), .channels = decoder->channels(), .pixels = {}};
  const std::size_t row_bytes = std::size_t{image.size.width} * image.channels;
  image.pixels.resize(row_bytes * image.size.height);
  for (std::size_t y = 0; y < image.size.height; ++y) {
    decoder->read_row(image.pixels.data() + y * row_bytes);
  }
  decoder->finish();
  return image;
}

std::string refusal(const std::string& bytes) {
  try {
    static_cast<void>(shrink_image(bytes, 64));
  } catch (const BadImage& error) {
    return error.what();
  }
  return "decoded";
}

std::size_t samples_of(int colour_type) {
  switch (colour_type) {
    case 2:
      return 3;
    case 4:
      return 2;
    case 6:
      return 4;
    default:
      return 1;
  }
}

std::vector<std::uint8_t> packed(const Samples& samples, const PngWish& wish) {
  std::vector<std::uint8_t> raw;
  const std::size_t per_row = wish.size.width * samples_of(wish.colour_type);
  for (std::size_t row = 0; row < wish.size.height; ++row) {
    unsigned bits = 0;
    int held = 0;
    for (std::size_t i = 0; i < per_row; ++i) {
      const unsigned sample = samples[row * per_row + i];
      if (wish.bit_depth == 16) {
        raw.push_back(static_cast<std::uint8_t>(sample >> 8));
        raw.push_back(static_cast<std::uint8_t>(sample));
        continue;
      }
      bits = bits << wish.bit_depth | sample;
      held += wish.bit_depth;
      if (held < 8) continue;
      raw.push_back(static_cast<std::uint8_t>(bits));
      bits = 0;
      held = 0;
    }
    if (held > 0) raw.push_back(static_cast<std::uint8_t>(bits << (8 - held)));
  }
  return raw;
}

// What a pixel stands for, by the standard.
class Expected {
 public:
  explicit Expected(const PngWish& wish) : wish_(wish) {}

  [[nodiscard]] bool has_alpha() const {
    return wish_.colour_type >= 4 || !wish_.transparent.empty() || !wish_.palette_alpha.empty();
  }
  [[nodiscard]] std::uint32_t channels() const {
    if (has_alpha()) return 4;
    return wish_.colour_type == 0 ? 1 : 3;
  }
  void add(const std::uint16_t* pixel, std::vector<std::uint8_t>& to) const {
    if (wish_.colour_type == 3) return add_of_palette(pixel[0], to);
    const std::size_t samples = samples_of(wish_.colour_type);
    const bool is_grey = samples < 3;
    const std::size_t colours = is_grey ? 1 : 3;
    for (std::size_t i = 0; i < (has_alpha() ? 3 : colours); ++i) {
      to.push_back(eight_bits(pixel[is_grey ? 0 : i]));
    }
    if (!has_alpha()) return;
    if (wish_.transparent.empty()) return to.push_back(eight_bits(pixel[samples - 1]));
    const Samples colour(pixel, pixel + colours);
    to.push_back(colour == wish_.transparent ? 0 : 255);
  }

 private:
  [[nodiscard]] std::uint8_t eight_bits(unsigned sample) const {
    const unsigned most = (1U << wish_.bit_depth) - 1;
    return static_cast<std::uint8_t>((sample * 255U + most / 2) / most);
  }
  void add_of_palette(std::size_t index, std::vector<std::uint8_t>& to) const {
    for (std::size_t i = 0; i < 3; ++i) to.push_back(wish_.palette[3 * index + i]);
    if (!has_alpha()) return;
    to.push_back(index < wish_.palette_alpha.size() ? wish_.palette_alpha[index] : 255);
  }

  const PngWish& wish_;
};

void check_kind(PngWish wish, std::mt19937_64& random) {
  const unsigned most = (1U << wish.bit_depth) - 1;
  Samples samples(std::size_t{wish.size.width} * wish.size.height * samples_of(wish.colour_type));
  for (std::uint16_t& sample : samples) sample = static_cast<std::uint16_t>(random() % (most + 1));
  for (const bool interlaced : {false, true}) {
    wish.interlaced = interlaced;
    const Expected expected(wish);
    Image image{.size = wish.size, .channels = expected.channels(), .pixels = {}};
    for (std::size_t i = 0; i < samples.size(); i += samples_of(wish.colour_type)) {
      expected.add(samples.data() + i, image.pixels);
    }
    CAPTURE(wish.colour_type, wish.bit_depth, interlaced, expected.has_alpha());
    CHECK((decoded(made_png(wish, packed(samples, wish))) == image));
  }
}

}  // namespace

TEST_CASE("png: all colour types and depths, interlaced or not, stand for the pixels they should",
          "[thumbnails][png]") {
  auto random = random_engine();
  const std::vector<std::pair<int, std::vector<int>>> kinds{
      {0, {1, 2, 4, 8, 16}}, {2, {8, 16}}, {4, {8, 16}}, {6, {8, 16}}};
  for (const auto& [colour_type, depths] : kinds) {
    for (const int depth : depths) {
      for (const Dimensions size : {Dimensions{1, 1}, Dimensions{5, 3}, Dimensions{33, 21}}) {
        check_kind({.size = size, .bit_depth = depth, .colour_type = colour_type}, random);
      }
    }
  }
}

TEST_CASE("png: palettes, with and without alpha", "[thumbnails][png]") {
  auto random = random_engine();
  for (const int depth : {1, 2, 4, 8}) {
    PngWish wish{.size = {29, 13}, .bit_depth = depth, .colour_type = 3};
    for (int i = 0; i < 3 << depth; ++i) {
      wish.palette.push_back(static_cast<std::uint8_t>(random()));
    }
    check_kind(wish, random);
    for (int i = 0; i < 1 << (depth - 1); ++i) {
      wish.palette_alpha.push_back(static_cast<std::uint8_t>(random()));
    }
    check_kind(wish, random);
  }
}

TEST_CASE("png: one colour that is transparent", "[thumbnails][png]") {
  auto random = random_engine();
  for (const int depth : {1, 2, 4, 8}) {
    check_kind({.size = {40, 30}, .bit_depth = depth, .colour_type = 0, .transparent = {1}},
               random);
  }
  Image image = made_noise({8, 8}, 3, random);
  const PngWish wish{.size = image.size,
                     .transparent = {image.pixels[0], image.pixels[1], image.pixels[2]}};
  const Image seen = decoded(made_png(wish, image.pixels));
  CHECK(seen.channels == 4);
  CHECK(seen.pixels[3] == 0);
  CHECK(seen.pixels[7] == 255);
}

TEST_CASE("png: dimensions are judged before memory is taken", "[thumbnails][png]") {
  auto random = random_engine();
  for (const bool interlaced : {false, true}) {
    const std::string bytes = made_png(made_photo({16, 16}, 4, random), interlaced);
    CHECK_THAT(refusal(with_png_dimensions(bytes, 65'500, 65'500)),
               Contains("65500 x 65500 pixels: more than 100 megapixels"));
    CHECK_THAT(refusal(with_png_dimensions(bytes, 0x7FFF'FFFF, 1)),
               Contains("2147483647 x 1 pixels: a side has more than 65535"));
    CHECK_THAT(refusal(with_png_dimensions(bytes, 0xFFFF'FFFF, 1)), Contains("PNG: "));
    CHECK_THAT(refusal(with_png_dimensions(bytes, 0, 16)), Contains("PNG: "));
  }
}

TEST_CASE("png: a chunk that is damaged counts where it holds pixels", "[thumbnails][png]") {
  auto random = random_engine();
  const Image image = made_photo({20, 20}, 3, random);
  const std::string bytes = made_png(image);
  const std::size_t behind_header = 8 + 25;
  std::string text = bytes;
  std::string chunk = png_chunk("tEXt", "Title\0wrong checksum");
  chunk.back() = static_cast<char>(chunk.back() ^ 1);
  CHECK((decoded(text.insert(behind_header, chunk)) == image));
  std::string pixels = bytes;
  pixels[pixels.size() - 12 - 1] = static_cast<char>(pixels[pixels.size() - 12 - 1] ^ 1);
  CHECK_THAT(refusal(pixels), Contains("PNG: IDAT: CRC error"));
  std::string odd = bytes;
  CHECK((decoded(odd.insert(behind_header, png_chunk("ruSt", "private"))) == image));
  std::string critical = bytes;
  CHECK_THAT(refusal(critical.insert(behind_header, png_chunk("RUSt", "private"))),
             Contains("PNG: "));
}

TEST_CASE("png: what is encoded is what was there, and the same bytes each time",
          "[thumbnails][png]") {
  auto random = random_engine();
  for (const std::uint32_t channels : {1U, 3U, 4U}) {
    for (const Dimensions size : {Dimensions{1, 1}, Dimensions{17, 5}, Dimensions{256, 192}}) {
      const Image image = made_noise(size, channels, random);
      const std::string bytes = encode_png(image);
      CHECK(encode_png(image) == bytes);
      CHECK((decoded(bytes) == image));
    }
  }
}

TEST_CASE("png: an image that is no image is refused by the encoder", "[thumbnails][png]") {
  CHECK_THROWS_WITH(encode_png({.size = {0, 5}, .channels = 3, .pixels = {}}), Contains("PNG: "));
}
