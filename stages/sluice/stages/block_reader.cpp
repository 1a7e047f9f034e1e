// sluice/stages/block_reader.cpp
// SPDX-License-Identifier: MIT
#include <sluice/stages/block_reader.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace sluice::stages {

using sluice::detail::FileKind;
using sluice::detail::Readable;
using sluice::detail::ReadableWait;

BlockReader::BlockReader(std::size_t block_bytes, const ByteSet& cut_after, std::stop_token token)
    : block_bytes_(std::max<std::size_t>(block_bytes, 1)),
      cut_after_(cut_after),
      wait_(std::move(token)),
      pool_(std::make_shared<BlockPool>(block_bytes_)) {}

void BlockReader::open(const std::string& path, sluice::detail::Links links) {
  close();
  auto input = sluice::detail::open_to_read(path, links);
  const auto status = sluice::detail::status_of(input, sluice::detail::input_name(path));
  if (status.kind == FileKind::directory) sluice::detail::throw_os_error(EISDIR, "open", path);
  waits_ = status.kind != FileKind::regular;
  if (!waits_) sluice::detail::advise_sequential(input);
  path_ = std::make_shared<const std::string>(path);
  input_ = std::move(input);
}

void BlockReader::close() noexcept {
  input_.reset();
  ended_ = false;
  offset_ = 0;
  size_ = 0;
  searched_ = 0;
}

BlockReader::Status BlockReader::next(Block& block) {
  for (;;) {
    make_room();
    if (fill() == Status::stopped) {
      close();
      return Status::stopped;
    }
    const std::size_t cut = ended_ ? size_ : find_cut();
    if (cut > 0) {
      hand_out(cut, block);
      return Status::block;
    }
    if (ended_) {
      close();
      return Status::end;
    }
  }
}

void BlockReader::make_room() {
  if (buffer_ == nullptr) buffer_ = pool_->take(block_bytes_);
  if (size_ < buffer_->capacity_bytes) return;
  std::shared_ptr<BlockBuffer> larger = pool_->take(2 * buffer_->capacity_bytes);
  std::memcpy(larger->bytes.get(), buffer_->bytes.get(), size_);
  buffer_ = std::move(larger);
}

// Reads until the buffer is full, the input has ended or, on a pipe, nothing more is there.
BlockReader::Status BlockReader::fill() {
  const std::string& name = *path_;
  while (!ended_ && size_ < buffer_->capacity_bytes) {
    if (waits_ && size_ > searched_ && !ReadableWait::ready(input_)) break;
    if (waits_ && size_ == searched_ && wait_.wait(input_, name) == Readable::stopped) {
      return Status::stopped;
    }
    const std::span<char> room(buffer_->bytes.get() + size_, buffer_->capacity_bytes - size_);
    const std::size_t got = sluice::detail::read_some(input_, room, name);
    if (got == sluice::detail::kWouldBlock) continue;  // somebody else read it first
    ended_ = got == 0;
    size_ += got;
  }
  return Status::block;
}

// The last cut; looks at new bytes only.
std::size_t BlockReader::find_cut() noexcept {
  const std::string_view fresh(buffer_->bytes.get() + searched_, size_ - searched_);
  const std::size_t cut = cut_after_.last_cut(fresh);
  if (cut > 0) return searched_ + cut;
  searched_ = size_;
  return 0;
}

// The first `bytes` bytes become a block; the rest moves to a new buffer.
void BlockReader::hand_out(std::size_t bytes, Block& block) {
  const std::size_t rest = size_ - bytes;
  std::shared_ptr<BlockBuffer> next;
  if (rest > 0) {
    next = pool_->take(rest);
    std::memcpy(next->bytes.get(), buffer_->bytes.get() + bytes, rest);
  }
  block.text_ = {buffer_->bytes.get(), bytes};
  block.buffer_ = std::exchange(buffer_, std::move(next));
  block.path_ = path_;
  block.offset_ = offset_;
  offset_ += bytes;
  size_ = rest;
  searched_ = rest;
}

}  // namespace sluice::stages
