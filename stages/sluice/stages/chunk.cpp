// sluice/stages/chunk.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/chunk.hpp>

#include <sluice/stages/chunk_file.hpp>

#include <algorithm>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>

namespace sluice::stages {

using sluice::detail::Descriptor;
using sluice::detail::reason;

const std::string& Piece::path() const noexcept {
  return file_ != nullptr ? file_->path() : block_.path();
}

std::uint64_t Chunk::size_bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const Piece& piece : pieces) sum += piece.size_bytes();
  return sum;
}

// ---- ChunkFile -----------------------------------------------------------------------------------

const Descriptor& ChunkFile::open_shared() {
  const std::lock_guard lock(mutex_);
  if (open_error_) throw std::system_error(open_error_, "cannot open " + path_);
  if (!shared_.valid()) {
    try {
      shared_ = open();
    } catch (const std::system_error& error) {
      open_error_ = error.code();
      throw;
    }
  }
  return shared_;
}

bool ChunkFile::first_to_fail() {
  const std::lock_guard lock(mutex_);
  return !std::exchange(failed_, true);
}

// ---- ChunkReader ---------------------------------------------------------------------------------

/// A piece whose file is open.
class ChunkReader::Place {
 public:
  explicit Place(const Piece& piece)
      : file_(*piece.file_), offset_(piece.offset_), size_bytes_(piece.size_bytes_) {
    if (size_bytes_ == file_.size_bytes()) {
      own_ = file_.open();
      descriptor_ = &own_;
    } else {
      descriptor_ = &file_.open_shared();
    }
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() = default;

  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
  [[nodiscard]] const ByteSet& cut_after() const noexcept { return file_.cut_after(); }

  [[nodiscard]] std::size_t read_at(std::uint64_t offset, std::span<char> to) const {
    return sluice::detail::read_at(*descriptor_, offset, to, file_.path());
  }

 private:
  ChunkFile& file_;
  std::uint64_t offset_;
  std::uint64_t size_bytes_;
  Descriptor own_;
  const Descriptor* descriptor_ = nullptr;
};

std::string_view ChunkReader::read(const Piece& piece, Context& context) {
  if (piece.file_ == nullptr) return piece.block_.text();
  const char* verb = "open";
  try {
    const Place place(piece);
    verb = "read";
    return read_place(place);
  } catch (const std::system_error& error) {
    if (piece.file_->first_to_fail()) {
      context.dead(piece.file_->path(), reason(verb, error.code()));
    }
    return {};
  }
}

// The byte before the place says whether a record begins at its first byte.
std::string_view ChunkReader::read_place(const Place& place) {
  const std::size_t before = place.offset() == 0 ? 0 : 1;
  const std::size_t wanted = before + static_cast<std::size_t>(place.size_bytes());
  reserve(wanted, 0);
  const std::size_t got =
      place.read_at(place.offset() - before, std::span<char>(buffer_.get(), wanted));
  std::size_t begin = 0;
  if (before == 1) {
    begin = place.cut_after().first_cut({buffer_.get(), got});
    if (begin == 0 || begin == wanted) return {};  // one record reaches to the end or beyond
  }
  std::size_t end = got;
  if (got == wanted && !place.cut_after().contains(buffer_[got - 1])) {
    end = end_of_last_record(place, got);
  }
  return {buffer_.get() + begin, end - begin};
}

// Reads on behind the place, of which `end` bytes are in the buffer.
std::size_t ChunkReader::end_of_last_record(const Place& place, std::size_t end) {
  constexpr std::size_t kFirstStep = 4096;
  constexpr std::size_t kLastStep = std::size_t{1} << 20;
  std::uint64_t offset = place.offset() + place.size_bytes();
  for (std::size_t step = kFirstStep;; step = std::min(2 * step, kLastStep)) {
    reserve(end + step, end);
    const std::size_t got = place.read_at(offset, std::span<char>(buffer_.get() + end, step));
    const std::size_t cut = place.cut_after().first_cut({buffer_.get() + end, got});
    if (cut > 0) return end + cut;
    end += got;
    offset += got;
    if (got < step) return end;
  }
}

// Makes room for `bytes`, the first `keep` of which stay; lets go of what a giant record needed.
void ChunkReader::reserve(std::size_t bytes, std::size_t keep) {
  constexpr std::size_t kSpare = 8192;  // the usual rest of a record fits without moving the text
  constexpr std::size_t kLeast = std::size_t{64} * 1024;
  constexpr std::size_t kGiant = std::size_t{4} << 20;
  const bool giant = keep == 0 && capacity_bytes_ > kGiant && capacity_bytes_ / 4 > bytes;
  if (bytes <= capacity_bytes_ && !giant) return;
  const std::size_t capacity =
      std::max({bytes + kSpare, kLeast, keep > 0 ? 2 * capacity_bytes_ : 0});
  if (keep == 0) buffer_.reset();  // before the new one is made
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (keep > 0) std::memcpy(larger.get(), buffer_.get(), keep);
  buffer_ = std::move(larger);
  capacity_bytes_ = capacity;
}

}  // namespace sluice::stages
