// sluice/flow/spill_log.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/spill_log.hpp>

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

namespace sluice::detail {
namespace {

using Length = std::uint32_t;  // before each record

constexpr std::uint64_t kSlot = SpillLog::kBlock;
// Less than this at the end of the file is not worth a system call.
constexpr std::uint64_t kShortenBySlots = 256;

std::uint64_t slots_of(std::size_t bytes) noexcept { return (bytes + kSlot - 1) / kSlot; }

// A block of one very large record must not hold its memory for ever.
void clear_block(Bytes& block) noexcept {
  if (block.capacity() > 4 * SpillLog::kBlock) {
    block.release();
  } else {
    block.clear();
  }
}

}  // namespace

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
  if (!file_) {
    if (directory_.empty()) directory_ = temporary_directory();
    file_.emplace(directory_);
  }
  space_.reserve(blocks_.size() + 2);  // giving a slot back never throws
  const std::uint64_t count = slots_of(bytes.size());
  const std::uint64_t first = space_.take(count);
  try {
    // The file may have grown even if this throws.
    if (space_.end() > file_slots_) file_slots_ = space_.end();
    file_->write_at(first * kSlot, bytes);
    blocks_.push({.first_slot = first, .bytes = bytes.size(), .records = records});
  } catch (...) {
    space_.give(first, count);
    throw;
  }
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
  if (!blocks_.empty()) return load_block();
  head_.swap(tail_);
  head_at_ = 0;
  head_records_ = std::exchange(tail_records_, 0);
}

void SpillLog::load_block() {
  const Block block = blocks_.front();
  head_.resize(block.bytes);
  file_->read_at(block.first_slot * kSlot, {head_.data(), head_.size()});
  head_at_ = 0;
  head_records_ = block.records;
  blocks_.pop();
  spilled_ -= block.records;
  spilled_bytes_ -= block.bytes;
  space_.give(block.first_slot, slots_of(block.bytes));
  shorten_file();
}

void SpillLog::shorten_file() {
  if (space_.end() != 0 && file_slots_ - space_.end() < kShortenBySlots) return;
  try {
    file_->truncate(space_.end() * kSlot);
    file_slots_ = space_.end();
  } catch (const std::exception&) {
    // The space will be used again all the same, and the row is right.
  }
}

}  // namespace sluice::detail
