// bench/versus_thumbnails.cpp: the packaged thumbnails beside what one would type instead.
//
//   photographs of 1.5 to 16 megapixels -> thumbnails of 256 pixels, as JPEG of quality 85
//
// Question: is it at least as fast as GraphicsMagick and libvips, of which two processes share the
// files? Both decode at a fraction of the size, too, and each process uses one thread, which is
// faster here than their own. The photographs are those of a wallpaper package: as they are (most
// of them progressive), as baseline JPEG, as cameras make them, and as PNG of 1600 pixels. Items
// are photographs, from a warm page cache; every run must make one thumbnail of each.
// SPDX-License-Identifier: MIT
#include <support/command.hpp>
#include <support/corpus.hpp>
#include <support/tournament.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice::bench;

constexpr const char* kWallpapers = "/usr/share/backgrounds";

std::string shell(const std::string& line) { return run_command({"/bin/sh", "-ec", line}); }

bool has(const std::string& program) {
  return !shell("command -v " + program + " || true").empty();
}

std::uint64_t files_in(const std::string& directory) {
  std::uint64_t files = 0;
  for (const auto& entry : fs::directory_iterator(directory)) files += entry.is_regular_file();
  return files;
}

struct Photos {
  std::string kind;
  std::string directory;
  std::uint64_t files = 0;
};

// `line` writes into the directory $out, which is empty, and runs where the photographs are.
Contestant contestant(const Photos& photos, const std::string& name, const std::string& line) {
  const std::string out = corpus_directory() + "_thumbnails";
  const std::string all =
      fmt::format("rm -rf {0}; mkdir -p {0}; out={0}; cd {1}; {2}", out, photos.directory, line);
  return {name, fmt::format("{} photographs: {}", photos.files, line), false,
          [=, files = photos.files](std::uint64_t, Placement) {
            static_cast<void>(shell(all));
            check_result(name + ": thumbnails", files_in(out), files);
            return Latency{};
          },
          photos.files};
}

Group group(const Photos& photos) {
  Group group{.name = "thumbnails/" + photos.kind, .pinned = false, .contestants = {}};
  group.contestants.push_back(
      contestant(photos, "sluice", sibling("sluice") + " run thumbnails . --output $out --quiet"));
  if (has("gm")) {
    group.contestants.push_back(contestant(
        photos, "GraphicsMagick",
        "ls | OMP_NUM_THREADS=1 xargs -P2 -n4 gm mogrify -size 256x256 -thumbnail '256x256>' "
        "-quality 85 -format jpg -output-directory $out"));
  }
  if (has("vipsthumbnail")) {
    group.contestants.push_back(
        contestant(photos, "libvips",
                   "ls | VIPS_CONCURRENCY=1 xargs -P2 -n4 vipsthumbnail --size '256x256>' "
                   "-o \"$out/%s.jpg[Q=85]\""));
  }
  return group;
}

// Made once, with GraphicsMagick. `line` writes $to from $from.
Photos made(const std::string& kind, const std::string& from, const std::string& suffix,
            const std::string& line) {
  const std::string root = corpus_directory() + "_photos";
  const std::string directory = root + '/' + kind;
  if (!fs::exists(directory)) {
    shell(
        fmt::format("rm -rf {0}.new; mkdir -p {0}.new; for from in {1}; do "
                    "to={0}.new/$(basename \"$from\" .jpg){2}; {3}; done; mv {0}.new {0}",
                    directory, from, suffix, line));
  }
  return {.kind = kind, .directory = directory, .files = files_in(directory)};
}

std::vector<Group> groups(bool quick) {
  const std::string wallpapers = std::string(kWallpapers) + "/*_by_*.jpg";
  if (quick) {
    return {group(made("quick", std::string(kWallpapers) + "/Picture_*.jpg", ".jpg",
                       "cp \"$from\" \"$to\""))};
  }
  std::vector<Group> all{group(made("as_they_are", wallpapers, ".jpg", "cp \"$from\" \"$to\""))};
  if (!has("gm")) return all;
  all.push_back(
      group(made("baseline", wallpapers, ".jpg",
                 "gm convert \"$from\" +profile '*' -interlace None -quality 92 \"$to\"")));
  all.push_back(group(made("png", wallpapers, ".png",
                           "gm convert \"$from\" +profile '*' -resize '1600x1600>' \"$to\"")));
  return all;
}

// CTest shows it as skipped: nothing was compared.
constexpr int kSkipped = 77;

bool asks_for(int argc, char** argv, std::string_view option) {
  return std::find(argv + 1, argv + argc, option) != argv + argc;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (sibling("sluice").empty() || (!has("gm") && !has("vipsthumbnail")) ||
        !fs::exists(std::string(kWallpapers) + "/Picture_1A_by_freespace.jpg")) {
      std::fprintf(stderr,
                   "versus_thumbnails: sluice is not beside this program, or no gm and "
                   "vipsthumbnail, or no photographs (lomiri-wallpapers-16.04)\n");
      return kSkipped;
    }
    return hold_tournament("versus_thumbnails", argc, argv,
                           groups(asks_for(argc, argv, "--quick")));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "versus_thumbnails: %s\n", error.what());
    return 1;
  }
}
