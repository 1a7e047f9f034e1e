// sluice/stages/chunks.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/chunks.hpp>

#include <sluice/stages/block_reader.hpp>
#include <sluice/stages/chunk_file.hpp>
#include <sluice/stages/file_walk.hpp>

#include <algorithm>
#include <cstring>
#include <span>
#include <system_error>

namespace sluice::stages {

using sluice::detail::Descriptor;
using sluice::detail::input_name;
using sluice::detail::Links;
using sluice::detail::reason;

const std::string& Chunk::path() const noexcept {
  return file_ != nullptr ? file_->path() : block_.path();
}

// ---- ChunkFile -----------------------------------------------------------------------------------

const Descriptor& ChunkFile::open() {
  const std::lock_guard lock(mutex_);
  if (open_error_) throw std::system_error(open_error_, "cannot open " + path_);
  if (!descriptor_.valid()) {
    try {
      descriptor_ = sluice::detail::open_to_read(path_, links_);
    } catch (const std::system_error& error) {
      open_error_ = error.code();
      throw;
    }
  }
  return descriptor_;
}

bool ChunkFile::first_to_fail() {
  const std::lock_guard lock(mutex_);
  return !std::exchange(failed_, true);
}

// ---- ChunkReader ---------------------------------------------------------------------------------

std::string_view ChunkReader::read(const Chunk& chunk, Context& context) {
  if (chunk.file_ == nullptr) return chunk.block_.text();
  const char* verb = "open";
  try {
    static_cast<void>(chunk.file_->open());
    verb = "read";
    return read_place(chunk);
  } catch (const std::system_error& error) {
    if (chunk.file_->first_to_fail()) {
      context.dead(chunk.file_->path(), reason(verb, error.code()));
    }
    return {};
  }
}

// The byte before the chunk says whether a record begins at its first byte.
std::string_view ChunkReader::read_place(const Chunk& chunk) {
  const ByteSet& cut_after = chunk.file_->cut_after();
  const std::size_t before = chunk.offset_ == 0 ? 0 : 1;
  const std::size_t wanted = before + static_cast<std::size_t>(chunk.size_bytes_);
  reserve(wanted, 0);
  const std::size_t got = read_at(chunk.file_->open(), chunk.offset_ - before,
                                  std::span<char>(buffer_.get(), wanted), chunk.file_->path());
  std::size_t begin = 0;
  if (before == 1) {
    begin = cut_after.first_cut({buffer_.get(), got});
    if (begin == 0 || begin == wanted) return {};  // one record reaches to the end or beyond
  }
  std::size_t end = got;
  if (got == wanted && !cut_after.contains(buffer_[got - 1])) {
    end = end_of_last_record(chunk, got);
  }
  return {buffer_.get() + begin, end - begin};
}

// Reads on behind the chunk, of which `end` bytes are in the buffer.
std::size_t ChunkReader::end_of_last_record(const Chunk& chunk, std::size_t end) {
  std::size_t step = 4096;
  std::uint64_t offset = chunk.offset_ + chunk.size_bytes_;
  for (;; step = std::min(2 * step, std::size_t{1} << 20)) {
    reserve(end + step, end);
    const std::size_t got = read_at(chunk.file_->open(), offset,
                                    std::span<char>(buffer_.get() + end, step),
                                    chunk.file_->path());
    const std::size_t cut = chunk.file_->cut_after().first_cut({buffer_.get() + end, got});
    if (cut > 0) return end + cut;
    end += got;
    offset += got;
    if (got < step) return end;
  }
}

// Makes room for `bytes`, the first `keep` of which stay; lets go of what a giant record needed.
void ChunkReader::reserve(std::size_t bytes, std::size_t keep) {
  constexpr std::size_t kSpare = 8192;  // the usual rest of a record fits without moving the chunk
  constexpr std::size_t kGiant = 8;
  const bool giant = keep == 0 && capacity_bytes_ / kGiant > bytes + kSpare;
  if (bytes <= capacity_bytes_ && !giant) return;
  const std::size_t capacity = std::max(bytes + kSpare, keep > 0 ? 2 * capacity_bytes_ : 0);
  if (keep == 0) buffer_.reset();
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (keep > 0) std::memcpy(larger.get(), buffer_.get(), keep);
  buffer_ = std::move(larger);
  capacity_bytes_ = capacity;
}

// ---- ChunkSource ---------------------------------------------------------------------------------

class ChunkSource::State {
 public:
  State(const std::vector<std::string>& paths, const ChunkOptions& options, Context& context)
      : options_(options),
        walk_(paths),
        reader_(options.chunk_bytes, options.cut_after, context.stop_token()) {
    options_.chunk_bytes = std::max<std::size_t>(options_.chunk_bytes, 1);
  }

  // Emits one chunk at most; false at the end.
  bool next(Emitter<Chunk>& out) {
    if (file_ != nullptr) {
      emit_place(out);
      return true;
    }
    if (reader_.is_open()) return emit_block(out);
    return take(walk_.next(), out);
  }

 private:
  bool take(FileWalk::Found found, Emitter<Chunk>& out) {
    const Links links = found.given ? Links::follow : Links::refuse;
    switch (found.kind) {
      case FileWalk::Kind::file:
        // The files of /proc say that they are empty and are not.
        if (found.size_bytes == 0) return open_stream(found.path, links, out.context());
        file_ = std::make_shared<ChunkFile>(std::move(found.path), links, options_.cut_after);
        offset_ = 0;
        size_bytes_ = found.size_bytes;
        out.context().expect_bytes(size_bytes_);
        emit_place(out);
        return true;
      case FileWalk::Kind::stream:
        return open_stream(found.path, links, out.context());
      case FileWalk::Kind::unreadable:
        out.context().dead(std::move(found.path), std::move(found.reason));
        return true;
      case FileWalk::Kind::end:
        break;
    }
    return false;
  }

  void emit_place(Emitter<Chunk>& out) {
    Chunk chunk;
    chunk.file_ = file_;
    chunk.offset_ = offset_;
    chunk.size_bytes_ = std::min<std::uint64_t>(options_.chunk_bytes, size_bytes_ - offset_);
    offset_ += chunk.size_bytes_;
    if (offset_ == size_bytes_) file_.reset();
    emit(chunk, out);
  }

  // Progress is counted here, where the total is known: it runs ahead by what the edge holds.
  static void emit(Chunk& chunk, Emitter<Chunk>& out) {
    out.context().add_bytes(chunk.size_bytes_);
    out.emit(std::move(chunk));
  }

  bool open_stream(const std::string& path, Links links, Context& context) {
    try {
      reader_.open(path, links);
    } catch (const std::system_error& error) {
      context.dead(input_name(path), reason("open", error.code()));
    }
    return true;
  }

  bool emit_block(Emitter<Chunk>& out) {
    Chunk chunk;
    try {
      switch (reader_.next(chunk.block_)) {
        case BlockReader::Status::block:
          chunk.offset_ = chunk.block_.offset();
          chunk.size_bytes_ = chunk.block_.text().size();
          emit(chunk, out);
          return true;
        case BlockReader::Status::end:
          return true;
        case BlockReader::Status::stopped:
          return false;
      }
    } catch (const std::system_error& error) {
      const std::string path = reader_.path();
      reader_.close();
      out.context().dead(input_name(path), reason("read", error.code()));
    }
    return true;
  }

  ChunkOptions options_;
  FileWalk walk_;
  BlockReader reader_;
  std::shared_ptr<ChunkFile> file_;
  std::uint64_t offset_ = 0;
  std::uint64_t size_bytes_ = 0;
};

ChunkSource::ChunkSource(std::vector<std::string> paths, const ChunkOptions& options)
    : paths_(std::move(paths)), options_(options) {}
ChunkSource::ChunkSource(ChunkSource&&) noexcept = default;
ChunkSource::~ChunkSource() = default;

void ChunkSource::start(Context& context) {
  state_ = std::make_unique<State>(paths_, options_, context);
}
bool ChunkSource::next(Emitter<Chunk>& out) { return state_->next(out); }

}  // namespace sluice::stages
