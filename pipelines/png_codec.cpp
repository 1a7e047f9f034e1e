// pipelines/png_codec.cpp
// SPDX-License-Identifier: MIT
#include <png_codec.hpp>

#include <codec_exit.hpp>
#include <exif_orientation.hpp>

#include <fmt/format.h>

#include <png.h>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace sluice::samples {
namespace {

constexpr png_uint_32 kNoLimit = 0x7FFF'FFFF;  // ours is checked by us, in words of ours
constexpr png_uint_32 kMostChunks = 64;  // besides those of pixels; of the kinds that are kept
constexpr png_alloc_size_t kMostChunkBytes = png_alloc_size_t{8} << 20;
// Chunks that nobody asks for here: not decompressed, not kept.
constexpr char kIgnored[] = "iCCP\0iTXt\0tEXt\0zTXt\0sPLT\0hIST\0pCAL\0sCAL\0tIME";
constexpr int kIgnoredNames = sizeof kIgnored / 5;

[[noreturn]] void on_error(png_structp png, png_const_charp words) {
  static_cast<CodecExit*>(png_get_error_ptr(png))->leave(words);
}
void on_warning(png_structp, png_const_charp) {}

[[noreturn]] void refuse(const CodecExit& exit) {
  throw BadImage(fmt::format("PNG: {}", exit.words));
}

// ---- Reading ---------------------------------------------------------------------------------

struct Reading {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<const std::uint8_t> rest{};
  CodecExit exit{};

  Reading() = default;
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
};

void read_bytes(png_structp png, png_bytep to, std::size_t size) {
  Reading& reading = *static_cast<Reading*>(png_get_io_ptr(png));
  if (size > reading.rest.size()) png_error(png, "the file is cut short");
  std::memcpy(to, reading.rest.data(), size);
  reading.rest = reading.rest.subspan(size);
}

void read_header(Reading& reading) {
  reading.png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, &reading.exit, &on_error, &on_warning);
  if (reading.png == nullptr) reading.exit.leave("no memory to decode it");
  reading.info = png_create_info_struct(reading.png);
  if (reading.info == nullptr) reading.exit.leave("no memory to decode it");
  png_set_read_fn(reading.png, &reading, &read_bytes);
  png_set_user_limits(reading.png, kNoLimit, kNoLimit);
  png_set_chunk_cache_max(reading.png, kMostChunks);
  png_set_chunk_malloc_max(reading.png, kMostChunkBytes);
  png_set_keep_unknown_chunks(reading.png, PNG_HANDLE_CHUNK_NEVER,
                              reinterpret_cast<png_const_bytep>(kIgnored), kIgnoredNames);
  png_read_info(reading.png, reading.info);
}

// Whatever the file holds, rows of 8-bit grey, RGB or RGBA come out.
void set_up_rows(Reading& reading) {
  png_structp png = reading.png;
  const bool has_alpha = (png_get_color_type(png, reading.info) & PNG_COLOR_MASK_ALPHA) != 0 ||
                         png_get_valid(png, reading.info, PNG_INFO_tRNS) != 0;
  png_set_expand(png);
  png_set_scale_16(png);
  if (has_alpha) png_set_gray_to_rgb(png);
  static_cast<void>(png_set_interlace_handling(png));
  png_read_update_info(png, reading.info);
}

class PngDecoder final : public ImageDecoder {
 public:
  explicit PngDecoder(std::string_view bytes) {
    reading_.rest = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
    run([&] { read_header(reading_); });
    const std::uint32_t width = png_get_image_width(reading_.png, reading_.info);
    const std::uint32_t height = png_get_image_height(reading_.png, reading_.info);
    check_dimensions(width, height);
    size_ = {.width = width, .height = height};
    run([&] { set_up_rows(reading_); });
    channels_ = png_get_channels(reading_.png, reading_.info);
    row_bytes_ = std::size_t{width} * channels_;
    if (png_get_rowbytes(reading_.png, reading_.info) != row_bytes_) {
      throw BadImage("PNG: its rows are of another size than expected");
    }
    if (png_get_interlace_type(reading_.png, reading_.info) != PNG_INTERLACE_NONE) {
      check_decode_bytes(std::uint64_t{row_bytes_} * height);
      is_interlaced_ = true;
    }
  }

  [[nodiscard]] Dimensions dimensions() const noexcept override { return size_; }
  [[nodiscard]] std::uint32_t channels() const noexcept override { return channels_; }
  [[nodiscard]] unsigned orientation() const noexcept override { return orientation_; }
  void scale(Dimensions) override {}

  void read_row(std::uint8_t* to) override {
    if (!is_interlaced_) return run([&] { png_read_row(reading_.png, to, nullptr); });
    if (whole_.empty()) read_whole();
    std::memcpy(to, whole_.data() + next_row_++ * row_bytes_, row_bytes_);
  }

  void finish() override {
    run([&] {
      png_read_end(reading_.png, reading_.info);
      png_uint_32 size = 0;
      png_bytep exif = nullptr;
      if (png_get_eXIf_1(reading_.png, reading_.info, &size, &exif) != 0 && exif != nullptr) {
        orientation_ = orientation_of_tiff({exif, size});
      }
    });
  }

 private:
  template <class Step>
  void run(const Step& step) {
    if (!completes(reading_.exit, step)) refuse(reading_.exit);
  }

  // Seven passes, each of which fills in some pixels of some rows.
  void read_whole() {
    whole_.resize(row_bytes_ * size_.height);
    run([&] {
      for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; ++pass) {
        for (std::size_t y = 0; y < size_.height; ++y) {
          png_read_row(reading_.png, whole_.data() + y * row_bytes_, nullptr);
        }
      }
    });
  }

  Reading reading_{};
  Dimensions size_{};
  std::uint32_t channels_ = 0;
  std::size_t row_bytes_ = 0;
  unsigned orientation_ = 1;
  bool is_interlaced_ = false;
  std::vector<std::uint8_t> whole_{};  // of an interlaced image
  std::size_t next_row_ = 0;
};

// ---- Writing ---------------------------------------------------------------------------------

struct Writing {
  png_structp png = nullptr;
  png_infop info = nullptr;
  CodecExit exit{};
  std::string made{};

  Writing() = default;
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  ~Writing() { png_destroy_write_struct(&png, &info); }

  // False when there is no memory; the exception may not pass the library.
  [[nodiscard]] bool keep(png_const_bytep bytes, std::size_t size) noexcept {
    try {
      made.append(reinterpret_cast<const char*>(bytes), size);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
};

void write_bytes(png_structp png, png_bytep bytes, std::size_t size) {
  Writing& writing = *static_cast<Writing*>(png_get_io_ptr(png));
  if (!writing.keep(bytes, size)) writing.exit.leave("no memory for the result");
}
void flush_nothing(png_structp) {}

int colour_type(std::uint32_t channels) noexcept {
  if (channels == 1) return PNG_COLOR_TYPE_GRAY;
  return channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA;
}

void write_file(Writing& writing, const Image& image) {
  writing.png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, &writing.exit, &on_error, &on_warning);
  if (writing.png == nullptr) writing.exit.leave("no memory to encode it");
  writing.info = png_create_info_struct(writing.png);
  if (writing.info == nullptr) writing.exit.leave("no memory to encode it");
  png_set_write_fn(writing.png, &writing, &write_bytes, &flush_nothing);
  png_set_IHDR(writing.png, writing.info, image.size.width, image.size.height, 8,
               colour_type(image.channels), PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(writing.png, writing.info);
  const std::size_t row_bytes = std::size_t{image.size.width} * image.channels;
  for (std::size_t y = 0; y < image.size.height; ++y) {
    png_write_row(writing.png, image.pixels.data() + y * row_bytes);
  }
  png_write_end(writing.png, nullptr);
}

}  // namespace

std::unique_ptr<ImageDecoder> open_png(std::string_view bytes) {
  return std::make_unique<PngDecoder>(bytes);
}

std::string encode_png(const Image& image) {
  Writing writing;
  if (!completes(writing.exit, [&] { write_file(writing, image); })) refuse(writing.exit);
  return std::move(writing.made);
}

}  // namespace sluice::samples
