// pipelines/jpeg_codec.cpp
// SPDX-License-Identifier: MIT
#include <jpeg_codec.hpp>

#include <codec_exit.hpp>
#include <exif_orientation.hpp>

#include <fmt/format.h>

#include <jerror.h>
#include <jpeglib.h>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>  // jpeglib.h needs it
#include <initializer_list>
#include <span>
#include <vector>

namespace sluice::samples {
namespace {

constexpr int kQuality = 85;
constexpr std::uint32_t kMostJpegSide = JPEG_MAX_DIMENSION;

// Warnings that say nothing about the pixels. All others mean that some of them were made up.
bool is_harmless(int code) noexcept {
  return code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM ||
         code == JWRN_TOO_MUCH_DATA || code == JWRN_NOT_SEQUENTIAL;
}

[[noreturn]] void leave(j_common_ptr info) noexcept {
  char words[JMSG_LENGTH_MAX];
  info->err->format_message(info, words);
  static_cast<CodecExit*>(info->client_data)->leave(words);
}

void on_message(j_common_ptr info, int level) {
  if (level < 0 && !is_harmless(info->err->msg_code)) leave(info);
}

// Nothing of ours prints; neither may the library.
void on_output(j_common_ptr) {}

void set_up_errors(jpeg_error_mgr& errors) {
  jpeg_std_error(&errors);
  errors.error_exit = &leave;
  errors.emit_message = &on_message;
  errors.output_message = &on_output;
}

[[noreturn]] void refuse(const CodecExit& exit) {
  throw BadImage(fmt::format("JPEG: {}", exit.words));
}

// ---- Reading ---------------------------------------------------------------------------------

struct Reading {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  CodecExit exit{};

  Reading() {
    set_up_errors(errors);
    info.err = &errors;
    info.client_data = &exit;
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() { jpeg_destroy_decompress(&info); }
};

void count_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMostScans) {
    static_cast<CodecExit*>(info->client_data)->leave("it has more scans than are decoded");
  }
}

class JpegDecoder final : public ImageDecoder {
 public:
  explicit JpegDecoder(std::string_view bytes) {
    run([&] {
      jpeg_create_decompress(&info_);
      jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
      jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
      static_cast<void>(jpeg_read_header(&info_, TRUE));
    });
    check_dimensions(info_.image_width, info_.image_height);
    choose_colours();
    check_memory();
    find_orientation();
    reading_.progress.progress_monitor = &count_scans;
    info_.progress = &reading_.progress;
    size_ = {.width = info_.image_width, .height = info_.image_height};
  }

  [[nodiscard]] Dimensions dimensions() const noexcept override { return size_; }
  [[nodiscard]] std::uint32_t channels() const noexcept override {
    return info_.out_color_space == JCS_GRAYSCALE ? 1 : 3;
  }
  [[nodiscard]] unsigned orientation() const noexcept override { return orientation_; }

  void scale(Dimensions least) override {
    const auto divided = [](std::uint32_t side, std::uint32_t by) { return (side + by - 1) / by; };
    for (const unsigned by : {8U, 4U, 2U}) {
      const Dimensions size{.width = divided(info_.image_width, by),
                            .height = divided(info_.image_height, by)};
      if (size.width < least.width || size.height < least.height) continue;
      info_.scale_num = 1;
      info_.scale_denom = by;
      size_ = size;
      return;
    }
  }

  void read_row(std::uint8_t* to) override {
    if (!started_) start();
    std::uint8_t* const row = ink_.empty() ? to : ink_.data();
    run([&] {
      JSAMPROW rows[] = {row};
      static_cast<void>(jpeg_read_scanlines(&info_, rows, 1));  // 1: memory never has to wait
    });
    if (!ink_.empty()) ink_to_light(to);
  }

  void finish() override {
    run([&] { static_cast<void>(jpeg_finish_decompress(&info_)); });
  }

 private:
  template <class Step>
  void run(const Step& step) {
    if (!completes(reading_.exit, step)) refuse(reading_.exit);
  }

  void choose_colours() {
    switch (info_.jpeg_color_space) {
      case JCS_GRAYSCALE:
        info_.out_color_space = JCS_GRAYSCALE;
        return;
      case JCS_YCbCr:
      case JCS_RGB:
        info_.out_color_space = JCS_RGB;
        return;
      case JCS_CMYK:
      case JCS_YCCK:
        info_.out_color_space = JCS_CMYK;
        return;
      default:
        throw BadImage(
            fmt::format("JPEG: {} channels of colours that are not known", info_.num_components));
    }
  }

  // A file of several scans is decoded into coefficients of all blocks before the first row is
  // known.
  void check_memory() {
    bool has_scans = false;
    run([&] { has_scans = jpeg_has_multiple_scans(&info_) != 0; });
    if (!has_scans) return;
    std::uint64_t bytes = 0;
    for (int i = 0; i < info_.num_components; ++i) {
      const jpeg_component_info& component = info_.comp_info[i];
      bytes +=
          std::uint64_t{component.width_in_blocks} * component.height_in_blocks * sizeof(JBLOCK);
    }
    check_decode_bytes(bytes);
  }

  void find_orientation() noexcept {
    for (auto* marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const std::span<const std::uint8_t> segment(marker->data, marker->data_length);
      if (marker->marker != JPEG_APP0 + 1 || !is_exif(segment)) continue;
      orientation_ = orientation_of_app1(segment);
      return;
    }
  }

  void start() {
    run([&] { static_cast<void>(jpeg_start_decompress(&info_)); });
    if (info_.output_width != size_.width || info_.output_height != size_.height) {
      throw BadImage("JPEG: its decoder scales in another way than expected");
    }
    if (info_.out_color_space == JCS_CMYK) ink_.resize(std::size_t{4} * size_.width);
    started_ = true;
  }

  // No profile, but the plain rule: each ink takes away its part of the light, black that of all.
  void ink_to_light(std::uint8_t* to) const noexcept {
    const bool is_inverted = info_.saw_Adobe_marker != 0;
    for (std::size_t i = 0; i < ink_.size(); i += 4) {
      const auto light = [&](std::size_t ink) -> unsigned {
        return is_inverted ? ink_[i + ink] : 255U - ink_[i + ink];
      };
      for (std::size_t channel = 0; channel < 3; ++channel) {
        *to++ = static_cast<std::uint8_t>((light(channel) * light(3) + 127) / 255);
      }
    }
  }

  Reading reading_{};
  jpeg_decompress_struct& info_ = reading_.info;
  Dimensions size_{};
  unsigned orientation_ = 1;
  bool started_ = false;
  std::vector<std::uint8_t> ink_{};  // a row of CMYK
};

// ---- Writing ---------------------------------------------------------------------------------

struct Writing {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_destination_mgr destination{};
  CodecExit exit{};
  std::array<std::uint8_t, 16'384> block{};
  std::string made{};

  Writing() {
    set_up_errors(errors);
    info.err = &errors;
    info.client_data = &exit;
  }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  ~Writing() { jpeg_destroy_compress(&info); }

  // False when there is no memory; the exception may not pass the library.
  [[nodiscard]] bool keep(std::size_t size) noexcept {
    try {
      made.append(reinterpret_cast<const char*>(block.data()), size);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
};

// The destination is a member of Writing: from one to the other by the struct that both callbacks
// know.
Writing& writing_of(j_compress_ptr info) noexcept {
  static_assert(offsetof(Writing, info) == 0);
  return *reinterpret_cast<Writing*>(info);
}

void begin_block(j_compress_ptr info) {
  Writing& writing = writing_of(info);
  writing.destination.next_output_byte = writing.block.data();
  writing.destination.free_in_buffer = writing.block.size();
}

boolean end_block(j_compress_ptr info) {
  Writing& writing = writing_of(info);
  if (!writing.keep(writing.block.size())) writing.exit.leave("no memory for the result");
  begin_block(info);
  return TRUE;
}

void end_last_block(j_compress_ptr info) {
  Writing& writing = writing_of(info);
  if (!writing.keep(writing.block.size() - writing.destination.free_in_buffer)) {
    writing.exit.leave("no memory for the result");
  }
}

void begin_file(Writing& writing, const Image& image) {
  jpeg_compress_struct& info = writing.info;
  jpeg_create_compress(&info);
  writing.destination.init_destination = &begin_block;
  writing.destination.empty_output_buffer = &end_block;
  writing.destination.term_destination = &end_last_block;
  info.dest = &writing.destination;
  info.image_width = image.size.width;
  info.image_height = image.size.height;
  info.input_components = image.channels == 1 ? 1 : 3;
  info.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, kQuality, TRUE);
  info.optimize_coding = TRUE;
  jpeg_start_compress(&info, TRUE);
}

// Over white, since JPEG has no alpha.
void flatten(const std::uint8_t* from, std::span<std::uint8_t> to) noexcept {
  for (std::size_t i = 0; i < to.size(); i += 3, from += 4) {
    const unsigned alpha = from[3];
    for (std::size_t channel = 0; channel < 3; ++channel) {
      to[i + channel] =
          static_cast<std::uint8_t>((from[channel] * alpha + 255U * (255U - alpha) + 127U) / 255U);
    }
  }
}

}  // namespace

std::unique_ptr<ImageDecoder> open_jpeg(std::string_view bytes) {
  return std::make_unique<JpegDecoder>(bytes);
}

std::string encode_jpeg(const Image& image) {
  const std::size_t width = image.size.width;
  if (std::max(image.size.width, image.size.height) > kMostJpegSide) {
    throw BadImage(fmt::format("{} x {} pixels: a JPEG's side has {} at most; give --format png",
                               width, image.size.height, kMostJpegSide));
  }
  const auto writing = std::make_unique<Writing>();
  std::vector<std::uint8_t> flat(image.channels == 4 ? 3 * width : 0);
  const bool is_whole = completes(writing->exit, [&] {
    begin_file(*writing, image);
    for (std::size_t y = 0; y < image.size.height; ++y) {
      const std::uint8_t* row = image.pixels.data() + y * width * image.channels;
      if (!flat.empty()) {
        flatten(row, flat);
        row = flat.data();
      }
      JSAMPROW rows[] = {const_cast<JSAMPROW>(row)};  // the library only reads it
      static_cast<void>(jpeg_write_scanlines(&writing->info, rows, 1));
    }
    jpeg_finish_compress(&writing->info);
  });
  if (!is_whole) refuse(writing->exit);
  return std::move(writing->made);
}

}  // namespace sluice::samples
