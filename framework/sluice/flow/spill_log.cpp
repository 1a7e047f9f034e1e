// sluice/flow/spill_log.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/spill_log.hpp>

#include <sluice/flow/spill_file.hpp>

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

namespace sluice::detail {
namespace {

using Length = std::uint32_t;  // before each record

// A block of one very large record must not hold its memory for ever.
void clear_block(Bytes& block) noexcept {
  if (block.capacity() > 4 * SpillLog::kBlock) {
    block.release();
  } else {
    block.clear();
  }
}

}  // namespace

SpillLog::SpillLog(Options options) noexcept : options_(std::move(options)) {}
SpillLog::~SpillLog() = default;

std::uint64_t SpillLog::file_bytes() const noexcept {
  return file_ == nullptr ? 0 : file_->bytes();
}
bool SpillLog::tail_fits() const noexcept {
  return file_ == nullptr ? SpillFile::fits_empty(tail_.size(), options_.max_bytes)
                          : file_->fits(tail_.size(), options_.max_bytes);
}

Bytes& SpillLog::open_record() {
  record_at_ = tail_.size();
  const Length unknown = 0;
  tail_.append(&unknown, sizeof unknown);
  return tail_;
}

void SpillLog::close_record() {
  const std::size_t bytes = tail_.size() - record_at_;
  const std::size_t payload = bytes - sizeof(Length);
  if (payload > std::numeric_limits<Length>::max()) {
    abandon_record();
    throw std::length_error(
        fmt::format("cannot spill an item of {} bytes: 4 GiB are the most", payload));
  }
  const auto length = static_cast<Length>(payload);
  std::memcpy(tail_.data() + record_at_, &length, sizeof length);
  if (tail_.size() > kBlock && tail_records_ > 0) {
    try {
      write_block(tail_.view().first(record_at_), tail_records_);
    } catch (...) {
      abandon_record();
      throw;
    }
    std::memmove(tail_.data(), tail_.data() + record_at_, bytes);
    tail_.resize(bytes);
    tail_records_ = 0;
  }
  ++tail_records_;
}

void SpillLog::write_block(std::span<const std::byte> bytes, std::size_t records) {
  if (file_ == nullptr)
    file_ = std::make_unique<SpillFile>(options_.directory, options_.compressed);
  file_->write(bytes, records);
  spilled_ += records;
  spilled_bytes_ += bytes.size();
}

std::span<const std::byte> SpillLog::front() {
  if (head_records_ == 0) load_head();
  Length length = 0;
  std::memcpy(&length, head_.data() + head_at_, sizeof length);
  return head_.view().subspan(head_at_ + sizeof length, length);
}

void SpillLog::pop() noexcept {
  Length length = 0;
  std::memcpy(&length, head_.data() + head_at_, sizeof length);
  head_at_ += sizeof length + length;
  if (--head_records_ > 0) return;
  clear_block(head_);
  head_at_ = 0;
}

void SpillLog::load_head() {
  if (file_ == nullptr || file_->empty()) {
    head_.swap(tail_);
    head_records_ = std::exchange(tail_records_, 0);
    return;
  }
  const SpillFile::Block block = file_->read(head_);
  head_records_ = block.records;
  spilled_ -= block.records;
  spilled_bytes_ -= block.bytes;
}

}  // namespace sluice::detail
