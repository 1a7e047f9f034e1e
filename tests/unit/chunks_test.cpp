// tests/unit/chunks_test.cpp: chunks() and ChunkReader: every record once, whatever the cuts.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/run.hpp>
#include <sluice/stages/chunks.hpp>
#include <sluice/stages/collect.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/standard_stream.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace sluice;
using namespace sluice::testing_support;

/// Text of one piece, as a worker read it.
struct Text {
  std::string path;
  std::uint64_t offset = 0;
  std::string text;
  std::size_t descriptors = 0;  // open while it was used
};

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

class ReadChunks {
 public:
  using Out = Text;
  void process(const stages::Chunk& chunk, Emitter<Text>& out) {
    reader_.read(chunk, out.context(), [&](const stages::Piece& piece, std::string_view text) {
      out.emit({piece.path(), piece.offset(), std::string(text), open_descriptors()});
    });
  }

 private:
  stages::ChunkReader reader_;
};

struct Outcome {
  std::vector<Text> texts;
  std::vector<DeadLetter> dead;
  Report report;
  std::map<std::string, std::string> joined;  // by path
};

Outcome read_chunks(const stages::Paths& paths, const stages::ChunkOptions& options,
                    std::size_t workers = 2) {
  Outcome outcome;
  Pipeline p("chunks");
  p.source("read", stages::chunks(paths, options)) |
      stage("load", factory([] { return ReadChunks(); }), {.workers = workers, .capacity = 4}) |
      sink("collect", stages::collect(outcome.texts));
  RunOptions run_options;
  run_options.on_dead_letter = [&](const DeadLetter& letter) { outcome.dead.push_back(letter); };
  outcome.report = run(p, std::move(run_options));
  std::sort(outcome.texts.begin(), outcome.texts.end(), [](const Text& a, const Text& b) {
    return a.path != b.path ? a.path < b.path : a.offset < b.offset;
  });
  for (const Text& text : outcome.texts) outcome.joined[text.path] += text.text;
  CHECK(outcome.report.ledger.balanced);
  return outcome;
}

std::string random_text(std::mt19937_64& random, std::size_t size, unsigned kinds) {
  std::string text(size, '\0');
  for (char& byte : text) byte = static_cast<char>('a' + random() % kinds);
  return text;
}

}  // namespace

TEST_CASE("chunks: the pieces are the file, and each holds the records that begin in it",
          "[stages]") {
  const Scratch scratch;
  auto random = random_engine();
  for (const unsigned kinds : {2U, 26U, 120U}) {  // records of 2, 26, 120 bytes on average
    const std::string text = random_text(random, 5000, kinds);
    const std::string path = scratch.file("random", text);
    for (const std::size_t chunk_bytes : {1U, 2U, 3U, 17U, 256U, 4999U, 5000U, 9999U}) {
      INFO("kinds " << kinds << ", chunk_bytes " << chunk_bytes);
      const stages::ByteSet cut("a");
      const Outcome outcome = read_chunks(path, {.chunk_bytes = chunk_bytes, .cut_after = cut}, 3);
      CHECK(outcome.joined.at(path) == text);
      bool whole = true;
      bool in_place = true;
      std::size_t at = 0;
      for (const Text& piece : outcome.texts) {
        at += piece.text.size();
        whole = whole && (at == text.size() || piece.text.back() == 'a');
        // Its first record begins inside the piece.
        const std::size_t begin = at - piece.text.size();
        in_place = in_place && begin >= piece.offset && begin < piece.offset + chunk_bytes;
      }
      CHECK(whole);
      CHECK(in_place);
      CHECK(outcome.report.stage("read").bytes == text.size());
      CHECK(outcome.report.stage("read").expected_bytes == text.size());
    }
  }
}

TEST_CASE("chunks: a record longer than many chunks belongs to the first of them", "[stages]") {
  const Scratch scratch;
  const std::string text = "a\n" + std::string(300'000, 'x') + "\nb\n" + std::string(100'000, 'y');
  const std::string path = scratch.file("long", text);
  const Outcome outcome = read_chunks(path, {.chunk_bytes = 1000});
  CHECK(outcome.joined.at(path) == text);
  REQUIRE(outcome.texts.size() == 2);  // in which "a" and the run of x begin, and "b" and y
  CHECK(outcome.texts[0].text == text.substr(0, 300'003));
  CHECK(outcome.texts[1].text == text.substr(300'003));
}

TEST_CASE("chunks: small files share a chunk, in the order of the walk", "[stages]") {
  const Scratch scratch;
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 500; ++i) {
    const std::string text = i % 10 == 0 ? "" : "file " + std::to_string(i);
    const std::string path =
        scratch.file("d" + std::to_string(i % 7) + "/" + std::to_string(i), text);
    if (!text.empty()) expected[path] = text;
  }
  const std::size_t before = open_descriptors();
  const Outcome outcome = read_chunks(scratch.path(), {});
  CHECK(outcome.joined == expected);
  CHECK(outcome.report.stage("read").out < 250);
  // Standard streams and what the run itself needs, but no file per item.
  for (const Text& text : outcome.texts) {
    if (text.descriptors > before + 16) CHECK(text.descriptors == before);
  }
}

TEST_CASE("chunks: what can't be read is a dead letter, once a file, and the rest goes on",
          "[stages]") {
  namespace fs = std::filesystem;
  const Scratch scratch;
  const std::string good = scratch.file("good", "good\n");
  const std::string loop = scratch / "loop";
  fs::create_symlink(loop, loop);
  // Found by walking directory by directory, but too long to be opened by its path.
  const fs::path start = fs::current_path();
  const std::string name(250, 'n');
  fs::current_path(scratch.path());
  for (int depth = 0; depth < 17; ++depth) {
    fs::create_directory(name);
    fs::current_path(name);
  }
  std::ofstream("deep") << "deep text of several chunks";
  fs::current_path(start);

  const Outcome outcome = read_chunks(
      {scratch / "missing", loop, "/proc/self/mem", scratch / name, good}, {.chunk_bytes = 4}, 1);
  CHECK(outcome.joined == std::map<std::string, std::string>{{good, "good\n"}});
  REQUIRE(outcome.dead.size() == 4);
  std::vector<std::string> errors;
  for (const DeadLetter& letter : outcome.dead) errors.push_back(letter.error);
  std::sort(errors.begin(), errors.end());
  CHECK(errors ==
        std::vector<std::string>{"cannot open: File name too long (errno 36)",
                                 "cannot open: No such file or directory (errno 2)",
                                 "cannot open: Too many levels of symbolic links (errno 40)",
                                 "cannot read: Input/output error (errno 5)"});
}

TEST_CASE("chunks: files that hide their size, standard input and FIFOs are read as well",
          "[stages]") {
  const Scratch scratch;
  const std::string fifo = scratch.fifo("fifo");
  StandardStream input(STDIN_FILENO);
  REQUIRE(input.feed("standard\ninput"));
  input.close_other();
  std::thread writer([&] { std::ofstream(fifo) << "from\nfifo\n"; });
  const Outcome outcome =
      read_chunks({"-", fifo, "/proc/self/mounts", "/proc/version"}, {.chunk_bytes = 64});
  writer.join();
  CHECK(outcome.joined.at("-") == "standard\ninput");
  CHECK(outcome.joined.at(fifo) == "from\nfifo\n");
  CHECK(outcome.joined.at("/proc/version") == content_of("/proc/version"));
  CHECK(outcome.joined.at("/proc/self/mounts") == content_of("/proc/self/mounts"));
  CHECK(outcome.dead.empty());
}

TEST_CASE("chunks: all pieces are of one file, even if its name is given to another meanwhile",
          "[stages]") {
  const Scratch scratch;
  const std::string text(10'000, 'o');
  const std::string path = scratch.file("file", text);
  scratch.file("other", std::string(10'000, 'n'));
  std::string got;
  Pipeline p("swap");
  stages::ChunkReader reader;
  p.source("read", stages::chunks(path, {.chunk_bytes = 100, .cut_after = ~stages::ByteSet()})) |
      sink("swap", [&](const stages::Chunk& chunk, Context& context) {
        reader.read(chunk, context,
                    [&](const stages::Piece&, std::string_view piece) { got += piece; });
        std::error_code none;  // the second time there is nothing to rename
        std::filesystem::rename(scratch / "other", path, none);
      });
  static_cast<void>(run(p));
  CHECK(got == text);
  CHECK(content_of(path)[0] == 'n');
}

TEST_CASE("chunks: a file that shrank gives what is left of it", "[stages]") {
  const Scratch scratch;
  const std::string path = scratch.file("file", std::string(10'000, 'x'));
  std::string got;
  bool shrunk = false;
  Pipeline p("shrink");
  stages::ChunkReader reader;
  p.source("read", stages::chunks(path, {.chunk_bytes = 1000, .cut_after = ~stages::ByteSet()})) |
      sink("shrink", [&](const stages::Chunk& chunk, Context& context) {
        if (!std::exchange(shrunk, true)) std::filesystem::resize_file(path, 2500);
        reader.read(chunk, context,
                    [&](const stages::Piece&, std::string_view piece) { got += piece; });
      });
  const Report report = run(p);
  CHECK(got == std::string(2500, 'x'));
  CHECK(report.dead_letters == 0);
}
