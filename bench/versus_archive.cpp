// bench/versus_archive.cpp: the packaged archive samples beside what one would type instead.
//
//   copies of /usr/include, /usr/lib/gcc and /usr/share/doc -> one archive -> the same tree
//
// Of equal files only the first is in the tree: finding repetition is no contest for who does not
// look.
//
// Questions: does `pack` reach 0.8 of `tar | zstd -T2` at level 3 and 0.97 at level 9, though it
// also finds repetition; is it faster than backup programs that do the same; and what do the
// archives take?
// Items are bytes of contents, read from a warm page cache and written to a new file. Every run
// must make the same number of bytes, but for the backup programs, which stamp or encrypt. With
// --quick (as ctest runs it) a small tree is packed, unpacked and compared.
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

struct Place {
  std::string tree;  // directory in `root`
  std::string root;  // where every command runs
  std::uint64_t bytes = 0;
  bool checks = false;  // what was packed is unpacked and compared
};

std::string shell(const Place& place, const std::string& line) {
  return run_command({"/bin/sh", "-ec", "cd " + place.root + "; " + line});
}

bool has(const std::string& program) {
  return !run_command({"/bin/sh", "-c", "command -v " + program + " || true"}).empty();
}

// All that lies below a directory; a repository of a backup program is one.
std::uint64_t size_of(const fs::path& path) {
  if (!fs::is_directory(path)) return fs::file_size(path);
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

struct Packer {
  std::string name;
  std::string result;   // what `line` makes, in the place's root
  std::string prepare;  // before every run, and as quick as can be
  std::string line;
  std::string unpack;      // into `out`; for the check
  bool same_size = false;  // every run makes the same number of bytes
};

// Packs once, compares what comes out, and says how large the archive is.
Contestant contestant(const Place& place, const Packer& packer) {
  const std::string line = packer.prepare + "; " + packer.line;
  shell(place, line);
  if (place.checks) {
    shell(place, "rm -rf out; mkdir out; (" + packer.unpack + "); diff -r --no-dereference " +
                     place.tree + " out/" + place.tree + "; rm -rf out");
  }
  const std::uint64_t bytes = size_of(place.root + '/' + packer.result);
  std::fprintf(stderr, "%s: %.1f MB of %.1f MB\n", packer.name.c_str(),
               static_cast<double>(bytes) / 1e6, static_cast<double>(place.bytes) / 1e6);
  return {packer.name, fmt::format("{} bytes: {}", bytes, packer.line), false,
          [=](std::uint64_t, Placement) {
            shell(place, line);
            if (packer.same_size) {
              check_result(packer.name + ": bytes of the archive",
                           size_of(place.root + '/' + packer.result), bytes);
            }
            return Latency{};
          },
          place.bytes};
}

Packer pack(const std::string& sluice, const Place& place, int level) {
  return {.name = "sluice",
          .result = "sluice.pack",
          .prepare = "rm -f sluice.pack",
          .line = fmt::format("{} run pack {} --output sluice.pack --level {} --quiet", sluice,
                              place.tree, level),
          .unpack = sluice + " run unpack sluice.pack --output out --quiet",
          .same_size = true};
}

Packer tar_zstd(const Place& place, int level) {
  return {.name = "tar, zstd -T2",
          .result = "tar.zst",
          .prepare = "rm -f tar.zst",
          .line = fmt::format("tar -c {} | zstd -q -T2 -{} -o tar.zst", place.tree, level),
          .unpack = "zstd -q -d -c tar.zst | tar -x -C out",
          .same_size = true};
}

// An empty repository is made once and copied before every run; not encrypted, no cache of files.
Packer borg(const Place& place, int level) {
  shell(place,
        "rm -rf borg.empty; mkdir borg.empty; "
        "BORG_BASE_DIR=borg.empty/home borg init -e none borg.empty/repository");
  const std::string borg =
      "BORG_BASE_DIR=$here/borg/home BORG_RELOCATED_REPO_ACCESS_IS_OK=yes "
      "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes borg ";
  return {
      .name = "borg",
      .result = "borg/repository",
      .prepare = "rm -rf borg; cp -a borg.empty borg",
      .line = fmt::format(
          "here=$PWD; {}create -C zstd,{} --files-cache disabled borg/repository::a {} 2>borg.log",
          borg, level, place.tree),
      .unpack = "here=$PWD; cd out; " + borg + "extract $here/borg/repository::a 2>$here/borg.log"};
}

// It always encrypts; its compression "auto" is zstd at a level of its own.
Packer restic(const Place& place) {
  const std::string restic = "RESTIC_PASSWORD=x restic -q --no-cache ";
  shell(place, "rm -rf restic.empty; " + restic + "-r restic.empty init --repository-version 2");
  return {.name = "restic",
          .result = "restic",
          .prepare = "rm -rf restic; cp -a restic.empty restic",
          .line = restic + "-r restic backup " + place.tree,
          .unpack = restic + "-r restic restore latest --target out"};
}

std::vector<Group> groups(const Place& place, bool quick) {
  const std::string sluice = sibling("sluice");
  std::vector<Group> all;
  for (const int level : {3, 9}) {
    if (quick && level != 3) continue;
    all.push_back({.name = fmt::format("archive/pack/level:{}", level),
                   .pinned = false,
                   .contestants = {contestant(place, pack(sluice, place, level)),
                                   contestant(place, tar_zstd(place, level))}});
  }
  Group backups{.name = "archive/pack/backup/level:3",
                .pinned = false,
                .contestants = {contestant(place, pack(sluice, place, 3))}};
  if (has("borg")) backups.contestants.push_back(contestant(place, borg(place, 3)));
  if (has("restic")) backups.contestants.push_back(contestant(place, restic(place)));
  if (backups.contestants.size() > 1) all.push_back(std::move(backups));
  return all;
}

// What is installed differs between machines, so figures can be compared within one run only.
Place make_place(bool quick) {
  Place place{.tree = quick ? "tree_quick" : "tree",
              .root = corpus_directory() + "_archive",
              .checks = quick};
  fs::create_directories(place.root);
  const std::string from = quick ? "/usr/include/c++" : "/usr/include /usr/lib/gcc /usr/share/doc";
  if (!fs::exists(place.root + '/' + place.tree)) {
    shell(place,
          fmt::format("rm -rf {0}.new; mkdir {0}.new; cp -a {1} {0}.new; find {0}.new -type f "
                      "-links 1 -exec sha256sum {{}} + | LC_ALL=C sort | "
                      "awk 'seen[$1]++ {{ print substr($0, 67) }}' | xargs -r -d '\\n' rm; "
                      "mv {0}.new {0}",
                      place.tree, from));
  }
  place.bytes = size_of(place.root + '/' + place.tree);
  return place;
}

// CTest shows it as skipped: nothing was compared.
constexpr int kSkipped = 77;

bool asks_for(int argc, char** argv, std::string_view option) {
  return std::find(argv + 1, argv + argc, option) != argv + argc;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (sibling("sluice").empty() || !has("zstd") || !has("tar")) {
      std::fprintf(stderr,
                   "versus_archive: sluice is not beside this program, or no zstd or tar\n");
      return kSkipped;
    }
    const bool quick = asks_for(argc, argv, "--quick");
    return hold_tournament("versus_archive", argc, argv, groups(make_place(quick), quick));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "versus_archive: %s\n", error.what());
    return 1;
  }
}
