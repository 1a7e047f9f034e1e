// pipelines/thumbnails.cpp: small copies of photographs, whatever the files are like.
//
//   walk ==files==> read x cores ==images==> shrink x cores ==pixels==> encode x cores ==files==>
//   write
//
// `shrink` hands bytes of strangers to decoders, so it runs in worker processes, which may die of an
// image, or hang at one, without taking the run along. Files are read by a stage of their own: while
// some threads wait for the disk, the cores decode.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#include <thumbnails.hpp>

#include <jpeg_codec.hpp>
#include <png_codec.hpp>
#include <shrink_image.hpp>
#include <thumbnail_items.hpp>
#include <thumbnail_walk.hpp>
#include <thumbnail_writer.hpp>

#include <sluice/codec.hpp>
#include <sluice/error.hpp>
#include <sluice/os/file.hpp>
#include <sluice/scheduler.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

namespace sluice::samples {
namespace {

static_assert(portable<FoundImage> && portable<ImageFile>);
static_assert(portable<Thumbnail> && portable<ThumbnailFile>);

// Files and pixels are large; each of these is what one core works on for a while.
constexpr std::size_t kQueuedImages = 4;
constexpr std::size_t kQueuedThumbnails = 16;

// An image that a decoder works on for so long has made it hang: the largest takes seconds.
constexpr std::chrono::seconds kDecodeTime{60};

/// Takes what looks like an image by its first bytes. Other files are filtered, or, where the user
/// named them, errors.
class ReadImage {
 public:
  std::optional<ImageFile> operator()(const FoundImage& file, Context& context) const {
    using namespace sluice::detail;
    const Descriptor from = open_to_read(file.path, file.given ? Links::follow : Links::refuse);
    const FileStatus status = status_of(from, file.path);
    if (status.kind != FileKind::regular) {
      throw std::runtime_error(file.path + ": it is a regular file no more");
    }
    if (kind_of(view_of(read(from, kKindBytes, file))) == ImageKind::none) {
      if (!file.given) return std::nullopt;
      throw std::runtime_error(file.path + ": neither JPEG nor PNG, by its first bytes");
    }
    if (status.size_bytes > kMostFileBytes) {
      throw std::runtime_error(fmt::format("{}: {} MiB, more than the {} that are read", file.path,
                                           status.size_bytes >> 20, kMostFileBytes >> 20));
    }
    ImageFile image{.path = file.path,
                    .name = file.name,
                    .bytes = read(from, static_cast<std::size_t>(status.size_bytes), file)};
    context.add_bytes(image.bytes.size());
    return image;
  }

 private:
  [[nodiscard]] static SharedBytes read(const sluice::detail::Descriptor& from, std::size_t size,
                                        const FoundImage& file) {
    std::size_t found = 0;
    const SharedBytes bytes = SharedBytes::make(size, [&](std::span<std::byte> to) {
      auto* const letters = reinterpret_cast<char*>(to.data());
      found = sluice::detail::read_at(from, 0, std::span(letters, size), file.path);
    });
    return bytes.slice(0, found);
  }
};

class ShrinkImage {
 public:
  explicit ShrinkImage(std::uint32_t longest) noexcept : longest_(longest) {}

  // The path is its subject: a dead letter says it whatever became of the image.
  Thumbnail operator()(const ImageFile& file) const {
    try {
      return {.path = file.path,
              .name = file.name,
              .image = shrink_image(view_of(file.bytes), longest_)};
    } catch (const std::bad_alloc&) {
      throw std::runtime_error("not enough memory to decode it");
    }
  }

 private:
  std::uint32_t longest_;
};

class EncodeThumbnail {
 public:
  explicit EncodeThumbnail(ImageKind format) noexcept : format_(format) {}

  ThumbnailFile operator()(Thumbnail thumbnail) const {
    return {.name = std::move(thumbnail.name),
            .bytes = format_ == ImageKind::png ? encode_png(thumbnail.image)
                                               : encode_jpeg(thumbnail.image)};
  }

 private:
  ImageKind format_;
};

void check(const ThumbnailOptions& options) {
  const auto is_stream = [](const std::string& path) {
    return path == sluice::detail::kStandardStream;
  };
  if (std::any_of(options.paths.begin(), options.paths.end(), is_stream)) {
    throw UsageError("-: standard input has no files; give ./- for a file of that name");
  }
  if (is_stream(options.output)) {
    throw UsageError("--output -: standard output is no directory; give one");
  }
  if (options.size < 1 || options.size > kMostThumbnailSide) {
    throw UsageError(fmt::format("--size {}: no thumbnail has such a side; give 1 to {} pixels",
                                 options.size, kMostThumbnailSide));
  }
}

ThumbnailOptions options_from(const Args& args) {
  return {.paths = args.paths("path"),
          .output = args.path("output"),
          .size = args.number("size"),
          .format = args.text("format") == "png" ? ImageKind::png : ImageKind::jpeg};
}

}  // namespace

void describe_thumbnails(Pipeline& pipeline, const ThumbnailOptions& options) {
  check(options);
  const auto longest = static_cast<std::uint32_t>(options.size);
  const std::size_t cores = Machine::here().cores;
  const std::string suffix = options.format == ImageKind::png ? ".png" : ".jpg";
  pipeline.source("walk", factory([paths = options.paths, output = options.output, suffix] {
                    return ThumbnailWalk(paths, output, suffix);
                  }),
                  {.blocking = true}) |
      map("read", ReadImage(),
          {.workers = cores, .batch = 1, .blocking = true, .on_error = dead_letter()}) |
      map("shrink", ShrinkImage(longest),
          {.workers = cores,
           .carrier = Carrier::process,
           .capacity = kQueuedImages,
           .batch = 1,
           .process = {.timeout = kDecodeTime},
           .on_error = dead_letter()}) |
      map("encode", EncodeThumbnail(options.format),
          {.workers = cores, .capacity = kQueuedThumbnails, .batch = 1}) |
      sink("write", factory([output = options.output, paths = options.paths] {
             return ThumbnailWriter(output, paths);
           }),
           {.workers = 1, .capacity = kQueuedThumbnails, .blocking = true});
}

PipelineEntry thumbnails() {
  return {.name = "thumbnails",
          .summary = "makes small copies of photographs",
          .args = {{.name = "path",
                    .kind = ArgKind::path,
                    .help = "files and directories, with all that is below them",
                    .positional = true,
                    .many = true},
                   {.name = "output",
                    .kind = ArgKind::path,
                    .help = "directory of the thumbnails; it is made where it is missing"},
                   {.name = "size",
                    .kind = ArgKind::number,
                    .help = "pixels of the longest side, 1 to 16384; nothing is made larger",
                    .fallback = "256"},
                   {.name = "format",
                    .help = "of the thumbnails",
                    .fallback = "jpeg",
                    .choices = {"jpeg", "png"}}},
          .build = [](Pipeline& pipeline,
                      const Args& args) { describe_thumbnails(pipeline, options_from(args)); },
          .details =
              "Reads JPEG and PNG, recognised by content; turns photographs upright (EXIF) and\n"
              "leaves out all that is not pixels. A thumbnail has the path below PATH and the\n"
              "whole name of its file, and a suffix: a/photo.png becomes DIR/a/photo.png.jpg.\n"
              "Several PATHs have directories of their own in DIR. What is transparent becomes\n"
              "white in a JPEG.\n"
              "What is damaged, cut short or can't be read is a dead letter (exit code 3), and\n"
              "so is an image with a side of more than 65535 pixels, of more than 100\n"
              "megapixels, a file of more than 256 MiB, and what takes more than 512 MiB to\n"
              "decode. Files of other kinds are filtered; named ones are dead letters. Links\n"
              "that are found are not followed. DIR itself is never read.\n"
              "\n"
              "  sluice run thumbnails ~/photos --output ~/photos/small\n"
              "  sluice run thumbnails scan.png --output . --size 1024 --format png\n"};
}

}  // namespace sluice::samples
