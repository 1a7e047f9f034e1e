// pipelines/thumbnails_test.cpp: trees of images, and the thumbnails that come of them.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <jpeg_codec.hpp>
#include <png_codec.hpp>
#include <shrink_image.hpp>
#include <support/carriers.hpp>
#include <support/image_files.hpp>
#include <support/poor_file_system.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/watched_run.hpp>
#include <thumbnail_items.hpp>
#include <thumbnails.hpp>

#include <sluice/codec.hpp>
#include <sluice/error.hpp>
#include <sluice/run.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice;
using namespace sluice::samples;
using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using Strings = std::vector<std::string>;
using Files = std::map<std::string, std::string>;

struct Outcome {
  Files files;  // path below the output directory, contents
  Strings dead;
  std::uint64_t filtered = 0;
};

Files files_below(const std::string& directory) {
  Files files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_directory()) {
      files[entry.path().string().substr(directory.size() + 1)] = content_of(entry.path());
    }
  }
  return files;
}

Outcome made(const ThumbnailOptions& options, std::vector<StageOverride> overrides = {}) {
  Pipeline p("thumbnails");
  describe_thumbnails(p, options);
  Outcome outcome;
  RunOptions how;
  how.overrides = std::move(overrides);
  // Here there are threads, beside which no process can be forked; the command is tested with processes.
  if (how.overrides.empty()) how.overrides.push_back({.stage = "shrink", .carrier = Carrier::pool});
  how.on_dead_letter = [&](const DeadLetter& letter) {
    outcome.dead.push_back(letter.stage + ": " + letter.subject + ' ' + letter.error);
  };
  const Report report = run_watched(p, std::move(how));
  CHECK(report.ledger.balanced);
  for (const auto& stage : report.stages) outcome.filtered += stage.filtered;
  outcome.files = files_below(options.output);
  std::sort(outcome.dead.begin(), outcome.dead.end());
  return outcome;
}

Strings names_of(const Files& files) {
  Strings names;
  for (const auto& [name, content] : files) names.push_back(name);
  return names;
}

// Images of several kinds, among other files and some damaged ones.
void make_tree(const Scratch& scratch, std::mt19937_64& random) {
  for (unsigned i = 0; i < 6; ++i) {
    const auto width = 20 + static_cast<std::uint32_t>(random() % 200);
    const auto height = 20 + static_cast<std::uint32_t>(random() % 200);
    const std::string prefix = "in/" + std::to_string(i % 3) + '/' + std::to_string(i);
    const std::string jpeg =
        made_jpeg(made_photo({width, height}, 3, random),
                  {.quality = 90, .progressive = i % 2 == 0, .app1 = exif_segment(1 + i % 8)});
    scratch.file(prefix + ".jpg", jpeg);
    scratch.file(prefix + " cut.jpg", jpeg.substr(0, jpeg.size() / 2));
    scratch.file(prefix + ".png",
                 made_png(made_photo({width, height}, i % 2 == 0 ? 4 : 1, random)));
    scratch.file(prefix + ".txt", "no image at all");
  }
  scratch.file("in/grey", made_jpeg(made_photo({300, 10}, 1, random)));
}

}  // namespace

TEST_CASE("thumbnails: each is what its file shrinks to, under a name that tells which",
          "[thumbnails]") {
  auto random = random_engine();
  const Scratch scratch;
  const std::string jpeg = made_jpeg(made_photo({400, 300}, 3, random));
  const std::string png = made_png(made_photo({30, 60}, 4, random));
  scratch.file("in/a/photo.jpg", jpeg);
  scratch.file("in/a/photo.png", png);
  scratch.file("in/photo", png);
  scratch.file("in/notes.txt", "not an image");
  scratch.file("in/empty", "");
  const Outcome small = made({.paths = {scratch / "in"}, .output = scratch / "out", .size = 100});
  CHECK(names_of(small.files) == Strings{"a/photo.jpg.jpg", "a/photo.png.jpg", "photo.jpg"});
  CHECK(small.dead.empty());
  CHECK(small.filtered == 2);
  CHECK((small.files.at("a/photo.jpg.jpg") == encode_jpeg(shrink_image(jpeg, 100))));
  CHECK((small.files.at("photo.jpg") == encode_jpeg(shrink_image(png, 100))));
  const Outcome as_png = made(
      {.paths = {scratch / "in"}, .output = scratch / "png", .size = 50, .format = ImageKind::png});
  CHECK(names_of(as_png.files) == Strings{"a/photo.jpg.png", "a/photo.png.png", "photo.png"});
  CHECK((as_png.files.at("photo.png") == encode_png(shrink_image(png, 50))));
  const Image shown = shrink_image(as_png.files.at("a/photo.png.png"), 1000);
  CHECK(shown.size == Dimensions{25, 50});
  CHECK(shown.channels == 4);
}

TEST_CASE("thumbnails: the same bytes whatever workers, capacities, batches and carriers",
          "[thumbnails]") {
  auto random = random_engine();
  const Scratch scratch;
  make_tree(scratch, random);
  const Scratch first;
  const Outcome expected = made({.paths = {scratch / "in"}, .output = first / "out", .size = 64});
  CHECK(expected.files.size() == 13);
  CHECK(expected.dead.size() == 6);
  CHECK(expected.filtered == 6);
  for (std::size_t workers = 1; workers <= 4; ++workers) {
    for (const std::size_t capacity : {1U, 1000U}) {
      for (const Carrier carrier : {Carrier::thread, Carrier::pool}) {
        std::vector<StageOverride> overrides;
        for (const char* stage : {"read", "shrink", "encode", "write"}) {
          overrides.push_back({.stage = stage,
                               .workers = workers,
                               .capacity = capacity,
                               .batch = capacity == 1 ? 1U : 7U,
                               .carrier = carrier});
        }
        const Scratch out;
        const Outcome outcome =
            made({.paths = {scratch / "in"}, .output = out / "out", .size = 64}, overrides);
        CAPTURE(workers, capacity);
        CHECK((outcome.files == expected.files));
        CHECK(outcome.dead == expected.dead);
        CHECK(outcome.filtered == expected.filtered);
      }
    }
  }
}

TEST_CASE("thumbnails: what is no good image is a dead letter with its path and the reason",
          "[thumbnails]") {
  auto random = random_engine();
  const Scratch scratch;
  const std::string jpeg = made_jpeg(made_photo({64, 64}, 3, random));
  const std::string png = made_png(made_photo({64, 64}, 3, random));
  scratch.file("in/cut.jpg", jpeg.substr(0, jpeg.size() - 100));
  scratch.file("in/cut.png", png.substr(0, png.size() - 1));
  scratch.file("in/good.jpg", jpeg);
  scratch.file("in/huge.jpg", with_jpeg_dimensions(jpeg, 65'500, 65'500));
  scratch.file("in/huge.png", with_png_dimensions(png, 65'500, 65'500));
  const std::string text = scratch.file("text", "not an image");
  fs::create_symlink(scratch / "in/good.jpg", scratch / "in/link.jpg");
  const std::string fifo = scratch.fifo("fifo");
  const Outcome outcome =
      made({.paths = {scratch / "in", text, scratch / "gone", fifo}, .output = scratch / "out"});
  CHECK(names_of(outcome.files) == Strings{"in/good.jpg.jpg"});
  REQUIRE(outcome.dead.size() == 7);
  const std::string in = scratch / "in";
  CHECK(outcome.dead[0] == "read:  " + text + ": neither JPEG nor PNG, by its first bytes");
  CHECK(outcome.dead[1] == "shrink: " + in + "/cut.jpg JPEG: Premature end of JPEG file");
  CHECK(outcome.dead[2] == "shrink: " + in + "/cut.png PNG: the file is cut short");
  CHECK(outcome.dead[3] == "shrink: " + in + "/huge.jpg 65500 x 65500 pixels: more than 100 " +
                               "megapixels, the most that is decoded");
  CHECK(outcome.dead[4] == "shrink: " + in + "/huge.png 65500 x 65500 pixels: more than 100 " +
                               "megapixels, the most that is decoded");
  CHECK(outcome.dead[5] == "walk: " + fifo + " neither a regular file nor a directory");
  CHECK_THAT(outcome.dead[6], Contains("/gone cannot open: No such file or directory (errno 2)"));
}

TEST_CASE("thumbnails: a file that is too large is not read", "[thumbnails]") {
  auto random = random_engine();
  const Scratch scratch;
  const std::string path = scratch.file("in/large.jpg", made_jpeg(made_photo({64, 64}, 3, random)));
  fs::resize_file(path, kMostFileBytes + 1);  // a hole
  scratch.file("in/large.txt", "x");
  fs::resize_file(scratch / "in/large.txt", kMostFileBytes + 1);
  const Outcome outcome = made({.paths = {scratch / "in"}, .output = scratch / "out"});
  CHECK(outcome.files.empty());
  CHECK(outcome.filtered == 1);
  CHECK(outcome.dead == Strings{"read:  " + path + ": 256 MiB, more than the 256 that are read"});
}

TEST_CASE("thumbnails: an output directory within the input is not read", "[thumbnails]") {
  auto random = random_engine();
  const Scratch scratch;
  scratch.file("in/photo.jpg", made_jpeg(made_photo({64, 64}, 3, random)));
  const std::string output = scratch / "in/small";
  for (int run = 0; run < 2; ++run) {
    const Outcome outcome = made({.paths = {scratch / "in"}, .output = output});
    CHECK(names_of(outcome.files) == Strings{"photo.jpg.jpg"});
    CHECK(outcome.dead.empty());
  }
  const Outcome itself = made({.paths = {output}, .output = output + "/."});
  CHECK(itself.files.size() == 1);
  CHECK(itself.dead ==
        Strings{"walk: " + output + " it is the output directory; give another --output"});
}

TEST_CASE("thumbnails: several paths do not mix, and nothing is made outside", "[thumbnails]") {
  auto random = random_engine();
  const Scratch scratch;
  const std::string jpeg = made_jpeg(made_photo({30, 30}, 3, random));
  scratch.file("a/photos/x.jpg", jpeg);
  scratch.file("b/photos/x.jpg", jpeg);
  scratch.file("b/photos/x.jpg.jpg/x.jpg", jpeg);
  scratch.file("x.jpg", jpeg);
  const fs::path before = fs::current_path();
  fs::create_directories(scratch / "b/here");
  fs::current_path(scratch / "b/here");
  const Outcome outcome = made({.paths = {"../../a/photos", scratch / "b/photos/", "../../x.jpg",
                                          scratch / "x.jpg", "../photos/x.jpg.jpg/.."},
                                .output = "../../out"});
  fs::current_path(before);
  const Strings names{
      "photos/x.jpg.jpg", "photos~2/x.jpg.jpg",         "photos~2/x.jpg.jpg.d/x.jpg.jpg",
      "root/x.jpg.jpg",   "root/x.jpg.jpg.d/x.jpg.jpg", "x.jpg.jpg",
      "x.jpg~2.jpg"};
  CHECK(names_of(outcome.files) == names);
  CHECK(outcome.dead.empty());
  Strings top;
  for (const auto& entry : fs::directory_iterator(scratch.path())) {
    top.push_back(entry.path().filename());
  }
  std::sort(top.begin(), top.end());
  CHECK(top == Strings{"a", "b", "out", "x.jpg"});
}

TEST_CASE("thumbnails: nothing is written where something is read", "[thumbnails]") {
  auto random = random_engine();
  const Scratch scratch;
  const std::string jpeg = made_jpeg(made_photo({30, 30}, 3, random));
  const std::string other = made_jpeg(made_photo({40, 40}, 3, random));
  for (const char* name : {"a/x.jpg", "a/d/x.jpg", "a/a/q/x.jpg", "b/x.jpg", "c.jpg"}) {
    scratch.file(name, jpeg);
  }
  scratch.file("c.jpg.jpg", other);
  const std::string here = scratch.path();
  const Files before = files_below(here);
  // Two directories, whose thumbnails would go into themselves.
  const Outcome two = made({.paths = {here + "/a", here + "/b"}, .output = here});
  CHECK((two.files == before));
  REQUIRE(two.dead.size() == 4);
  CHECK(two.dead[0] == "write: " + here + "/a/a/q/x.jpg.jpg this place is read, so nothing is " +
                           "written there; give another --output");
  // A file whose thumbnail would replace one that is read.
  const Outcome files = made({.paths = {here + "/c.jpg", here + "/c.jpg.jpg"}, .output = here});
  REQUIRE(files.dead.size() == 1);
  CHECK_THAT(files.dead[0], Contains(here + "/c.jpg.jpg this place is read"));
  CHECK((content_of(here + "/c.jpg.jpg") == other));
  CHECK((content_of(here + "/c.jpg.jpg.jpg") == encode_jpeg(shrink_image(other, 256))));
  // One directory: what is below goes beside it, unless it holds one of its own name.
  const Outcome one = made({.paths = {here + "/a"}, .output = here});
  REQUIRE(one.dead.size() == 1);
  CHECK_THAT(one.dead[0], Contains(here + "/a/q/x.jpg.jpg this place is read"));
  CHECK_FALSE(fs::exists(here + "/a/q"));
  CHECK((one.files.at("x.jpg.jpg") == encode_jpeg(shrink_image(jpeg, 256))));
  CHECK(one.files.count("d/x.jpg.jpg") == 1);
  CHECK(one.files.count("a/q/x.jpg.jpg") == 0);
}

TEST_CASE("thumbnails: a link in the output directory is not followed", "[thumbnails]") {
  auto random = random_engine();
  const Scratch scratch;
  const std::string jpeg = made_jpeg(made_photo({30, 30}, 3, random));
  scratch.file("in/a.jpg", jpeg);
  const std::string precious = scratch.file("outside/precious", "precious");
  fs::create_directory(scratch / "out");
  fs::create_symlink(precious, scratch / "out/a.jpg.jpg");
  const Outcome replaced = made({.paths = {scratch / "in"}, .output = scratch / "out"});
  CHECK(content_of(precious) == "precious");
  CHECK_FALSE(fs::is_symlink(scratch / "out/a.jpg.jpg"));
  CHECK((replaced.files.at("a.jpg.jpg") == encode_jpeg(shrink_image(jpeg, 256))));
  scratch.file("in/d/b.jpg", jpeg);
  fs::create_directory_symlink(scratch / "outside", scratch / "out/d");
  CHECK_THROWS_WITH(made({.paths = {scratch / "in"}, .output = scratch / "out"}),
                    Contains("stage write") && Contains(scratch / "out/d"));
  CHECK(names_of(files_below(scratch / "outside")) == Strings{"precious"});
}

TEST_CASE("thumbnails: the same files where they can't be nameless, and where links are refused",
          "[thumbnails]") {
  const Lack lack = GENERATE(Lack::nameless_files, Lack::links);
  auto random = random_engine();
  const Scratch scratch;
  make_tree(scratch, random);
  const Scratch first;
  const Outcome expected = made({.paths = {scratch / "in"}, .output = first / "out", .size = 64});
  REQUIRE(expected.files.size() == 13);
  const Scratch out;
  const PoorFileSystem poor(lack);
  for (const char* what : {"they are new", "they replace others"}) {
    CAPTURE(what);
    const Outcome outcome =
        made({.paths = {scratch / "in"}, .output = out / "out", .size = 64},
             {{.stage = "shrink", .carrier = Carrier::pool}, {.stage = "write", .workers = 2}});
    CHECK((outcome.files == expected.files));
    CHECK(outcome.dead == expected.dead);
  }
  if (lack == Lack::nameless_files || has_nameless_files(out.path())) CHECK(poor.refused() == 26);
}

TEST_CASE("thumbnails: what shrink takes and gives can go to another process and come back",
          "[thumbnails]") {
  auto random = random_engine();
  const std::string png = made_png(made_noise({9, 7}, 4, random));
  const ImageFile file{
      .path = "p", .name = "n", .bytes = SharedBytes::copy_of(std::as_bytes(std::span(png)))};
  Bytes bytes;
  encode(file, bytes);
  const auto file_there = decode<ImageFile>(bytes);
  CHECK(file_there.path == file.path);
  CHECK((file_there.bytes == file.bytes));
  const Thumbnail thumbnail{.path = "p", .name = "n", .image = shrink_image(png, 5)};
  bytes.clear();
  encode(thumbnail, bytes);
  const auto back = decode<Thumbnail>(bytes);
  CHECK(back.name == thumbnail.name);
  CHECK((back.image == thumbnail.image));
}

TEST_CASE("thumbnails: options that mean nothing are refused in one line", "[thumbnails]") {
  const auto refusal = [](ThumbnailOptions options) -> std::string {
    Pipeline p("thumbnails");
    try {
      describe_thumbnails(p, options);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(refusal({.paths = {"x"}, .output = "y"}) == "accepted");
  CHECK(refusal({.paths = {"x"}, .output = "y", .size = kMostThumbnailSide}) == "accepted");
  CHECK_THAT(refusal({.paths = {"x"}, .output = "y", .size = 0}),
             Contains("--size 0") && Contains("give 1 to 16384"));
  CHECK_THAT(refusal({.paths = {"x"}, .output = "y", .size = kMostThumbnailSide + 1}),
             Contains("--size 16385"));
  CHECK_THAT(refusal({.paths = {"x", "-"}, .output = "y"}),
             Contains("standard input has no files"));
  CHECK_THAT(refusal({.paths = {"x"}, .output = "-"}), Contains("--output -"));
}
