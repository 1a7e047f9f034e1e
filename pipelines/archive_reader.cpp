// pipelines/archive_reader.cpp
// SPDX-License-Identifier: MIT
#include <archive_reader.hpp>

#include <archive_bytes.hpp>
#include <archive_format.hpp>

#include <sluice/os/file.hpp>
#include <sluice/os/inode.hpp>

#include <fmt/format.h>

#include <span>
#include <utility>

namespace sluice::samples {

using sluice::detail::FileKind;
using sluice::detail::Inode;

ArchiveReader::ArchiveReader(const std::string& path) : path_(path) {
  file_ = sluice::detail::open_to_read(path);
  const Inode found = sluice::detail::inode_of(file_, path);
  if (found.kind != FileKind::regular) {
    throw ArchiveError(fmt::format("{}: it is {}; an archive is read at any place, so give a file",
                                   path, found.words()));
  }
  size_bytes_ = found.size_bytes;
  check_head();
  contents_ = read_contents();
}

void ArchiveReader::fail(std::uint64_t offset, std::string_view what) const {
  throw ArchiveError(fmt::format("{}: at byte {}: {}", path_, offset, what));
}

void ArchiveReader::read_exactly(std::uint64_t offset, std::size_t bytes, ByteBuffer& to) const {
  to.clear();
  to.resize(bytes);
  const std::size_t got =
      sluice::detail::read_at(file_, offset, std::span<char>(to.data(), bytes), path_);
  if (got != bytes) fail(offset + got, "the file ends here; it was cut while it was read");
}

void ArchiveReader::check_head() const {
  constexpr std::string_view kForeign =
      "it is no archive of pack, which begins with 8f 73 6c 75 69 63 65 0a; give one";
  if (size_bytes_ < kHeadBytes) fail(0, kForeign);
  ByteBuffer head;
  read_exactly(0, kHeadBytes, head);
  ByteReader in(head.view());
  if (in.bytes(kArchiveMagic.size()) != kArchiveMagic) fail(0, kForeign);
  const std::uint32_t version = in.u32();
  if (version != kArchiveVersion) {
    fail(kArchiveMagic.size(),
         fmt::format("format version {}; this program reads version {}", version, kArchiveVersion));
  }
  if (in.u32() != 0) {
    fail(kHeadBytes - 4, "these four bytes must be zero; the archive is damaged, get another copy");
  }
}

ArchiveContents ArchiveReader::read_contents() const {
  constexpr std::string_view kCut =
      "no footer; the archive was cut short or is damaged, get another copy";
  if (size_bytes_ < kHeadBytes + kFooterBytes) fail(size_bytes_, kCut);
  const std::uint64_t footer_offset = size_bytes_ - kFooterBytes;
  ByteBuffer footer;
  read_exactly(footer_offset, kFooterBytes, footer);
  ByteReader in(footer.view());
  const std::uint64_t index_offset = in.u64();
  const std::uint64_t stored_bytes = in.u64();
  const std::uint64_t raw_bytes = in.u64();
  const std::uint64_t index_checksum = in.u64();
  const std::uint64_t zero = in.u64();
  const std::uint64_t footer_checksum = in.u64();
  if (in.bytes(kArchiveEndMagic.size()) != kArchiveEndMagic ||
      footer_checksum != checksum_of(footer.view().substr(0, kFooterCheckedBytes)) || zero != 0) {
    fail(footer_offset, kCut);
  }
  const bool in_place = index_offset >= kHeadBytes && index_offset <= footer_offset &&
                        stored_bytes == footer_offset - index_offset;
  const bool reasonable =
      raw_bytes <= kMostIndexBytes &&
      (raw_bytes == stored_bytes ||
       (raw_bytes > stored_bytes && raw_bytes / kMostIndexRatio <= stored_bytes));
  if (!in_place || !reasonable) {
    fail(footer_offset,
         fmt::format("the index is declared at byte {} with {} bytes that become {}; "
                     "the archive is damaged, get another copy",
                     index_offset, stored_bytes, raw_bytes));
  }
  ByteBuffer index;
  read_exactly(index_offset, static_cast<std::size_t>(stored_bytes), index);
  if (checksum_of(index.view()) != index_checksum) {
    fail(index_offset, "the index is damaged; get another copy of the archive");
  }
  if (raw_bytes != stored_bytes) {
    ByteBuffer raw;
    const std::string wrong =
        FrameDecompressor().decompress(index.view(), static_cast<std::size_t>(raw_bytes), raw);
    if (!wrong.empty()) {
      fail(index_offset, fmt::format("the index is damaged: {}; get another copy", wrong));
    }
    index = std::move(raw);
  }
  return {std::move(index), index_offset, path_};
}

FetchedFrame ArchiveReader::fetch(std::size_t frame, ByteBuffer memory) const {
  FetchedFrame fetched{.number = static_cast<std::uint32_t>(frame),
                       .record = contents_.frames()[frame],
                       .bytes = std::move(memory)};
  read_exactly(fetched.record.offset, fetched.record.stored_bytes, fetched.bytes);
  return fetched;
}

}  // namespace sluice::samples
