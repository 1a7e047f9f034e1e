// unit/jpeg_codec_test.cpp: JPEG files of all kinds come out as the colours that went in.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <jpeg_codec.hpp>
#include <resize.hpp>
#include <shrink_image.hpp>
#include <support/image_files.hpp>
#include <support/seeds.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace sluice::samples;
using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using Colours = JpegWish::Colours;

Image decoded(const std::string& bytes, Dimensions least = {kMostSide, kMostSide}) {
  const std::unique_ptr<ImageDecoder> decoder = open_jpeg(bytes);
  decoder->scale(least);
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

// Four inks of a photo, and the colours that they are to give.
struct Inks {
  Image inks;
  Image colours;
};
Inks made_inks(std::mt19937_64& random, bool inverted) {
  Inks made{.inks = made_photo({64, 48}, 4, random),
            .colours = {.size = {64, 48}, .channels = 3, .pixels = {}}};
  for (std::size_t i = 0; i < made.inks.pixels.size(); i += 4) {
    const auto light = [&](std::size_t ink) -> unsigned {
      return inverted ? made.inks.pixels[i + ink] : 255U - made.inks.pixels[i + ink];
    };
    for (std::size_t ink = 0; ink < 3; ++ink) {
      made.colours.pixels.push_back(static_cast<std::uint8_t>(light(ink) * light(3) / 255));
    }
  }
  return made;
}

}  // namespace

TEST_CASE("jpeg: baseline, progressive, arithmetic, restarts: the pixels that went in",
          "[thumbnails][jpeg]") {
  auto random = random_engine();
  for (const std::uint32_t channels : {1U, 3U}) {
    const Image image = made_photo({93, 61}, channels, random);
    std::vector<JpegWish> wishes{{},
                                 {.progressive = true},
                                 {.arithmetic = true},
                                 {.progressive = true, .arithmetic = true},
                                 {.restart_rows = 1}};
    if (channels == 3) wishes.push_back({.colours = Colours::rgb});
    for (const JpegWish& wish : wishes) {
      CAPTURE(channels, wish.progressive, wish.arithmetic, wish.restart_rows);
      CHECK(mean_difference(decoded(made_jpeg(image, wish)), image) < 1);
    }
    CHECK(mean_difference(decoded(made_jpeg(image, {.quality = 90, .subsampling = 2})), image) < 3);
  }
}

TEST_CASE("jpeg: CMYK and YCCK become RGB, inverted where Adobe's marker says so",
          "[thumbnails][jpeg]") {
  auto random = random_engine();
  const Inks inverted = made_inks(random, true);
  const Inks plain = made_inks(random, false);
  CHECK(mean_difference(decoded(made_jpeg(inverted.inks, {.colours = Colours::cmyk})),
                        inverted.colours) < 1.5);
  CHECK(mean_difference(decoded(made_jpeg(inverted.inks, {.colours = Colours::ycck})),
                        inverted.colours) < 1.5);
  CHECK(mean_difference(decoded(made_jpeg(plain.inks, {.colours = Colours::cmyk_without_marker})),
                        plain.colours) < 1.5);
  const Image small =
      shrink_image(made_jpeg(inverted.inks, {.colours = Colours::ycck, .progressive = true}), 16);
  CHECK(small.channels == 3);
  CHECK(small.size == Dimensions{16, 12});
}

TEST_CASE("jpeg: the decoder scales down to what is needed, and no further", "[thumbnails][jpeg]") {
  auto random = random_engine();
  const std::string bytes = made_jpeg(made_photo({801, 403}, 3, random));
  const auto scaled_to = [&](Dimensions least) {
    const std::unique_ptr<ImageDecoder> decoder = open_jpeg(bytes);
    decoder->scale(least);
    return decoder->dimensions();
  };
  CHECK(scaled_to({801, 403}) == Dimensions{801, 403});
  CHECK(scaled_to({402, 100}) == Dimensions{801, 403});
  CHECK(scaled_to({401, 202}) == Dimensions{401, 202});
  CHECK(scaled_to({201, 101}) == Dimensions{201, 101});
  CHECK(scaled_to({101, 51}) == Dimensions{101, 51});
  CHECK(scaled_to({1, 1}) == Dimensions{101, 51});
  for (const Dimensions least : {Dimensions{401, 202}, Dimensions{201, 101}, Dimensions{101, 51}}) {
    CHECK(decoded(bytes, least).size == least);
  }
}

TEST_CASE("jpeg: scaling in the decoder gives what scaling afterwards gives",
          "[thumbnails][jpeg]") {
  auto random = random_engine();
  const Image image = made_photo({800, 600}, 3, random);
  for (const bool progressive : {false, true}) {
    const std::string bytes =
        made_jpeg(image, {.quality = 95, .subsampling = 2, .progressive = progressive});
    for (const std::uint32_t longest : {64U, 100U, 150U, 333U, 500U, 800U, 1000U}) {
      const Image exact = shrink_image(made_png(image), longest);
      CAPTURE(progressive, longest);
      CHECK(mean_difference(shrink_image(bytes, longest), exact) < 2);
    }
  }
}

TEST_CASE("jpeg: dimensions are judged before memory is taken", "[thumbnails][jpeg]") {
  auto random = random_engine();
  const Image image = made_photo({32, 32}, 3, random);
  const std::string plain = made_jpeg(image);
  const std::string progressive = made_jpeg(image, {.progressive = true});
  CHECK_THAT(refusal(with_jpeg_dimensions(plain, 65'500, 65'500)),
             Contains("65500 x 65500 pixels: more than 100 megapixels"));
  CHECK_THAT(refusal(with_jpeg_dimensions(plain, 65'535, 10)), Contains("65500 pixels"));
  CHECK_THAT(refusal(with_jpeg_dimensions(plain, 0, 10)), Contains("JPEG: "));
  // Coefficients of 99 megapixels, three channels of 2 bytes each.
  CHECK_THAT(refusal(with_jpeg_dimensions(progressive, 9'000, 11'000)),
             Contains("MiB at once, more than the 512"));
  CHECK_THAT(refusal(with_jpeg_dimensions(plain, 9'000, 11'000)), Contains("JPEG: "));
}

TEST_CASE("jpeg: files that keep decoders busy are refused", "[thumbnails][jpeg]") {
  auto random = random_engine();
  const std::string bytes =
      made_jpeg(made_photo({64, 64}, 1, random), {.scan_per_coefficient = true});
  CHECK_THAT(refusal(bytes), Contains("more scans than are decoded"));
}

TEST_CASE("jpeg: colours nobody knows are refused", "[thumbnails][jpeg]") {
  auto random = random_engine();
  CHECK_THAT(refusal(made_jpeg(made_photo({16, 16}, 2, random))), Contains("2 channels"));
}

TEST_CASE("jpeg: bytes between segments are no damage, a missing end is", "[thumbnails][jpeg]") {
  auto random = random_engine();
  const std::string bytes = made_jpeg(made_photo({40, 30}, 3, random));
  std::string odd = bytes;
  odd.insert(20, std::string("\x00\x01\x02", 3));  // behind APP0
  CHECK((shrink_image(odd, 64) == shrink_image(bytes, 64)));
  CHECK((shrink_image(bytes + "what a camera appends", 64) == shrink_image(bytes, 64)));
  CHECK_THAT(refusal(bytes.substr(0, bytes.size() - 2)), Contains("Premature end"));
}

TEST_CASE("jpeg: what is encoded is what was there, and the same bytes each time",
          "[thumbnails][jpeg]") {
  auto random = random_engine();
  for (const std::uint32_t channels : {1U, 3U}) {
    for (const Dimensions size : {Dimensions{1, 1}, Dimensions{17, 5}, Dimensions{256, 192}}) {
      const Image image = made_photo(size, channels, random);
      const std::string bytes = encode_jpeg(image);
      CHECK(encode_jpeg(image) == bytes);
      CHECK(decoded(bytes).channels == channels);
      CHECK(decoded(bytes).size == size);
      if (size.width > 100) CHECK(mean_difference(decoded(bytes), image) < 4);  // smaller: steep
    }
  }
}

TEST_CASE("jpeg: an image larger than the encoder's block is whole", "[thumbnails][jpeg]") {
  auto random = random_engine();
  const Image image = made_noise({512, 400}, 3, random);
  const std::string bytes = encode_jpeg(image);
  CHECK(bytes.size() > 100'000);
  CHECK(decoded(bytes).size == image.size);
}

TEST_CASE("jpeg: what is transparent becomes white", "[thumbnails][jpeg]") {
  Image image{.size = {32, 16}, .channels = 4, .pixels = {}};
  Image expected{.size = {32, 16}, .channels = 3, .pixels = {}};
  for (std::size_t i = 0; i < 32 * 16; ++i) {
    const bool is_left = i % 32 < 16;
    image.pixels.insert(image.pixels.end(),
                        {10, 60, 110, static_cast<std::uint8_t>(is_left ? 0 : 128)});
    if (is_left) {
      expected.pixels.insert(expected.pixels.end(), {255, 255, 255});
    } else {
      expected.pixels.insert(expected.pixels.end(), {132, 157, 182});
    }
  }
  CHECK(mean_difference(decoded(encode_jpeg(image)), expected) < 2);
}

TEST_CASE("jpeg: a side that no JPEG has is refused by the encoder", "[thumbnails][jpeg]") {
  const Image image{
      .size = {65'501, 1}, .channels = 1, .pixels = std::vector<std::uint8_t>(65'501)};
  CHECK_THROWS_WITH(encode_jpeg(image), Contains("65501 x 1 pixels") && Contains("--format png"));
}
