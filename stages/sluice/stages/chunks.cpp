// sluice/stages/chunks.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/chunks.hpp>

#include <sluice/stages/block_reader.hpp>
#include <sluice/stages/chunk_file.hpp>
#include <sluice/stages/file_walk.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <system_error>

namespace sluice::stages {

using sluice::detail::input_name;
using sluice::detail::Links;
using sluice::detail::reason;

class ChunkSource::State {
 public:
  State(const std::vector<std::string>& paths, const ChunkOptions& options, Context& context)
      : context_(context),
        chunk_bytes_(std::max<std::size_t>(options.chunk_bytes, 1)),
        cut_after_(options.cut_after),
        walk_(paths),
        reader_(options.chunk_bytes, options.cut_after, context.stop_token()) {}

  // The next chunk; it is empty when there is nothing to hand on yet. False at the end.
  bool next(Chunk& chunk) {
    if (file_ != nullptr) {
      add_place(chunk);
      return true;
    }
    if (reader_.is_open()) return add_block(chunk);
    return gather(chunk);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kPieces = 256;
  // A slow file system must not keep the workers waiting for files that were found already.
  static constexpr std::chrono::milliseconds kGatherFor{1};

  // Small files, until there are enough of them or something else was found.
  bool gather(Chunk& chunk) {
    const auto until = Clock::now() + kGatherFor;
    std::uint64_t bytes = 0;
    while (bytes < chunk_bytes_ && chunk.pieces.size() < kPieces && Clock::now() < until) {
      FileWalk::Found found = walk_.next();
      const Links links = found.given ? Links::follow : Links::refuse;
      switch (found.kind) {
        case FileWalk::Kind::file:
          bytes += found.size_bytes;
          add_file(found, links, chunk);
          break;
        case FileWalk::Kind::stream:
          open_stream(found.path, links);
          break;
        case FileWalk::Kind::unreadable:
          context_.dead(std::move(found.path), std::move(found.reason));
          break;
        case FileWalk::Kind::end:
          return !chunk.pieces.empty();
      }
      if (file_ != nullptr || reader_.is_open()) break;
    }
    return true;
  }

  void add_file(FileWalk::Found& found, Links links, Chunk& chunk) {
    if (found.size_bytes == 0) {  // the files of /proc say that they are empty and are not
      open_stream(found.path, links);
      if (reader_.is_open()) static_cast<void>(add_block(chunk));
      return;
    }
    context_.expect_bytes(found.size_bytes);
    auto file =
        std::make_shared<ChunkFile>(std::move(found.path), found.size_bytes, links, cut_after_);
    if (found.size_bytes <= chunk_bytes_) {
      chunk.pieces.emplace_back(std::move(file), 0, found.size_bytes);
      return;
    }
    file_ = std::move(file);
    offset_ = 0;
  }

  void add_place(Chunk& chunk) {
    const std::uint64_t left = file_->size_bytes() - offset_;
    const std::uint64_t size = std::min<std::uint64_t>(chunk_bytes_, left);
    chunk.pieces.emplace_back(file_, offset_, size);
    offset_ += size;
    if (size == left) file_.reset();
  }

  void open_stream(const std::string& path, Links links) {
    try {
      reader_.open(path, links);
    } catch (const std::system_error& error) {
      context_.dead(input_name(path), reason("open", error.code()));
    }
  }

  // False when a stop ended the wait.
  bool add_block(Chunk& chunk) {
    Block block;
    try {
      switch (reader_.next(block)) {
        case BlockReader::Status::block:
          chunk.pieces.emplace_back(std::move(block));
          return true;
        case BlockReader::Status::end:
          return true;
        case BlockReader::Status::stopped:
          return false;
      }
    } catch (const std::system_error& error) {
      const std::string path = reader_.path();
      reader_.close();
      context_.dead(input_name(path), reason("read", error.code()));
    }
    return true;
  }

  Context& context_;
  const std::size_t chunk_bytes_;
  const ByteSet cut_after_;
  FileWalk walk_;
  BlockReader reader_;
  std::shared_ptr<ChunkFile> file_;  // a file in several pieces, which are not all handed out
  std::uint64_t offset_ = 0;         // of its next piece
};

ChunkSource::ChunkSource(std::vector<std::string> paths, const ChunkOptions& options)
    : paths_(std::move(paths)), options_(options) {}
ChunkSource::ChunkSource(ChunkSource&&) noexcept = default;
ChunkSource::~ChunkSource() = default;

void ChunkSource::start(Context& context) {
  state_ = std::make_unique<State>(paths_, options_, context);
}

bool ChunkSource::next(Emitter<Chunk>& out) {
  Chunk chunk;
  if (!state_->next(chunk)) return false;
  if (chunk.pieces.empty()) return true;
  // Progress is counted here, where the total is known: it runs ahead by what the edge holds.
  out.context().add_bytes(chunk.size_bytes());
  out.emit(std::move(chunk));
  return true;
}

}  // namespace sluice::stages
