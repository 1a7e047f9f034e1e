// pipelines/thumbnails_cli_test.cpp: thumbnails as a command: what it makes, prints and returns.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <pipelines/child_program.hpp>
#include <support/image_files.hpp>
#include <support/places.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/watchdog.hpp>

#include <nlohmann/json.hpp>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice::samples;
using namespace sluice::testing_support;
using Catch::Matchers::Contains;
using Words = std::vector<std::string>;

Words words_of(Words words) {
  words.insert(words.begin(), {SLUICE_COMMAND, "run", "thumbnails"});
  return words;
}
Ended cli(Words words) {
  words.emplace_back("--quiet");
  return run_program(words_of(std::move(words)));
}

Words names_below(const std::string& directory) {
  Words names;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_directory()) names.push_back(entry.path().string().substr(directory.size() + 1));
  }
  std::sort(names.begin(), names.end());
  return names;
}

// One line, that exit code.
std::string one_line(int exit_code, Words words) {
  const Ended ended = cli(std::move(words));
  CHECK(ended.exit_code == exit_code);
  CHECK(ended.out.empty());
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  return ended.err;
}

}  // namespace

TEST_CASE("thumbnails: makes them, prints nothing, exit code 0, and 3 with dead letters",
          "[thumbnails][cli]") {
  auto random = random_engine();
  const Scratch scratch;
  const std::string jpeg = made_jpeg(made_photo({300, 200}, 3, random));
  scratch.file("in/a/photo.jpg", jpeg);
  scratch.file("in/photo.png", made_png(made_photo({200, 300}, 4, random)));
  scratch.file("in/notes.txt", "no image");
  const Ended plain = cli({scratch / "in", "--output", scratch / "out"});
  CHECK(plain.exit_code == 0);
  CHECK(plain.out.empty());
  CHECK(plain.err.empty());
  CHECK(names_below(scratch / "out") == Words{"a/photo.jpg.jpg", "photo.png.jpg"});
  CHECK(content_of(scratch / "out/photo.png.jpg").starts_with("\xFF\xD8\xFF"));
  const std::string cut = scratch.file("in/cut.jpg", jpeg.substr(0, 500));
  const Ended dead =
      cli({scratch / "in", "--output", scratch / "png", "--format", "png", "--size", "16"});
  CHECK(dead.exit_code == 3);
  CHECK_THAT(dead.err, Contains("dead letter: stage shrink, item ") &&
                           Contains(", " + cut + ": JPEG: Premature end of JPEG file"));
  CHECK(names_below(scratch / "png") == Words{"a/photo.jpg.png", "photo.png.png"});
  CHECK(content_of(scratch / "png/photo.png.png").starts_with("\x89PNG"));
  const Ended named = cli({scratch / "in/notes.txt", "--output", scratch / "out"});
  CHECK(named.exit_code == 3);
  CHECK_THAT(named.err, Contains(scratch / "in/notes.txt: neither JPEG nor PNG"));
}

TEST_CASE("thumbnails: overrides and report work, and change no byte", "[thumbnails][cli]") {
  auto random = random_engine();
  const Scratch scratch;
  for (int i = 0; i < 8; ++i) {
    scratch.file("in/" + std::to_string(i), made_jpeg(made_photo({120, 90}, 3, random)));
  }
  CHECK(cli({scratch / "in", "--output", scratch / "one"}).exit_code == 0);
  for (const char* workers : {"1", "2", "3", "4"}) {
    const std::string out = scratch / "of " + workers;
    const Ended ended =
        cli({scratch / "in", "--output", out, "--workers", std::string("shrink=") + workers,
             "--workers", std::string("encode=") + workers, "--workers",
             std::string("write=") + workers, "--capacity", "shrink=1", "--capacity", "encode=1",
             "--capacity", "write=1", "--report", scratch / "report"});
    CHECK(ended.exit_code == 0);
    CHECK(names_below(out) == names_below(scratch / "one"));
    for (const std::string& name : names_below(out)) {
      CHECK((content_of(out + '/' + name) == content_of(scratch / "one/" + name)));
    }
    const auto json = nlohmann::json::parse(content_of(scratch / "report"));
    CHECK(json["stages"][2]["name"] == "shrink");
    CHECK(json["stages"][2]["out"] == 8);
    CHECK(json["ledger"]["balanced"] == true);
  }
}

TEST_CASE("thumbnails: arguments that mean nothing are told in one line, exit code 2",
          "[thumbnails][cli]") {
  for (const char* size : {"0", "16385", "18446744073709551615"}) {
    CHECK_THAT(one_line(2, {"x", "--output", "y", "--size", size}),
               Contains(std::string("--size ") + size) && Contains("give 1 to 16384 pixels"));
  }
  CHECK_THAT(one_line(2, {"x", "--output", "y", "--size", "-5"}), Contains("size"));
  CHECK_THAT(one_line(2, {"x", "--output", "y", "--size", "big"}), Contains("size"));
  CHECK_THAT(one_line(2, {"x", "--output", "y", "--format", "gif"}), Contains("gif"));
  CHECK_THAT(one_line(2, {"x"}), Contains("output"));
  CHECK_THAT(one_line(2, {"-", "--output", "y"}), Contains("give ./- for a file of that name"));
  CHECK_THAT(one_line(2, {"x", "--output", "-"}), Contains("standard output is no directory"));
  CHECK_FALSE(fs::exists("y"));
}

TEST_CASE("thumbnails: its --format is the command's where the command has one",
          "[thumbnails][cli]") {
  const Words words{SLUICE_COMMAND, "graph", "thumbnails", "x", "--output", "y", "--format"};
  const auto graph = [&](const std::string& format) {
    Words all = words;
    all.push_back(format);
    return run_program(all);
  };
  CHECK_THAT(graph("mermaid").out, Contains("flowchart") && Contains("shrink"));
  CHECK_THAT(graph("dot").out, Contains("digraph") && Contains("shrink"));
  CHECK(graph("png").exit_code == 2);
  CHECK_FALSE(fs::exists("y"));
}

TEST_CASE("thumbnails: a directory that can't be made or written fails the run in one line",
          "[thumbnails][cli]") {
  auto random = random_engine();
  const Scratch scratch;
  scratch.file("in/photo.jpg", made_jpeg(made_photo({64, 64}, 3, random)));
  const std::string file = scratch.file("file", "x");
  CHECK_THAT(one_line(1, {scratch / "in", "--output", scratch / "gone/out"}),
             Contains("cannot make " + scratch / "gone/out") && Contains("No such file"));
  CHECK_THAT(one_line(1, {scratch / "in", "--output", file}), Contains(file));
  fs::create_directories(scratch / "out/photo.jpg.jpg/x");
  CHECK_THAT(one_line(1, {scratch / "in", "--output", scratch / "out"}),
             Contains("cannot rename to " + scratch / "out/photo.jpg.jpg"));
  CHECK(names_below(scratch / "out").empty());  // and no temporary file
}

// A file that may not grow is as good as a full disk.
TEST_CASE("thumbnails: a full disk is told in one line and leaves no half of a file",
          "[thumbnails][cli]") {
  auto random = random_engine();
  const Scratch scratch;
  scratch.file("in/large.png", made_png(made_noise({300, 300}, 3, random)));
  const Ended ended =
      run_program({"/bin/sh", "-c",
                   "cd " + scratch.path() +
                       "; trap '' XFSZ; ulimit -f 40; exec " SLUICE_COMMAND
                       " run thumbnails in --output out --format png --quiet"
                       " --carrier shrink=pool"});  // memory files can't grow either
  CHECK(ended.exit_code == 1);
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  CHECK_THAT(ended.err, Contains("cannot write out/large.png.png (errno 27): File too large"));
  CHECK(names_below(scratch / "out").empty());
}

TEST_CASE("thumbnails: files and directories without permission are dead letters",
          "[thumbnails][cli]") {
  auto random = random_engine();
  const Scratch scratch;
  const std::string jpeg = made_jpeg(made_photo({64, 64}, 3, random));
  scratch.file("in/closed/f.jpg", jpeg);
  scratch.file("in/good.jpg", jpeg);
  const std::string unreadable = scratch.file("in/unreadable.jpg", jpeg);
  fs::create_directory(scratch / "out");
  fs::permissions(scratch.path(), fs::perms{0755});
  fs::permissions(scratch / "out", fs::perms::all);
  fs::permissions(scratch / "in/closed", fs::perms::none);
  fs::permissions(unreadable, fs::perms::none);
  Words words = words_of({scratch / "in", "--output", scratch / "out", "--quiet"});
  if (::geteuid() == 0) {  // whom no permission stops: the command runs as somebody else
    const Words nobody{"/usr/bin/env", "setpriv", "--reuid=65534", "--regid=65534",
                       "--clear-groups"};
    Words probe = nobody;
    probe.insert(probe.end(), {SLUICE_COMMAND, "list"});
    if (!fs::exists("/usr/bin/setpriv") || run_program(probe).exit_code != 0) {
      WARN("skipped: root can read everything, and the command can't be run as nobody");
      SUCCEED("nothing to look at");
      return;
    }
    words.insert(words.begin(), nobody.begin(), nobody.end());
  }
  const Ended ended = run_program(words);
  CHECK(ended.exit_code == 3);
  CHECK_THAT(ended.err, Contains(scratch / "in/closed" + ": cannot open: Permission denied") &&
                            Contains("cannot open " + unreadable));
  CHECK(names_below(scratch / "out") == Words{"good.jpg.jpg"});
  fs::permissions(scratch / "in/closed", fs::perms::owner_all);
}

// Of the address space, which sanitizers need more of; there the dimensions are judged all the
// same.
TEST_CASE("thumbnails: files that ask for gigabytes don't get them", "[thumbnails][cli]") {
  auto random = random_engine();
  const Scratch scratch;
  const std::string jpeg = made_jpeg(made_photo({64, 64}, 3, random));
  const std::string progressive = made_jpeg(made_photo({64, 64}, 3, random), {.progressive = true});
  const std::string png = made_png(made_photo({64, 64}, 4, random), true);
  scratch.file("in/1.jpg", with_jpeg_dimensions(jpeg, 65'500, 65'500));
  scratch.file("in/2.jpg", with_jpeg_dimensions(progressive, 65'500, 65'500));
  scratch.file("in/3.jpg", with_jpeg_dimensions(progressive, 9'000, 11'000));
  scratch.file("in/4.png", with_png_dimensions(png, 65'500, 65'500));
  scratch.file("in/good.jpg", jpeg);
  const std::string limit = kUnderSanitizer ? "" : "ulimit -v 1000000; ";
  const Ended ended =
      run_program({"/bin/sh", "-c",
                   "cd " + scratch.path() + "; " + limit +
                       "exec " SLUICE_COMMAND " run thumbnails in --output out --quiet"});
  CHECK(ended.exit_code == 3);
  CHECK_THAT(ended.err, Contains("in/1.jpg: 65500 x 65500 pixels: more than 100 megapixels") &&
                            Contains("in/2.jpg: 65500 x 65500 pixels: more than 100 megapixels") &&
                            Contains("in/3.jpg: decoding it takes 566 MiB at once") &&
                            Contains("in/4.png: 65500 x 65500 pixels: more than 100 megapixels"));
  CHECK(names_below(scratch / "out") == Words{"good.jpg.jpg"});
}

TEST_CASE("thumbnails: writing in a worker process, which could leave half a file, is refused",
          "[thumbnails][cli]") {
  const Scratch scratch;
  const std::string refusal =
      one_line(2, {scratch.path(), "--output", scratch / "out", "--carrier", "write=process"});
  CHECK_THAT(refusal, Contains("stage write: it can't run on carrier process: it keeps something"));
}

TEST_CASE("thumbnails: an interrupt leaves whole files only, exit code 130", "[thumbnails][cli]") {
  auto random = random_engine();
  const Scratch scratch;
  const std::string png = made_png(made_noise({700, 700}, 3, random));
  fs::create_directory(scratch / "in");
  const std::string first = scratch.file("in/0", png);
  for (int i = 1; i < 400; ++i) fs::create_hard_link(first, scratch / "in/" + std::to_string(i));
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string out = scratch / "out" + std::to_string(signal);
    ChildProgram child(words_of({scratch / "in", "--output", out, "--format", "png", "--capacity",
                                 "read=1", "--grace", "1000", "--quiet"}));
    wait_until([&] { return fs::exists(out) && names_below(out).size() > 2; });
    child.send(signal);
    const Ended ended = child.wait();
    CHECK(ended.exit_code == 130);
    const Words names = names_below(out);
    CHECK(names.size() < 400);
    for (const std::string& name : names) CHECK_THAT(name, !Contains("partial"));
    const std::string whole = content_of(out + '/' + names.front());
    for (const std::string& name : names) CHECK((content_of(out + '/' + name) == whole));
  }
}

TEST_CASE("thumbnails: photographs of a Debian package, with damaged ones among them",
          "[thumbnails][cli]") {
  const Words photos = installed_photos();
  if (photos.empty()) {
    WARN("skipped: golang-github-rwcarlsen-goexif-dev is not installed");
    SUCCEED("nothing to look at");
    return;
  }
  const Scratch scratch;
  Words words = photos;
  words.insert(words.end(), {"--output", scratch / "out", "--dead-letters", scratch / "dead"});
  const Ended ended = cli(words);
  CHECK(ended.exit_code == 3);
  const auto made = names_below(scratch / "out").size();
  const std::string letters = content_of(scratch / "dead");
  const auto dead = static_cast<std::size_t>(std::count(letters.begin(), letters.end(), '\n'));
  CHECK(made >= 10);
  CHECK(made + dead == photos.size());
}

namespace {

// Good ones, and copies with bytes flipped or the end cut off.
void make_damaged_album(const Scratch& scratch, std::mt19937_64& random) {
  Words images;
  for (const std::string& path : installed_photos()) images.push_back(content_of(path));
  for (int i = 0; i < 12; ++i) {
    images.push_back(made_jpeg(made_photo({320, 240}, 3, random)));
    images.push_back(made_png(made_photo({200, 150}, 3, random)));
  }
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::string number = std::to_string(i);
    scratch.file("in/whole" + number, images[i]);
    std::string flipped = images[i];
    for (int times = 0; times < 8; ++times) {
      flipped[random() % flipped.size()] ^= static_cast<char>(1U << random() % 8);
    }
    scratch.file("in/flipped" + number, flipped);
    scratch.file("in/cut" + number, images[i].substr(0, random() % images[i].size()));
  }
}

struct Album {
  std::map<std::string, std::string> files{};
  std::map<std::string, std::string> dead{};  // path, reason
  nlohmann::json shrink{};                    // of the report
};

Album album_of(const Scratch& scratch, Words words) {
  const Scratch place;
  words.insert(words.begin(), {scratch / "in", "--output", place / "out", "--dead-letters",
                               place / "dead", "--report", place / "report"});
  const Ended ended = cli(words);
  INFO(ended.err);
  CHECK(ended.exit_code == 3);
  Album album;
  for (const std::string& name : names_below(place / "out")) {
    album.files[name] = content_of(place / "out/" + name);
  }
  std::istringstream lines(content_of(place / "dead"));
  for (std::string line; std::getline(lines, line);) {
    const auto letter = nlohmann::json::parse(line);
    CHECK(letter["stage"] == "shrink");
    album.dead[letter["subject"]] = letter["error"];
  }
  const auto report = nlohmann::json::parse(content_of(place / "report"));
  CHECK(report["ledger"]["balanced"] == true);
  album.shrink = report["stages"][2];
  return album;
}

}  // namespace

TEST_CASE("thumbnails: strangers' images are decoded in processes, and kills change nothing",
          "[thumbnails][cli]") {
  auto random = random_engine();
  const Scratch scratch;
  make_damaged_album(scratch, random);
  const Album expected = album_of(scratch, {"--carrier", "shrink=pool"});
  REQUIRE(expected.files.size() >= 24);
  REQUIRE(expected.dead.size() >= 6);
  const Album plain = album_of(scratch, {});
  CHECK(plain.shrink["carrier"] == "process");
  CHECK((plain.files == expected.files));
  CHECK(plain.dead == expected.dead);
  std::uint64_t deaths = 0;
  for (int seed = 1; deaths < 10; ++seed) {
    CAPTURE(seed);
    const std::string rate = kUnderSanitizer ? "5" : "40";
    const Album killed =
        album_of(scratch, {"--chaos", "kill=shrink:" + rate + ",seed=" + std::to_string(seed)});
    deaths += killed.shrink["deaths"].get<std::uint64_t>();
    // One that is struck at each of its three attempts is given up, with its path.
    std::size_t struck = 0;
    for (const auto& [path, reason] : killed.dead) {
      if (expected.dead.contains(path)) continue;
      CHECK_THAT(reason, Contains("its process died 3 times"));
      ++struck;
    }
    CHECK(killed.files.size() + struck == expected.files.size());
    for (const auto& [name, bytes] : killed.files) CHECK((bytes == expected.files.at(name)));
  }
}
