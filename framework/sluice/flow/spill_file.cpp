// sluice/flow/spill_file.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/spill_file.hpp>

#include <exception>

namespace sluice::detail {
namespace {

// Small beside a packed block, so that little is lost at its end.
constexpr std::uint64_t kSlot = std::uint64_t{16} << 10;
// Less than this at the end of the file is not worth a system call.
constexpr std::uint64_t kShortenBySlots = (std::uint64_t{64} << 20) / kSlot;

std::uint64_t slots_of(std::size_t bytes) noexcept { return (bytes + kSlot - 1) / kSlot; }

}  // namespace

SpillFile::SpillFile(const std::string& directory, bool packs)
    : file_(directory.empty() ? temporary_directory() : directory), packs_(packs) {}

bool SpillFile::fits_empty(std::size_t bytes, std::uint64_t max_bytes) noexcept {
  return slots_of(bytes) <= max_bytes / kSlot;
}
bool SpillFile::fits(std::size_t bytes, std::uint64_t max_bytes) const noexcept {
  return space_.fits(slots_of(bytes), max_bytes / kSlot);
}
std::uint64_t SpillFile::bytes() const noexcept { return taken_ * kSlot; }

void SpillFile::write(std::span<const std::byte> bytes, std::size_t records) {
  space_.reserve(blocks_.size() + 2);  // giving a slot back never throws
  const std::span<const std::byte> stored = packs_ ? packer_.pack(bytes) : bytes;
  const std::uint64_t count = slots_of(stored.size());
  const std::uint64_t first = space_.take(count);
  // The file may have grown even if this throws.
  if (space_.end() > slots_) slots_ = space_.end();
  try {
    file_.write_at(first * kSlot, stored);
    blocks_.push(
        {.first_slot = first, .stored = stored.size(), .bytes = bytes.size(), .records = records});
  } catch (...) {
    space_.give(first, count);
    throw;
  }
  taken_ += count;
}

SpillFile::Block SpillFile::read(Bytes& to) {
  const Block block = blocks_.front();
  to.resize(block.bytes);
  if (block.stored == block.bytes) {
    file_.read_at(block.first_slot * kSlot, {to.data(), to.size()});
  } else {
    packed_.resize(block.stored);
    file_.read_at(block.first_slot * kSlot, {packed_.data(), packed_.size()});
    packer_.unpack(packed_.view(), {to.data(), to.size()});
  }
  blocks_.pop();
  space_.give(block.first_slot, slots_of(block.stored));
  taken_ -= slots_of(block.stored);
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
