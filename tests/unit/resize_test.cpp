// unit/resize_test.cpp: images become smaller as a plain sum over all pixels says.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <resize.hpp>
#include <support/image_files.hpp>
#include <support/scale.hpp>
#include <support/seeds.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace {

using namespace sluice::samples;
using namespace sluice::testing_support;

Image resized(const Image& from, Dimensions to) {
  RowResizer resizer(from.size, to, from.channels);
  const std::size_t row_bytes = std::size_t{from.size.width} * from.channels;
  for (std::size_t y = 0; y < from.size.height; ++y) {
    std::memcpy(resizer.row(), from.pixels.data() + y * row_bytes, row_bytes);
    resizer.add_row();
  }
  return resizer.take();
}

double tent(double distance) { return std::max(0.0, 1.0 - std::abs(distance)); }

// One output pixel in double precision, over all of the input.
std::vector<double> summed(const Image& from, Dimensions to, std::uint32_t x, std::uint32_t y) {
  const double across = static_cast<double>(from.size.width) / to.width;
  const double down = static_cast<double>(from.size.height) / to.height;
  std::vector<double> sums(from.channels);
  double weights = 0;
  for (std::uint32_t row = 0; row < from.size.height; ++row) {
    const double row_weight = tent((row + 0.5) / down - (y + 0.5));
    for (std::uint32_t column = 0; column < from.size.width; ++column) {
      const double weight = row_weight * tent((column + 0.5) / across - (x + 0.5));
      const std::uint8_t* pixel =
          from.pixels.data() + (std::size_t{row} * from.size.width + column) * from.channels;
      const double alpha = from.channels == 4 ? pixel[3] / 255.0 : 1.0;
      for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i] += weight * pixel[i] * (i < 3 ? alpha : 1.0);
      }
      weights += weight;
    }
  }
  for (double& sum : sums) sum /= weights;
  for (std::size_t i = 0; sums.size() == 4 && i < 3; ++i) {
    sums[i] = sums[3] > 0 ? sums[i] * 255 / sums[3] : 0;
  }
  return sums;
}

}  // namespace

TEST_CASE("fitted: the longest side is as asked for, no side is 0, nothing grows",
          "[thumbnails][resize]") {
  CHECK(fitted({4000, 3000}, 256) == Dimensions{256, 192});
  CHECK(fitted({3000, 4000}, 256) == Dimensions{192, 256});
  CHECK(fitted({100, 50}, 256) == Dimensions{100, 50});
  CHECK(fitted({256, 256}, 256) == Dimensions{256, 256});
  CHECK(fitted({65'535, 1}, 256) == Dimensions{256, 1});
  CHECK(fitted({1, 65'535}, 1) == Dimensions{1, 1});
  auto random = random_engine();
  for (int i = 0; i < 10'000; ++i) {
    const Dimensions from{1 + static_cast<std::uint32_t>(random() % 65'535),
                          1 + static_cast<std::uint32_t>(random() % 65'535)};
    const auto longest = 1 + static_cast<std::uint32_t>(random() % 16'384);
    const Dimensions to = fitted(from, longest);
    const bool is_right =
        std::max(to.width, to.height) == std::min(longest, std::max(from.width, from.height)) &&
        to.width >= 1 && to.height >= 1 && to.width <= from.width && to.height <= from.height;
    if (!is_right) FAIL(from.width << " x " << from.height << " at most " << longest);
  }
}

TEST_CASE("tent filter: weights sum up to 1 and stay inside, whatever the ratio",
          "[thumbnails][resize]") {
  auto random = random_engine();
  std::size_t weights = 0;
  for (int round = 0; round < 300; ++round) {
    const auto from = 1 + static_cast<std::uint32_t>(random() % 3000);
    const auto to = 1 + static_cast<std::uint32_t>(random() % from);
    const TentFilter filter(from, to);
    std::size_t first = 0;
    for (std::uint32_t output = 0; output < to; ++output) {
      const TentFilter::Taps& taps = filter[output];
      double sum = 0;
      for (std::size_t i = 0; i < taps.count; ++i) sum += filter.weights(taps)[i];
      const bool is_right = taps.count >= 1 && taps.first >= first &&
                            taps.first + taps.count <= from && std::abs(sum - 1) < 1e-4;
      if (!is_right) FAIL(from << " to " << to << ", output " << output);
      first = taps.first;
      weights += taps.count;
    }
  }
  CHECK(weights > 10'000);
}

TEST_CASE("resize: the size that it has already keeps every byte", "[thumbnails][resize]") {
  auto random = random_engine();
  for (const std::uint32_t channels : {1U, 3U}) {
    const Image image = made_noise({37, 23}, channels, random);
    CHECK((resized(image, image.size) == image));
  }
  Image image = made_noise({37, 23}, 4, random);
  for (std::size_t i = 0; i < image.pixels.size(); i += 4) {
    if (image.pixels[i + 3] == 0) std::fill_n(image.pixels.begin() + static_cast<long>(i), 3, 0);
  }
  CHECK((resized(image, image.size) == image));
}

TEST_CASE("resize: one colour stays that colour", "[thumbnails][resize]") {
  auto random = random_engine();
  for (int round = 0; round < 100; ++round) {
    const auto channels = std::vector<std::uint32_t>{1, 3, 4}[random() % 3];
    const Dimensions from{1 + static_cast<std::uint32_t>(random() % 200),
                          1 + static_cast<std::uint32_t>(random() % 200)};
    const Dimensions to{1 + static_cast<std::uint32_t>(random() % from.width),
                        1 + static_cast<std::uint32_t>(random() % from.height)};
    Image image{.size = from, .channels = channels, .pixels = {}};
    std::vector<std::uint8_t> colour(channels);
    for (std::uint8_t& value : colour) value = static_cast<std::uint8_t>(1 + random() % 255);
    for (std::size_t i = 0; i < std::size_t{from.width} * from.height; ++i) {
      image.pixels.insert(image.pixels.end(), colour.begin(), colour.end());
    }
    const Image made = resized(image, to);
    REQUIRE(made.size == to);
    REQUIRE(made.pixels.size() == std::size_t{to.width} * to.height * channels);
    bool is_right = true;
    for (std::size_t i = 0; i < made.pixels.size(); ++i) {
      is_right = is_right && made.pixels[i] == colour[i % channels];
    }
    CHECK(is_right);
  }
}

TEST_CASE("resize: every pixel is the weighted mean that a plain sum gives",
          "[thumbnails][resize]") {
  auto random = random_engine();
  for (int round = 0; round < scaled(60); ++round) {
    const auto channels = std::vector<std::uint32_t>{1, 3, 4}[random() % 3];
    const Dimensions from{1 + static_cast<std::uint32_t>(random() % 70),
                          1 + static_cast<std::uint32_t>(random() % 70)};
    const Dimensions to{1 + static_cast<std::uint32_t>(random() % from.width),
                        1 + static_cast<std::uint32_t>(random() % from.height)};
    const Image image = made_noise(from, channels, random);
    const Image made = resized(image, to);
    double worst = 0;
    for (std::uint32_t y = 0; y < to.height; ++y) {
      for (std::uint32_t x = 0; x < to.width; ++x) {
        const std::vector<double> sums = summed(image, to, x, y);
        for (std::size_t i = 0; i < channels; ++i) {
          const std::size_t at = (std::size_t{y} * to.width + x) * channels + i;
          worst = std::max(worst, std::abs(made.pixels[at] - sums[i]));
        }
      }
    }
    CAPTURE(from.width, from.height, to.width, to.height, channels);
    CHECK(worst < 0.51);
  }
}

TEST_CASE("resize: what is transparent does not stain its neighbours", "[thumbnails][resize]") {
  Image image{.size = {2, 2}, .channels = 4, .pixels = {}};
  for (int i = 0; i < 4; ++i) {
    const std::uint8_t is_seen = i % 2 == 0 ? 255 : 0;
    const std::uint8_t green = is_seen == 0 ? 255 : 0;  // bright, but not to be seen
    image.pixels.insert(image.pixels.end(), {200, green, 0, is_seen});
  }
  const Image made = resized(image, {1, 1});
  CHECK(made.pixels == std::vector<std::uint8_t>{200, 0, 0, 128});
}
