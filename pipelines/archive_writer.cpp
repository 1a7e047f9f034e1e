// pipelines/archive_writer.cpp
// SPDX-License-Identifier: MIT
#include <archive_writer.hpp>

#include <archive_bytes.hpp>
#include <archive_format.hpp>

namespace sluice::samples {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 10;

}  // namespace

ArchiveWriter::ArchiveWriter(const std::string& path, int level)
    : file_(path), index_compressor_(level) {
  ByteWriter head;
  head.bytes(kArchiveMagic);
  head.u32(kArchiveVersion);
  head.u32(0);
  write(head.text());
}

void ArchiveWriter::append(const StoredFrame& frame) {
  write(frame.bytes.view());
  index_.add_frame(frame);
}

ArchiveWriter::Summary ArchiveWriter::commit() {
  const std::string raw = index_.encode();
  ByteBuffer compressed;
  index_compressor_.compress(raw, compressed);
  const bool smaller =
      compressed.size() < raw.size() && raw.size() / kMostIndexRatio < compressed.size();
  const std::string_view stored = smaller ? compressed.view() : std::string_view(raw);
  const std::uint64_t offset = file_.written_bytes() + buffer_.size();
  write(stored);
  write_footer(offset, stored, raw.size());
  flush();
  file_.commit();
  return {.entries = index_.entries(),
          .frames = index_.frames(),
          .chunks = index_.chunks(),
          .index_bytes = stored.size(),
          .archive_bytes = file_.written_bytes()};
}

void ArchiveWriter::write_footer(std::uint64_t index_offset, std::string_view stored_index,
                                 std::uint64_t raw_bytes) {
  ByteWriter footer;
  footer.u64(index_offset);
  footer.u64(stored_index.size());
  footer.u64(raw_bytes);
  footer.u64(checksum_of(stored_index));
  footer.u64(0);
  footer.u64(checksum_of(footer.text()));
  footer.bytes(kArchiveEndMagic);
  write(footer.text());
}

// Small pieces together, large ones from where they are.
void ArchiveWriter::write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() >= kBufferBytes / 4) {
    flush();
    file_.write(bytes);
    return;
  }
  buffer_.reserve(kBufferBytes);
  buffer_.append(bytes);
}

void ArchiveWriter::flush() {
  if (buffer_.empty()) return;
  file_.write(buffer_.view());
  buffer_.clear();
}

}  // namespace sluice::samples
