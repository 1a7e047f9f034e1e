// sluice/process/block_exchange.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/block_exchange.hpp>

#include <sluice/os/heap.hpp>
#include <sluice/process/channel.hpp>
#include <sluice/process/kill_point.hpp>
#include <sluice/process/log_format.hpp>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <utility>

namespace sluice::detail {
namespace {

// A part that is less than half of its payload is copied rather than referred to: who has it would keep
// all of the other bytes, too.
bool is_most_of(const SharedBytes& part, std::size_t whole) noexcept {
  return part.size() >= whole / 2;
}

BlockReference reference_to(std::size_t entry, std::uint64_t offset, std::uint64_t size) noexcept {
  return {{entry, offset, size}};
}

// In a worker. A copy of each payload comes and goes, and making its pages anew takes longer than copying it.
void expect_large_payloads() {
  [[maybe_unused]] static const bool once = [] {
    keep_heap(static_cast<int>(2 * kMostKeptBlock));
    return true;
  }();
}

// The numbers of a reference to one of `entries` payloads, checked.
template <class Payloads, class SizeOf>
void check_reference(const BlockReference& reference, const Payloads& payloads, SizeOf size_of,
                     const Reader& from) {
  const auto [entry, offset, size] = reference.words;
  if (entry >= payloads.size()) from.fail("a reference to a payload that did not come");
  const std::uint64_t whole = size_of(payloads[entry]);
  if (size == 0 || offset > whole || size > whole - offset) {
    from.fail("a reference to bytes beyond their payload");
  }
}

}  // namespace

// ---- worker: written -------------------------------------------------------------------------------

BlockWriter::BlockWriter(const PacketSocket& socket, const BlockWords& words, std::size_t slots)
    : socket_(&socket), words_(&words), slots_(std::min(slots, kMostSlots)) {}

bool BlockWriter::is_free(std::size_t slot) const noexcept {
  // sync-point block-freed: acquires all copying of the last payload.
  return !slots_[slot].taken &&
         words_->freed[slot].load(std::memory_order_acquire) == slots_[slot].uses;
}

// The smallest free file that is large enough, or a new one. Returns  nullptr when there is none.
BlockWriter::Slot* BlockWriter::choose(std::size_t size) {
  Slot* best = nullptr;
  Slot* spare = nullptr;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!is_free(i)) continue;
    Slot& slot = slots_[i];
    if (slot.file == nullptr || slot.file->size() < size) {
      // One without a file is the better spare.
      if (spare == nullptr || (spare->file != nullptr && slot.file == nullptr)) spare = &slot;
    } else if (best == nullptr || slot.file->size() < best->file->size()) {
      best = &slot;
    }
  }
  if (best != nullptr && (best->known || to_send_ + under_way_.count() < kMostFiles)) return best;
  return spare != nullptr && make_file(*spare, size) ? spare : nullptr;
}

bool BlockWriter::make_file(Slot& slot, std::size_t size) {
  if (to_send_ + under_way_.count() >= kMostFiles) return false;
  const std::size_t capacity = block_capacity(size);
  if (slot.file != nullptr) kept_bytes_ -= slot.file->size();
  slot = {.uses = slot.uses};
  try {
    slot.file = BlockFile::make(capacity);
  } catch (const std::system_error&) {
    return false;  // whether there is memory for the bytes where they are is another question
  }
  kept_bytes_ += capacity;
  return true;
}

bool BlockWriter::take(const SharedBytes& bytes, BlockReference& to) {
  if (bytes.size() < kLeastBlock || bytes.size() > kMostBlock) return false;
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    if (taken_[i].data() != bytes.data() || taken_[i].size() != bytes.size()) continue;
    to = reference_to(i, 0, bytes.size());
    return true;
  }
  entries_.reserve(entries_.size() + 1);
  taken_.push_back(bytes);
  Slot* slot = nullptr;
  try {
    slot = choose(bytes.size());
  } catch (...) {
    taken_.pop_back();
    throw;
  }
  if (slot == nullptr) {
    taken_.pop_back();
    return false;
  }
  expect_large_payloads();
  const std::size_t half = bytes.size() / 2;
  std::memcpy(slot->file->room(), bytes.data(), half);
  kill_point(KillPoint::in_block);
  std::memcpy(slot->file->room() + half, bytes.data() + half, bytes.size() - half);
  count_block(BlockCount::written);
  slot->taken = true;
  BlockEntry entry{.slot = static_cast<std::uint32_t>(slot - slots_.data()), .size = bytes.size()};
  if (slot->file->size() > kMostKeptBlock || kept_bytes_ > kMostKeptBytes) entry.once = 1;
  if (!slot->known) {
    entry.arrival = ++last_arrival_;
    ++to_send_;
  }
  to = reference_to(entries_.size(), 0, bytes.size());
  entries_.push_back(entry);
  return true;
}

std::span<const BlockEntry> BlockWriter::new_entries() noexcept {
  return std::span<const BlockEntry>(entries_).subspan(std::exchange(shown_, entries_.size()));
}

void BlockWriter::discard() noexcept {
  for (const BlockEntry& entry : entries_) slots_[entry.slot].taken = false;
  entries_.clear();
  taken_.clear();
  shown_ = to_send_ = 0;
}

PacketStatus BlockWriter::send(std::uint64_t end) {
  for (const BlockEntry& entry : entries_) {
    if (entry.arrival == 0) continue;
    const BlockFile& file = *slots_[entry.slot].file;
    const PacketStatus status =
        send_travelling(*socket_, Travelling::block, entry.arrival, file.descriptor().number(),
                        PacketSocket::Wait::yes);
    if (status != PacketStatus::ok) return status;
    under_way_.add(end);
    kill_point(KillPoint::block_sent);
  }
  return PacketStatus::ok;
}

void BlockWriter::committed() noexcept {
  for (const BlockEntry& entry : entries_) {
    Slot& slot = slots_[entry.slot];
    ++slot.uses;
    slot.taken = false;
    if (entry.once != 0) {
      kept_bytes_ -= slot.file->size();
      slot.file.reset();
      slot.known = false;
    } else if (!slot.known) {
      slot.known = true;
      slot.file->close_descriptor();
    }
  }
  entries_.clear();
  taken_.clear();
  shown_ = to_send_ = 0;
}

// ---- parent: read ----------------------------------------------------------------------------------

void BlockReader::open(std::span<const std::byte> entries, std::uint64_t position) {
  for (; !entries.empty(); entries = entries.subspan(sizeof(BlockEntry))) {
    const auto entry = value_at<BlockEntry>(entries.data());
    if (payloads_.size() == kMostSlots) {
      throw ProtocolViolation("a transaction has more payloads than there are slots", position);
    }
    std::shared_ptr<BlockFile> file = file_of(entry, position);
    if (entry.size == 0 || entry.size > file->size()) {
      throw ProtocolViolation("a payload is longer than its file", position);
    }
    payloads_.push_back(
        bytes_in_file(std::move(file), static_cast<std::size_t>(entry.size), owner_, entry.slot));
    count_block(BlockCount::received);
  }
}

std::shared_ptr<BlockFile> BlockReader::file_of(const BlockEntry& entry, std::uint64_t position) {
  if (entry.slot >= files_.size() || entry.once > 1) {
    throw ProtocolViolation("a payload is in a slot that does not exist", position);
  }
  std::shared_ptr<BlockFile>& kept = files_[entry.slot];
  std::shared_ptr<BlockFile> file = kept;
  if (entry.arrival != 0) {
    kept.reset();
    file = BlockFile::adopt(arrivals_->take(Travelling::block, entry.arrival, position));
    if (file == nullptr) {
      throw ProtocolViolation("the file of a payload can still be changed", position);
    }
    kept = file;
  }
  if (file == nullptr) throw ProtocolViolation("a payload is in a slot without a file", position);
  if (entry.once != 0) kept.reset();
  return file;
}

SharedBytes BlockReader::give(const BlockReference& reference, const Reader& from) {
  check_reference(
      reference, payloads_, [](const SharedBytes& bytes) { return bytes.size(); }, from);
  const auto [entry, offset, size] = reference.words;
  return payloads_[entry].slice(offset, size);
}

// ---- parent: lent ----------------------------------------------------------------------------------

void BlockLender::begin() noexcept {
  ++lease_;
  entries_.clear();
  files_.clear();
  copies_.clear();
  to_send_ = 0;
}

void BlockLender::freed(std::uint64_t position) noexcept {
  under_way_.freed(position);
  while (!kept_.empty() && kept_.front().end <= position) kept_.pop_front();
}

PlaceInFile BlockLender::place(const SharedBytes& bytes) {
  PlaceInFile found = place_of(bytes);
  if (found.file != nullptr && is_most_of(bytes, found.whole)) return found;
  const SharedBytes whole = bytes.whole();
  // A part of something large is copied by itself, each time.
  const bool all = found.file == nullptr && is_most_of(bytes, whole.size());
  SharedBytes copy = pool_->copy_of(all ? whole.span() : bytes.span());
  if (copy.empty()) return {};
  if (all) bytes.keep_twin(copy);
  found = place_of(copy);
  if (all) found.offset = bytes.offset_in_whole();
  copies_.push_back(std::move(copy));  // in case that nobody else keeps it
  return found;
}

bool BlockLender::take(const SharedBytes& bytes, BlockReference& to) {
  if (bytes.size() < kLeastBlock || bytes.size() > kMostBlock) return false;
  if (entries_.size() == slots_.size()) return false;
  PlaceInFile found;
  try {
    found = place(bytes);
  } catch (const std::system_error&) {
    return false;  // no descriptor or memory for a file: whether the bytes have room elsewhere is seen there
  }
  if (found.file == nullptr) return false;
  std::size_t entry = 0;
  while (entry < files_.size() && files_[entry] != found.file) ++entry;
  if (entry == files_.size() && !add_entry(found)) return false;
  to = reference_to(entry, found.offset, bytes.size());
  count_block(BlockCount::lent);
  return true;
}

// In the slot that has the file, or that was not used for the longest time.
bool BlockLender::add_entry(const PlaceInFile& place) {
  Slot* slot = nullptr;
  for (Slot& each : slots_) {
    if (each.file == place.file->id()) {
      slot = &each;
      break;
    }
    if (each.used != lease_ && (slot == nullptr || each.used < slot->used)) slot = &each;
  }
  BlockEntry entry{.size = place.whole};
  if (slot->file != place.file->id()) {
    if (to_send_ + under_way_.count() >= kMostFiles) return false;
    entry.arrival = ++last_arrival_;
    ++to_send_;
    slot->file = 0;  // until it is sent
  }
  slot->used = lease_;
  entry.slot = static_cast<std::uint32_t>(slot - slots_.data());
  entry.once = place.file->size() > kMostKeptBlock ? 1 : 0;
  files_.push_back(place.file);
  entries_.push_back(entry);
  return true;
}

PacketStatus BlockLender::send(std::uint64_t end) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const BlockEntry& entry = entries_[i];
    if (entry.arrival == 0) continue;
    const PacketStatus status =
        send_travelling(*socket_, Travelling::block, entry.arrival,
                        files_[i]->descriptor().number(), PacketSocket::Wait::no);
    if (status == PacketStatus::full)
      return status;  // what was sent is dropped there, by its number
    under_way_.add(end);
    slots_[entry.slot].file = entry.once != 0 ? 0 : files_[i]->id();
  }
  for (SharedBytes& copy : copies_) kept_.push_back({end, std::move(copy)});
  copies_.clear();
  return PacketStatus::ok;
}

// What was sent is dropped there, by its number, because no entry has it.
void BlockLender::take_back() noexcept {
  for (const BlockEntry& entry : entries_) {
    if (entry.arrival != 0) slots_[entry.slot].file = 0;
  }
}

// ---- worker: borrowed ------------------------------------------------------------------------------

void BlockBorrower::open(std::span<const std::byte> entries, std::uint64_t position) {
  if (!entries.empty()) expect_large_payloads();
  for (; !entries.empty(); entries = entries.subspan(sizeof(BlockEntry))) {
    const auto entry = value_at<BlockEntry>(entries.data());
    if (entry.slot >= files_.size()) throw ProtocolViolation("no such slot", position);
    std::shared_ptr<BlockFile>& kept = files_[entry.slot];
    if (entry.arrival != 0) {
      kept.reset();
      kept = BlockFile::adopt(arrivals_->take(Travelling::block, entry.arrival, position));
      if (kept != nullptr) {
        static_cast<void>(kept->bytes());
        kept->close_descriptor();
      }
    }
    if (kept == nullptr || entry.size > kept->size()) {
      throw ProtocolViolation("a payload without its file", position);
    }
    payloads_.push_back({.file = kept, .size = static_cast<std::size_t>(entry.size)});
    if (entry.once != 0) kept.reset();
  }
}

SharedBytes BlockBorrower::give(const BlockReference& reference, const Reader& from) {
  check_reference(
      reference, payloads_, [](const Payload& payload) { return payload.size; }, from);
  const auto [entry, offset, size] = reference.words;
  Payload& payload = payloads_[entry];
  if (size < payload.size && payload.copy.empty()) {
    count_block(BlockCount::fetched);
    return SharedBytes::copy_of({payload.file->bytes() + offset, size});
  }
  if (payload.copy.empty()) {
    payload.copy = SharedBytes::copy_of({payload.file->bytes(), payload.size});
    count_block(BlockCount::fetched);
  }
  return payload.copy.slice(offset, size);
}

}  // namespace sluice::detail
