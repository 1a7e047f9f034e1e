// tests/unit/archive_damage_test.cpp: no byte of an archive changes or is missing unnoticed.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <archive_format.hpp>
#include <archive_reader.hpp>
#include <archive_writer.hpp>
#include <support/memory_file.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/serial_archive.hpp>

#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

namespace {

namespace fs = std::filesystem;
using namespace sluice::samples;
using namespace sluice::testing_support;

// Two files, a link and a directory: every part of the format, in as few bytes as possible.
std::string small_archive(const Scratch& scratch) {
  scratch.file("in/file", "some text, some text, some text");
  scratch.file("in/large", std::string(70'000, 'x') + "end");
  fs::create_symlink("file", scratch / "in/link");
  fs::create_hard_link(scratch / "in/file", scratch / "in/name");
  pack_serially({scratch / "in/../in"}, scratch / "archive");
  return content_of(scratch / "archive");
}

void write(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

// What the reader says of these bytes; empty: it finds nothing wrong.
std::string verdict_on(const MemoryFile& file, const std::string& content) {
  file.set(content);
  try {
    verify_serially(file.path());
  } catch (const ArchiveError& error) {
    return error.what();
  }
  return {};
}

// As long as it lives, no file of the process grows beyond a size: writing fails with EFBIG.
class LimitedFileSize {
 public:
  explicit LimitedFileSize(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  LimitedFileSize(const LimitedFileSize&) = delete;
  LimitedFileSize& operator=(const LimitedFileSize&) = delete;
  ~LimitedFileSize() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_ = {};
  void (*handler_)(int);
};

bool is_one_line_about(const std::string& verdict, const std::string& path) {
  return verdict.starts_with(path + ": ") && verdict.find('\n') == std::string::npos;
}

}  // namespace

TEST_CASE("an archive: every flipped bit is found", "[pack]") {
  const Scratch scratch;
  const MemoryFile file;
  const std::string path = file.path();
  const std::string whole = small_archive(scratch);
  REQUIRE(verdict_on(file, whole).empty());
  REQUIRE(whole.size() > 200);
  REQUIRE(whole.size() < 2000);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      CAPTURE(at, bit);
      REQUIRE(is_one_line_about(verdict_on(file, damaged), path));
    }
  }
}

TEST_CASE("an archive: every length but its own is found", "[pack]") {
  const Scratch scratch;
  const MemoryFile file;
  const std::string path = file.path();
  const std::string whole = small_archive(scratch);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    REQUIRE(is_one_line_about(verdict_on(file, whole.substr(0, size)), path));
  }
  for (const std::size_t more : {1U, 8U, 56U, 5000U}) {
    CHECK(is_one_line_about(verdict_on(file, whole + std::string(more, '\0')), path));
  }
  CHECK(is_one_line_about(verdict_on(file, whole + whole), path));
}

TEST_CASE("an archive: what is none is told from what is damaged, and both name file and place",
          "[pack]") {
  const Scratch scratch;
  const MemoryFile file;
  const std::string path = file.path();
  const std::string whole = small_archive(scratch);
  CHECK(
      verdict_on(file, "PK\x03\x04 something else entirely") ==
      path +
          ": at byte 0: it is no archive of pack, which begins with 8f 73 6c 75 69 63 65 0a; give "
          "one");
  CHECK(
      verdict_on(file, "") ==
      path +
          ": at byte 0: it is no archive of pack, which begins with 8f 73 6c 75 69 63 65 0a; give "
          "one");
  CHECK(verdict_on(file, whole.substr(0, 100)) ==
        path +
            ": at byte 44: no footer; the archive was cut short or is damaged, get another copy");
  std::string other = whole;
  other[8] = 2;
  CHECK(verdict_on(file, other) ==
        path + ": at byte 8: format version 2; this program reads version 1");
  other = whole;
  other[20] = static_cast<char>(other[20] ^ 1);
  CHECK(
      verdict_on(file, other) ==
      path +
          ": at byte 16: frame 0: its checksum is wrong; the archive is damaged, get another copy");
  CHECK_THROWS_AS(ArchiveReader(scratch / "missing"), std::system_error);
  CHECK_THROWS_WITH(
      ArchiveReader(scratch.path()),
      scratch.path() + ": it is a directory; an archive is read at any place, so give a file");
  CHECK_THROWS_AS(ArchiveReader(scratch.fifo("fifo")), ArchiveError);
}

TEST_CASE("an archive: a damaged one is not unpacked, and leaves nothing behind", "[pack]") {
  const Scratch scratch;
  std::string damaged = small_archive(scratch);
  damaged[20] = static_cast<char>(damaged[20] ^ 1);
  write(scratch / "damaged", damaged);
  CHECK_THROWS_AS(unpack_serially(scratch / "damaged", scratch / "out"), ArchiveError);
  CHECK_FALSE(fs::exists(scratch / "out"));
  fs::create_directory(scratch / "there");
  CHECK_THROWS_AS(unpack_serially(scratch / "damaged", scratch / "there"), ArchiveError);
  CHECK(fs::is_empty(scratch / "there"));
}

TEST_CASE("an archive: contents that do not match their digest are found by verifying", "[pack]") {
  const Scratch scratch;
  {
    ArchiveWriter writer(scratch / "archive", 3);
    RawFrame frame;
    frame.bytes.append("contents");
    frame.chunks.push_back({.digest = digest_of("other contents"), .size_bytes = 8});
    writer.append(FrameCompressor(3).compress(std::move(frame)));
    writer.commit();
  }
  CHECK_THROWS_WITH(verify_serially(scratch / "archive"),
                    scratch / "archive" +
                        ": at byte 16: frame 0: the digest of chunk 0 is wrong; the archive is "
                        "damaged, get another copy");
}

// A file larger than the process may write fails like a full disk, half-way.
TEST_CASE("an archive: when the disk is full, neither archive nor unpacked files are left",
          "[pack]") {
  const Scratch scratch;
  auto random = random_engine();
  std::string noise(3'000'000, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  scratch.file("in/noise", noise);
  scratch.file("in/a", "small");
  pack_serially({scratch / "in/../in"}, scratch / "archive");
  {
    const LimitedFileSize limited(1'500'000);
    CHECK_THROWS_WITH(pack_serially({scratch / "in"}, scratch / "new/archive"),
                      Catch::Contains("cannot open for writing " + scratch / "new/archive"));
    fs::create_directory(scratch / "new");
    CHECK_THROWS_WITH(pack_serially({scratch / "in"}, scratch / "new/archive"),
                      Catch::Contains("cannot write " + scratch / "new/archive (errno 27)"));
    CHECK(fs::is_empty(scratch / "new"));
    CHECK_THROWS_WITH(unpack_serially(scratch / "archive", scratch / "out"),
                      Catch::Contains("cannot write " + scratch / "out/in/noise (errno 27)"));
    CHECK_FALSE(fs::exists(scratch / "out"));
  }
  CHECK_THROWS_AS(pack_serially({scratch / "in"}, "/dev/full"), std::system_error);
}
