// sluice/flow/spill_file.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/spill_file.hpp>

#include <sluice/flow/spill_log.hpp>

#include <exception>

namespace sluice::detail {
namespace {

constexpr std::uint64_t kSlot = SpillLog::kBlock;
// Less than this at the end of the file is not worth a system call.
constexpr std::uint64_t kShortenBySlots = 256;

std::uint64_t slots_of(std::size_t bytes) noexcept { return (bytes + kSlot - 1) / kSlot; }

}  // namespace

SpillFile::SpillFile(const std::string& directory)
    : file_(directory.empty() ? temporary_directory() : directory) {}

void SpillFile::write(std::span<const std::byte> bytes, std::size_t records) {
  space_.reserve(blocks_.size() + 2);  // giving a slot back never throws
  const std::uint64_t count = slots_of(bytes.size());
  const std::uint64_t first = space_.take(count);
  // The file may have grown even if this throws.
  if (space_.end() > slots_) slots_ = space_.end();
  try {
    file_.write_at(first * kSlot, bytes);
    blocks_.push({.first_slot = first, .bytes = bytes.size(), .records = records});
  } catch (...) {
    space_.give(first, count);
    throw;
  }
}

SpillFile::Block SpillFile::read(Bytes& to) {
  const Block block = blocks_.front();
  to.resize(block.bytes);
  file_.read_at(block.first_slot * kSlot, {to.data(), to.size()});
  blocks_.pop();
  space_.give(block.first_slot, slots_of(block.bytes));
  shorten();
  return block;
}

void SpillFile::shorten() noexcept {
  if (space_.end() != 0 && slots_ - space_.end() < kShortenBySlots) return;
  try {
    file_.truncate(space_.end() * kSlot);
    slots_ = space_.end();
  } catch (const std::exception&) {
    // The space will be used again all the same, and the row is right.
  }
}

}  // namespace sluice::detail
