// sluice/flow/item_fifo.hpp: an unbounded row of items for one owner, first in, first out.
//
// Items lie in chunks and never move once they are in, so a put that throws changes nothing.
// std::deque would do; its header would be a twentieth of what <sluice/sluice.hpp> may be long.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/assert.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace sluice::detail {

template <class T>
class ItemFifo {
 public:
  ItemFifo() noexcept = default;
  ItemFifo(const ItemFifo&) = delete;
  ItemFifo& operator=(const ItemFifo&) = delete;
  ~ItemFifo() {
    while (size_ > 0) pop();
    delete first_;
    delete spare_;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// Throws  std::bad_alloc or what the item's move throws: then nothing was put.
  void push(T&& item) {
    if (last_ != nullptr && last_->end < kPerChunk) {
      std::construct_at(last_->at(last_->end), std::move(item));
      ++last_->end;
    } else {
      push_chunk(std::move(item));
    }
    ++size_;
  }

  /// The same, as containers have it.
  void push_back(T&& item) { push(std::move(item)); }

  /// Requires  not empty().
  [[nodiscard]] T& front() noexcept {
    SLUICE_ASSERT(size_ > 0, "the front of a row without items");
    return *first_->at(first_->begin);
  }
  /// The item with `index` before it. Requires  index < size(). Takes a look per chunk after the one that
  /// was last looked at, else before it.
  [[nodiscard]] T& at(std::size_t index) noexcept {
    SLUICE_ASSERT(index < size_, "no such item");
    if (const std::size_t last = last_->end - last_->begin; size_ - index <= last) {
      return *last_->at(last_->end - (size_ - index));
    }
    // Mostly the one after the last one that was asked for.
    std::uint64_t number = popped_ + index;
    Chunk* chunk = seen_ != nullptr && number >= seen_->first ? seen_ : first_;
    while (number >= chunk->first + chunk->end) chunk = chunk->next;
    seen_ = chunk;
    return *chunk->at(static_cast<std::size_t>(number - chunk->first));
  }
  void pop() noexcept {
    std::destroy_at(&front());
    --size_;
    ++popped_;
    if (++first_->begin < first_->end) return;
    if (first_ == last_) {  // empty: the chunk starts anew
      first_->begin = first_->end = 0;
      first_->first = popped_;
      return;
    }
    Chunk* const done = std::exchange(first_, first_->next);
    if (seen_ == done) seen_ = nullptr;
    delete std::exchange(spare_, done);
  }

 private:
  static constexpr std::size_t kPerChunk = sizeof(T) > 512          ? 8
                                           : 4096 / sizeof(T) < 256 ? 4096 / sizeof(T)
                                                                    : 256;

  struct Chunk {
    T* at(std::size_t index) noexcept {
      return std::launder(reinterpret_cast<T*>(storage + index * sizeof(T)));
    }
    Chunk* next = nullptr;
    std::size_t begin = 0;
    std::size_t end = 0;
    std::uint64_t first = 0;  // number of the item at 0, of all that ever were in the row
    alignas(T) std::byte storage[kPerChunk * sizeof(T)];
  };

  void push_chunk(T&& item) {
    if (spare_ == nullptr) spare_ = new Chunk;
    spare_->next = nullptr;
    spare_->begin = spare_->end = 0;
    spare_->first = popped_ + size_;
    std::construct_at(spare_->at(0), std::move(item));
    Chunk* const chunk = std::exchange(spare_, nullptr);
    chunk->end = 1;
    (last_ == nullptr ? first_ : last_->next) = chunk;
    last_ = chunk;
  }

  Chunk* first_ = nullptr;  // null with last_ until the first item
  Chunk* last_ = nullptr;
  Chunk* seen_ = nullptr;  // where at() was last
  std::uint64_t popped_ = 0;
  Chunk* spare_ = nullptr;  // so that a row of changing length does not allocate each time
  std::size_t size_ = 0;
};

}  // namespace sluice::detail
