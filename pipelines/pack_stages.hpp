// pipelines/pack_stages.hpp: the stages of `pack` behind its source (pack_items.hpp shows them).
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <buffer_pool.hpp>
#include <frame_grouper.hpp>
#include <pack_items.hpp>

#include <sluice/emitter.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::samples {

// Memory of contents and frames comes from a pool that all stages of a run share.

/// Reads the files of a job, cuts and digests them. What fails is noted in the job, so that the
/// order and the numbers of entries survive.
///
/// Blocks   while the file system reads.
class CutFiles {
 public:
  explicit CutFiles(std::shared_ptr<BufferPool> buffers) : buffers_(std::move(buffers)) {}

  [[nodiscard]] PackJob operator()(PackJob job);

 private:
  void cut(EntryPart& part, ChunkGroup& content);

  std::shared_ptr<BufferPool> buffers_;
  FileCutter cutter_{};
};

/// Keeps the first of equal chunks and groups those into frames; says which entry has which chunks.
/// One worker, which sees everything in the order of the walk. An entry that could not be read is a
/// dead letter.
class GroupChunks {
 public:
  using Out = RawPart;
  static constexpr bool keeps_state = true;  // all chunks that it has seen

  explicit GroupChunks(std::shared_ptr<BufferPool> buffers)
      : buffers_(std::move(buffers)), grouper_(buffers_) {}

  void start(Context& context) { context_ = &context; }
  void process(PackJob job, Emitter<RawPart>& out);

 private:
  std::size_t add_content(const PackJob& job, const EntryPart& part, std::string_view bytes,
                          const ChunkMark* chunks, Emitter<RawPart>& out);
  void add_entry(EntryPart part);
  void send(const PackJob& job, RawPart part, Emitter<RawPart>& out);

  std::shared_ptr<BufferPool> buffers_;
  Context* context_ = nullptr;
  FrameGrouper grouper_;
  std::uint64_t next_job_ = 0;
  std::uint64_t parts_ = 0;
  // Of the file in progress, which may go on in the next job.
  RunList runs_{};
  std::string failure_{};
  std::vector<EntryToStore> entries_{};  // of the job in progress
};

/// Compresses the frame of a part, if it has one.
class CompressFrames {
 public:
  CompressFrames(int level, std::shared_ptr<BufferPool> buffers)
      : buffers_(std::move(buffers)), compressor_(level) {}

  [[nodiscard]] StoredPart operator()(RawPart part);

 private:
  std::shared_ptr<BufferPool> buffers_;
  FrameCompressor compressor_;
};

/// Takes the archive that `walk` has opened, writes frames as they come, and index and footer at the end. After
/// a stop there is no archive.
///
/// Blocks   while the system writes.
/// Throws   std::system_error: full disk, closed pipe; std::runtime_error when a part is missing, also the last.
class WriteArchive {
 public:
  WriteArchive(std::shared_ptr<ArchiveHandOver> hand_over, std::shared_ptr<BufferPool> buffers)
      : taker_(std::move(hand_over)), buffers_(std::move(buffers)) {}

  void start(Context& context) { context_ = &context; }
  void process(StoredPart part);
  void finish();

 private:
  void add(const EntryToStore& found);
  [[nodiscard]] bool stopped() const;

  ArchiveHandOver::Taker taker_;
  std::shared_ptr<BufferPool> buffers_;
  Context* context_ = nullptr;
  std::unique_ptr<ArchiveWriter> archive_{};
  std::uint64_t next_part_ = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_{};  // of entries that have other names
  bool complete_ = false;
};

}  // namespace sluice::samples
