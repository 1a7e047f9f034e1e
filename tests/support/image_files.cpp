// support/image_files.cpp
// SPDX-License-Identifier: MIT
#include <support/image_files.hpp>

#include <jpeglib.h>
#include <png.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace sluice::testing_support {

using samples::Dimensions;
using samples::Image;

namespace {

constexpr const char* kPhotos = "/usr/share/gocode/src/github.com/rwcarlsen/goexif/exif";

J_COLOR_SPACE space_of(const Image& image, const JpegWish& wish) {
  using Colours = JpegWish::Colours;
  if (wish.colours == Colours::plain || wish.colours == Colours::rgb) {
    return image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  }
  return JCS_CMYK;
}

void set_colours(jpeg_compress_struct& info, const JpegWish& wish) {
  using Colours = JpegWish::Colours;
  if (wish.colours == Colours::rgb) jpeg_set_colorspace(&info, JCS_RGB);
  if (wish.colours == Colours::ycck) jpeg_set_colorspace(&info, JCS_YCCK);
  if (wish.colours == Colours::cmyk_without_marker) info.write_Adobe_marker = FALSE;
}

// DC, then each coefficient without its last bit, then those bits.
std::vector<jpeg_scan_info> script_of_coefficients() {
  std::vector<jpeg_scan_info> scans;
  const auto add = [&](int coefficient, int high, int low) {
    jpeg_scan_info scan{};
    scan.comps_in_scan = 1;
    scan.Ss = coefficient;
    scan.Se = coefficient;
    scan.Ah = high;
    scan.Al = low;
    scans.push_back(scan);
  };
  add(0, 0, 0);
  for (int i = 1; i < 64; ++i) add(i, 0, 1);
  for (int i = 1; i < 64; ++i) add(i, 1, 0);
  return scans;
}

std::uint32_t checksum(std::string_view bytes) {
  std::uint32_t sum = ~std::uint32_t{0};
  for (const char byte : bytes) {
    sum ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1U ? 0xEDB8'8320U : 0U);
  }
  return ~sum;
}

std::string big_endian_word(std::uint32_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift & 0xFFU);
  return bytes;
}

void keep_bytes(png_structp png, png_bytep bytes, std::size_t size) {
  static_cast<std::string*>(png_get_io_ptr(png))
      ->append(reinterpret_cast<const char*>(bytes), size);
}
void flush_nothing(png_structp) {}

void set_palette(png_structp png, png_infop info, const PngWish& wish) {
  std::vector<png_color> colours;
  for (std::size_t i = 0; i < wish.palette.size(); i += 3) {
    colours.push_back({wish.palette[i], wish.palette[i + 1], wish.palette[i + 2]});
  }
  if (!colours.empty()) png_set_PLTE(png, info, colours.data(), static_cast<int>(colours.size()));
  if (!wish.palette_alpha.empty()) {
    png_set_tRNS(png, info, wish.palette_alpha.data(), static_cast<int>(wish.palette_alpha.size()),
                 nullptr);
  }
}

void set_transparent(png_structp png, png_infop info, const PngWish& wish) {
  if (wish.transparent.empty()) return;
  png_color_16 colour{};
  colour.gray = wish.transparent[0];
  if (wish.transparent.size() == 3) {
    colour.red = wish.transparent[0];
    colour.green = wish.transparent[1];
    colour.blue = wish.transparent[2];
  }
  png_set_tRNS(png, info, nullptr, 0, &colour);
}

}  // namespace

Image made_photo(Dimensions size, std::uint32_t channels, std::mt19937_64& random) {
  Image image{.size = size, .channels = channels, .pixels = {}};
  const auto phase = [&] { return static_cast<double>(random() % 628) / 100; };
  std::vector<double> phases(2 * channels);
  for (double& each : phases) each = phase();
  for (std::uint32_t y = 0; y < size.height; ++y) {
    for (std::uint32_t x = 0; x < size.width; ++x) {
      for (std::uint32_t channel = 0; channel < channels; ++channel) {
        const double across = std::sin(5.0 * x / size.width + phases[2 * channel]);
        const double down = std::sin(4.0 * y / size.height + phases[2 * channel + 1]);
        const double noise = static_cast<double>(random() % 5) - 2;
        image.pixels.push_back(
            static_cast<std::uint8_t>(std::clamp(128 + 55 * across + 55 * down + noise, 0., 255.)));
      }
    }
  }
  return image;
}

Image made_noise(Dimensions size, std::uint32_t channels, std::mt19937_64& random) {
  Image image{.size = size, .channels = channels, .pixels = {}};
  image.pixels.resize(std::size_t{size.width} * size.height * channels);
  for (std::uint8_t& byte : image.pixels) byte = static_cast<std::uint8_t>(random());
  return image;
}

std::string made_jpeg(const Image& image, const JpegWish& wish) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);  // ends the program: a mistake in the test
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = image.size.width;
  info.image_height = image.size.height;
  info.input_components = static_cast<int>(image.channels);
  info.in_color_space = image.channels == 2 ? JCS_UNKNOWN : space_of(image, wish);
  jpeg_set_defaults(&info);
  set_colours(info, wish);
  jpeg_set_quality(&info, wish.quality, TRUE);
  info.comp_info[0].h_samp_factor = wish.subsampling;
  info.comp_info[0].v_samp_factor = wish.subsampling;
  info.arith_code = wish.arithmetic ? TRUE : FALSE;
  info.restart_in_rows = wish.restart_rows;
  if (wish.progressive) jpeg_simple_progression(&info);
  const std::vector<jpeg_scan_info> scans = script_of_coefficients();
  if (wish.scan_per_coefficient) {
    info.scan_info = scans.data();
    info.num_scans = static_cast<int>(scans.size());
  }
  jpeg_start_compress(&info, TRUE);
  if (!wish.app1.empty()) {
    jpeg_write_marker(&info, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(wish.app1.data()),
                      static_cast<unsigned>(wish.app1.size()));
  }
  for (std::size_t y = 0; y < image.size.height; ++y) {
    JSAMPROW row =
        const_cast<JSAMPROW>(image.pixels.data()) + y * image.size.width * image.channels;
    static_cast<void>(jpeg_write_scanlines(&info, &row, 1));
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string made(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  return made;
}

std::string made_png(const PngWish& wish, const std::vector<std::uint8_t>& raw) {
  std::string made;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &made, &keep_bytes, &flush_nothing);
  png_set_IHDR(png, info, wish.size.width, wish.size.height, wish.bit_depth, wish.colour_type,
               wish.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  set_palette(png, info, wish);
  set_transparent(png, info, wish);
  if (!wish.exif.empty()) {
    std::vector<png_byte> exif(wish.exif.begin(), wish.exif.end());
    png_set_eXIf_1(png, info, static_cast<png_uint_32>(exif.size()), exif.data());
  }
  png_write_info(png, info);
  const int passes = png_set_interlace_handling(png);
  const std::size_t row_bytes = raw.size() / wish.size.height;
  for (int pass = 0; pass < passes; ++pass) {
    for (std::size_t y = 0; y < wish.size.height; ++y) {
      png_write_row(png, raw.data() + y * row_bytes);
    }
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return made;
}

std::string made_png(const Image& image, bool interlaced) {
  return made_png({.size = image.size,
                   .colour_type = image.channels == 1   ? 0
                                  : image.channels == 3 ? 2
                                                        : 6,
                   .interlaced = interlaced},
                  image.pixels);
}

std::string png_chunk(std::string_view type, std::string_view content) {
  const std::string checked = std::string(type) + std::string(content);
  return big_endian_word(static_cast<std::uint32_t>(content.size())) + checked +
         big_endian_word(checksum(checked));
}

std::string with_png_dimensions(std::string png, std::uint32_t width, std::uint32_t height) {
  constexpr std::size_t kSignature = 8;
  constexpr std::size_t kHeader = 13;
  const std::string header = big_endian_word(width) + big_endian_word(height) +
                             png.substr(kSignature + 8 + 8, kHeader - 8);
  return png.replace(kSignature, 12 + kHeader, png_chunk("IHDR", header));
}

std::string with_jpeg_dimensions(std::string jpeg, std::uint16_t width, std::uint16_t height) {
  std::size_t at = 2;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(jpeg.at(i)); };
  for (;;) {
    if (byte(at) != 0xFF) throw std::logic_error("no segment where one should be");
    const unsigned marker = byte(at + 1);
    if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) {
      break;
    }
    at += 2 + std::size_t{byte(at + 2)} * 256 + byte(at + 3);
  }
  jpeg[at + 5] = static_cast<char>(height >> 8);
  jpeg[at + 6] = static_cast<char>(height);
  jpeg[at + 7] = static_cast<char>(width >> 8);
  jpeg[at + 8] = static_cast<char>(width);
  return jpeg;
}

std::string tiff_block(unsigned orientation, bool big_endian) {
  std::string bytes = big_endian ? "MM" : "II";
  const auto add = [&](std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) {
      bytes += static_cast<char>(value >> 8 * (big_endian ? size - 1 - i : i));
    }
  };
  const auto entry = [&](std::uint32_t tag, std::uint32_t type, std::uint32_t value) {
    add(tag, 2);
    add(type, 2);
    add(1, 4);
    add(value, type == 3 ? 2 : 4);
    if (type == 3) add(0, 2);
  };
  add(42, 2);
  add(8, 4);
  add(3, 2);
  entry(0x0100, 4, 640);
  entry(0x0112, 3, orientation);
  entry(0x011A, 5, 50);
  add(0, 4);
  return bytes;
}

std::string exif_segment(unsigned orientation, bool big_endian) {
  return std::string("Exif\0\0", 6) + tiff_block(orientation, big_endian);
}

double mean_difference(const Image& a, const Image& b) {
  if (a.size != b.size || a.channels != b.channels || a.pixels.size() != b.pixels.size()) {
    return 1000;
  }
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    sum += std::abs(static_cast<int>(a.pixels[i]) - static_cast<int>(b.pixels[i]));
  }
  return sum / static_cast<double>(a.pixels.size());
}

std::vector<std::string> installed_photos() {
  namespace fs = std::filesystem;
  std::vector<std::string> photos;
  if (!fs::exists(kPhotos)) return photos;
  for (const auto& entry : fs::recursive_directory_iterator(kPhotos)) {
    if (entry.path().extension() == ".jpg") photos.push_back(entry.path());
  }
  std::sort(photos.begin(), photos.end());
  return photos;
}

}  // namespace sluice::testing_support
