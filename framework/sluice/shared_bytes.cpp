// sluice/shared_bytes.cpp: the block behind shared bytes, and its two encodings.
// SPDX-License-Identifier: MIT
#include <sluice/shared_bytes.hpp>

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <new>

namespace sluice {
namespace {

// So that the bytes behind a block's head begin a cache line, too.
constexpr std::size_t kBlockAlignment = 64;
constexpr auto kAlignment = std::align_val_t{kBlockAlignment};

constexpr unsigned char kInline = 0;
constexpr unsigned char kReference = 1;

}  // namespace

// In front of its bytes, or by itself when those are somebody else's.
struct alignas(kBlockAlignment) SharedBytes::Block {
  std::atomic<std::size_t> references{1};
  Release release = nullptr;  // nullptr: the bytes follow
  void* context = nullptr;
  const std::byte* data = nullptr;
  std::size_t size = 0;
};

SharedBytes::SharedBytes(const std::byte* data, std::size_t size, Release release, void* context)
    : data_(data), size_(size) {
  if (release == nullptr) return;  // memory that stays
  try {
    block_ = ::new (::operator new(sizeof(Block), kAlignment)) Block;
  } catch (...) {
    release(context, data, size);
    throw;
  }
  block_->release = release;
  block_->context = context;
  block_->data = data;
  block_->size = size;
}

SharedBytes SharedBytes::allocated(std::size_t size, std::byte*& memory) {
  SharedBytes bytes;
  if (size == 0) return bytes;
  if (size > std::numeric_limits<std::ptrdiff_t>::max() - sizeof(Block)) throw std::bad_alloc();
  void* const place = ::operator new(sizeof(Block) + size, kAlignment);
  memory = static_cast<std::byte*>(place) + sizeof(Block);
  bytes.block_ = ::new (place) Block;
  bytes.data_ = memory;
  bytes.size_ = size;
  return bytes;
}

SharedBytes SharedBytes::copy_of(std::span<const std::byte> bytes) {
  return make(bytes.size(),
              [&](std::span<std::byte> to) { std::copy(bytes.begin(), bytes.end(), to.begin()); });
}

// Relaxed: whoever copies holds a reference, so the block is there and stays.
void SharedBytes::add_reference() const noexcept {
  block_->references.fetch_add(1, std::memory_order_relaxed);
}

void SharedBytes::drop_reference() noexcept {
  // sync-point shared-bytes-last (both sides): releases this thread's reads to the last one, which
  // acquires those of all others before the memory goes.
  if (block_->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (block_->release != nullptr) block_->release(block_->context, block_->data, block_->size);
  block_->~Block();
  ::operator delete(block_, kAlignment);
}

SharedBytes SharedBytes::slice(std::size_t offset, std::size_t length) const {
  if (offset > size_) {
    throw UsageError(
        fmt::format("SharedBytes::slice: offset {} is past the end of {} bytes", offset, size_));
  }
  SharedBytes part(*this);
  part.data_ += offset;
  part.size_ = std::min(length, size_ - offset);
  return part;
}

std::size_t SharedBytes::use_count() const noexcept {
  return block_ == nullptr ? 0 : block_->references.load(std::memory_order_relaxed);
}

void* SharedBytes::context_of(Release release) const noexcept {
  if (block_ == nullptr || release == nullptr || block_->release != release) return nullptr;
  return block_->context;
}

int SharedBytes::compare(const SharedBytes& a, const SharedBytes& b) noexcept {
  const std::size_t common = std::min(a.size_, b.size_);
  const int order = common == 0 || a.data_ == b.data_ ? 0 : std::memcmp(a.data_, b.data_, common);
  if (order != 0 || a.size_ == b.size_) return order;
  return a.size_ < b.size_ ? -1 : 1;
}

void codec<SharedBytes>::write(const SharedBytes& bytes, Writer& to) {
  BlockReference reference{};
  if (to.sink() != nullptr && !bytes.empty() && to.sink()->take(bytes, reference)) {
    to.put_raw(&kReference, 1);
    to.put_raw(reference.words, sizeof reference.words);
    return;
  }
  to.put_raw(&kInline, 1);
  to.put_count(bytes.size());
  to.put_raw(bytes.data(), bytes.size());
}

SharedBytes codec<SharedBytes>::read(Reader& from) {
  unsigned char form = 0;
  from.get_raw(&form, 1);
  if (form == kReference) {
    BlockReference reference;
    from.get_raw(reference.words, sizeof reference.words);
    if (from.source() == nullptr) from.fail("a reference to bytes elsewhere, and no way to them");
    return from.source()->give(reference, from);
  }
  if (form != kInline) from.fail("shared bytes are neither here nor elsewhere");
  const std::size_t size = from.get_count(1);
  return SharedBytes::make(size,
                           [&](std::span<std::byte> to) { from.get_raw(to.data(), to.size()); });
}

}  // namespace sluice
