// tests/unit/archive_fuzz_test.cpp: thousands of broken archives, none of which crashes the reader.
//
// Valid archives are mutated: bits flipped, parts cut out, doubled or taken from another archive,
// numbers replaced by extreme ones. Checksums are made right again, so that what lies behind them
// is reached. An archive that still opens is listed, verified and unpacked, and nothing may appear
// outside the output directory. Allowed is one line of complaint; a sanitizer build finds what is
// done on the way. SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <archive_bytes.hpp>
#include <archive_format.hpp>
#include <archive_frame.hpp>
#include <archive_reader.hpp>
#include <support/memory_file.hpp>
#include <support/scale.hpp>
#include <support/scratch.hpp>
#include <support/seeds.hpp>
#include <support/serial_archive.hpp>

#include <sluice/os/entry_maker.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <system_error>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace sluice::samples;
using namespace sluice::testing_support;

// An archive in its parts.
struct Parts {
  std::string frames;  // with the head
  std::string index;   // raw
  std::vector<FrameRecord> records;
};

Parts parts_of(const std::string& archive) {
  const MemoryFile file;
  file.set(archive);
  const ArchiveReader reader(file.path());
  ByteReader footer(std::string_view(archive).substr(archive.size() - kFooterBytes));
  const std::uint64_t index_offset = footer.u64();
  const std::uint64_t stored = footer.u64();
  const std::uint64_t raw = footer.u64();
  Parts parts{.frames = archive.substr(0, index_offset),
              .index = archive.substr(index_offset, stored),
              .records = reader.contents().frames()};
  if (raw != stored) {
    ByteBuffer bytes;
    REQUIRE(FrameDecompressor().decompress(parts.index, raw, bytes) == "");
    parts.index = std::string(bytes.view());
  }
  return parts;
}

struct Footer {
  std::uint64_t index_offset = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t checksum = 0;
};

std::string text_of(const Footer& footer) {
  ByteWriter out;
  out.u64(footer.index_offset);
  out.u64(footer.stored_bytes);
  out.u64(footer.raw_bytes);
  out.u64(footer.checksum);
  out.u64(0);
  out.u64(checksum_of(out.text()));
  out.bytes(kArchiveEndMagic);
  return out.text();
}

// The index stored raw: the reader takes that, and its bytes stay where they are.
std::string joined(const Parts& parts) {
  const Footer footer{.index_offset = parts.frames.size(),
                      .stored_bytes = parts.index.size(),
                      .raw_bytes = parts.index.size(),
                      .checksum = checksum_of(parts.index)};
  return parts.frames + parts.index + text_of(footer);
}

class Mutator {
 public:
  explicit Mutator(std::vector<Parts> seeds) : seeds_(std::move(seeds)) {}

  std::string next() {
    Parts parts = seeds_[below(seeds_.size())];
    switch (below(8)) {
      case 0: {  // no checksum made right
        std::string archive = joined(parts);
        mutate(archive);
        return archive;
      }
      case 1:
        return with_footer(parts);
      case 2:
        mutate_frame(parts);
        return joined(parts);
      case 3: {  // through the decompressor
        mutate(parts.index);
        return with_compressed_index(parts);
      }
      default:
        for (std::uint64_t i = below(3); i > 0; --i) mutate(parts.index);
        mutate(parts.index);
        return joined(parts);
    }
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : random_() % limit; }

  std::uint64_t extreme() {
    const std::uint64_t interesting[] = {0,
                                         1,
                                         2,
                                         127,
                                         128,
                                         255,
                                         256,
                                         4095,
                                         4096,
                                         65535,
                                         65536,
                                         65537,
                                         kFrameBytes,
                                         1U << 21,
                                         1U << 31,
                                         kMostNumber,
                                         kMostIndexBytes,
                                         ~0ULL,
                                         ~0ULL >> 1,
                                         1ULL << 63,
                                         1ULL << 40,
                                         ~0ULL - 15};
    return interesting[below(std::size(interesting))] + below(3) - 1;
  }

  void mutate(std::string& bytes) {
    const std::size_t at = below(bytes.size() + 1);
    const std::size_t size = below(std::min<std::size_t>(bytes.size() - at, 1 + below(40)) + 1);
    ByteWriter number;
    switch (below(8)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random_());
        break;
      case 2:
        bytes.erase(at, size);
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, size));
        break;
      case 4:
        bytes.resize(at);
        break;
      case 5:
        number.varint(extreme());
        bytes.replace(at, std::min<std::size_t>(1, bytes.size() - at), number.text());
        break;
      case 6: {  // a piece of another archive
        const std::string& other = seeds_[below(seeds_.size())].index;
        const std::size_t from = below(other.size());
        bytes.replace(at, size, other.substr(from, 1 + below(40)));
        break;
      }
      default:
        number.u64(extreme());
        bytes.replace(at, std::min<std::size_t>(8, bytes.size() - at), number.text());
        break;
    }
  }

  // Damages the stored bytes of a frame, not its size, and makes its checksum right.
  void mutate_frame(Parts& parts) {
    if (parts.records.empty()) return;
    const FrameRecord& record = parts.records[below(parts.records.size())];
    std::string stored = parts.frames.substr(record.offset, record.stored_bytes);
    ByteWriter before;
    before.u64(checksum_of(stored));
    for (std::uint64_t i = 1 + below(4); i > 0; --i) {
      const std::size_t most = below(2) == 0 ? stored.size() : 20;  // its header matters most
      stored[below(std::min(most, stored.size()))] = static_cast<char>(random_());
    }
    ByteWriter after;
    after.u64(checksum_of(stored));
    parts.frames.replace(record.offset, stored.size(), stored);
    const std::size_t at = parts.index.find(before.text());
    if (at != std::string::npos) parts.index.replace(at, 8, after.text());
  }

  std::string with_footer(const Parts& parts) {
    Footer footer{.index_offset = parts.frames.size(),
                  .stored_bytes = parts.index.size(),
                  .raw_bytes = parts.index.size(),
                  .checksum = checksum_of(parts.index)};
    std::uint64_t* const fields[] = {&footer.index_offset, &footer.stored_bytes, &footer.raw_bytes,
                                     &footer.checksum};
    std::uint64_t& field = *fields[below(4)];
    field = below(2) == 0 ? extreme() : field + below(5) - 2;
    return parts.frames + parts.index + text_of(footer);
  }

  std::string with_compressed_index(const Parts& parts) {
    ByteBuffer compressed;
    compressor_.compress(parts.index, compressed);
    std::string stored(compressed.view());
    if (below(2) == 0) mutate(stored);
    const Footer footer{.index_offset = parts.frames.size(),
                        .stored_bytes = stored.size(),
                        .raw_bytes = below(4) == 0 ? extreme() : parts.index.size(),
                        .checksum = checksum_of(stored)};
    return parts.frames + stored + text_of(footer);
  }

  std::mt19937_64 random_ = random_engine();
  std::vector<Parts> seeds_;
  FrameCompressor compressor_{3};
};

std::vector<Parts> seed_archives() {
  std::vector<Parts> seeds;
  const Scratch scratch;
  auto random = random_engine(1);
  fs::create_directories(scratch / "in/empty");
  seeds.push_back(parts_of([&] {
    pack_serially({scratch / "in/../in"}, scratch / "archive");
    return content_of(scratch / "archive");
  }()));
  for (int i = 0; i < 12; ++i) {
    scratch.file("in/d" + std::to_string(i % 3) + "/f" + std::to_string(i),
                 std::string(random() % 90'000, static_cast<char>('a' + i % 5)));
  }
  fs::create_symlink("../..", scratch / "in/d0/up");
  fs::create_symlink("/tmp", scratch / "in/d1/out");
  fs::create_hard_link(scratch / "in/d1/f1", scratch / "in/d2/hard");
  for (const char* root : {"in/../in", "in/d0/.."}) {
    pack_serially({scratch / root}, scratch / "archive");
    seeds.push_back(parts_of(content_of(scratch / "archive")));
  }
  std::string noise(2'300'000, '\0');  // more than one frame
  for (char& byte : noise) byte = static_cast<char>(random());
  scratch.file("in/noise", noise);
  pack_serially({scratch / "in/../in"}, scratch / "archive");
  seeds.push_back(parts_of(content_of(scratch / "archive")));
  return seeds;
}

// Does with the archive all that can be done. Returns  how far that went.
std::string use(const std::string& path, const std::string& output) {
  try {
    const ArchiveReader reader(path);
    std::uint64_t content_bytes = 0;
    for (std::size_t i = 0; i < reader.contents().entries().size(); ++i) {
      const std::string shown = reader.contents().path(i);
      if (shown.size() > kMostPathBytes) return "a path beyond the limit";
      const std::uint64_t size = reader.contents().entries()[i].size_bytes;
      content_bytes += std::min<std::uint64_t>(size, 1U << 30);
    }
    verify_serially(path);
    // Absurd contents are an honest wish: a disk would be full of them.
    if (content_bytes > (1U << 24)) return "opened";
    unpack_serially(path, output);
    return "unpacked";
  } catch (const ArchiveError& error) {
    const std::string text = error.what();
    return text.find('\n') == std::string::npos ? "refused" : "more than one line: " + text;
  } catch (const std::system_error&) {
    return "refused by the system";
  }
}

}  // namespace

TEST_CASE("an archive, however broken, is read or refused, and nothing appears outside", "[pack]") {
  Mutator mutator(seed_archives());
  const Scratch scratch;
  const auto here = sluice::detail::open_directory(scratch.path());
  const MemoryFile file;
  scratch.file("neighbour/file", "untouched");
  std::map<std::string, int> outcomes;
  const int inputs = kUnderSanitizer ? 2000 : 6000;
  for (int i = 0; i < inputs; ++i) {
    file.set(mutator.next());
    const auto before = snapshot(scratch / "neighbour");
    ++outcomes[use(file.path(), scratch / "out")];
    REQUIRE(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()) <= 2);
    REQUIRE(snapshot(scratch / "neighbour") == before);
    sluice::detail::remove_entry_tree(here, "out");
  }
  int known = 0;
  for (const char* outcome : {"refused", "refused by the system", "opened", "unpacked"}) {
    known += outcomes[outcome];
  }
  std::string counts = "seed " + std::to_string(seed());
  for (const auto& [outcome, count] : outcomes) {
    counts += ", " + outcome + " " + std::to_string(count);
  }
  WARN(counts);
  CHECK(known == inputs);
  // The checks behind the checksums were reached, and passed as well as failed.
  CHECK(outcomes["refused"] > inputs / 4);
  CHECK(outcomes["unpacked"] > inputs / 50);
}
