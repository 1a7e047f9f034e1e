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
  Fetch fetch = nullptr;      // nullptr: the bytes are at `data`
  void* context = nullptr;
  const std::byte* data = nullptr;
  std::size_t size = 0;
  // sync-point shared-bytes-twin: set once, by whoever is first, with a reference of the block's own.
  std::atomic<Block*> twin{nullptr};
};

// The context of a block that is a part of bytes elsewhere.
struct SharedBytes::Part {
  SharedBytes whole{};
  std::size_t offset = 0;

  static const std::byte* fetch(void* context) {
    const auto& part = *static_cast<const Part*>(context);
    return part.whole.data() + part.offset;
  }
  static void release(void* context, const std::byte*, std::size_t) noexcept {
    delete static_cast<Part*>(context);
  }
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

SharedBytes::SharedBytes(std::size_t size, Fetch fetch, Release release, void* context)
    : SharedBytes(nullptr, size, release, context) {
  block_->fetch = fetch;
}

const std::byte* SharedBytes::fetched() const { return block_->fetch(block_->context); }

SharedBytes SharedBytes::allocated(std::size_t size, std::byte*& memory) {
  SharedBytes bytes;
  if (size == 0) return bytes;
  if (size > std::numeric_limits<std::ptrdiff_t>::max() - sizeof(Block)) throw std::bad_alloc();
  void* const place = ::operator new(sizeof(Block) + size, kAlignment);
  memory = static_cast<std::byte*>(place) + sizeof(Block);
  bytes.block_ = ::new (place) Block;
  bytes.block_->data = memory;
  bytes.block_->size = size;
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
  {
    // sync-point shared-bytes-twin: nobody else refers to this block any more.
    SharedBytes twin;
    twin.block_ = block_->twin.load(std::memory_order_relaxed);
  }
  if (block_->release != nullptr) block_->release(block_->context, block_->data, block_->size);
  block_->~Block();
  ::operator delete(block_, kAlignment);
}

SharedBytes SharedBytes::slice(std::size_t offset, std::size_t length) const {
  if (offset > size_) {
    throw UsageError(
        fmt::format("SharedBytes::slice: offset {} is past the end of {} bytes", offset, size_));
  }
  if (is_elsewhere()) {
    length = std::min(length, size_ - offset);
    if (length == 0) return {};
    if (length == size_) return *this;
    return SharedBytes(length, Part::fetch, Part::release,
                       new Part{whole(), offset_in_whole() + offset});
  }
  SharedBytes part(*this);
  part.data_ += offset;
  part.size_ = std::min(length, size_ - offset);
  return part;
}

std::size_t SharedBytes::use_count() const noexcept {
  return block_ == nullptr ? 0 : block_->references.load(std::memory_order_relaxed);
}

// Of a part of bytes elsewhere; else nullptr.
const SharedBytes* SharedBytes::whole_of(const Block* block) noexcept {
  if (block == nullptr || block->release != Part::release) return nullptr;
  return &static_cast<const Part*>(block->context)->whole;
}

SharedBytes SharedBytes::whole() const noexcept {
  if (const SharedBytes* const whole = whole_of(block_)) return *whole;
  SharedBytes all(*this);
  if (block_ == nullptr) return all;
  all.data_ = block_->data;
  all.size_ = block_->size;
  return all;
}

std::size_t SharedBytes::offset_in_whole() const noexcept {
  if (whole_of(block_) != nullptr) return static_cast<const Part*>(block_->context)->offset;
  return block_ == nullptr || data_ == nullptr ? 0 : static_cast<std::size_t>(data_ - block_->data);
}

void SharedBytes::keep_twin(const SharedBytes& twin) const noexcept {
  if (block_ == nullptr || twin.block_ == nullptr || twin.block_ == block_) return;
  Block* none = nullptr;
  // sync-point shared-bytes-twin: releases what the twin's block holds to who finds it there.
  if (block_->twin.compare_exchange_strong(none, twin.block_, std::memory_order_release,
                                           std::memory_order_relaxed)) {
    twin.add_reference();
  }
}

SharedBytes SharedBytes::twin() const noexcept {
  SharedBytes found;
  if (block_ == nullptr) return found;
  // sync-point shared-bytes-twin: acquires it. It stays as long as this block does.
  found.block_ = block_->twin.load(std::memory_order_acquire);
  if (found.block_ == nullptr) return found;
  found.add_reference();
  found.data_ = found.block_->data;
  found.size_ = found.block_->size;
  return found;
}

void* SharedBytes::context_of(Release release) const noexcept {
  if (block_ == nullptr || release == nullptr || block_->release != release) return nullptr;
  return block_->context;
}

int SharedBytes::compare(const SharedBytes& a, const SharedBytes& b) {
  const std::size_t common = std::min(a.size_, b.size_);
  const std::byte* const left = common == 0 ? nullptr : a.data();
  const std::byte* const right = common == 0 ? nullptr : b.data();
  const int order = left == right ? 0 : std::memcmp(left, right, common);
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
