// sluice/flow/item_fifo.hpp: an unbounded row of items for one owner, first in, first out.
//
// Items lie in chunks and never move once they are in, so a put that throws changes nothing.
// std::deque would do; its header would be a twentieth of what <sluice/sluice.hpp> may be long.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/assert.hpp>

#include <cstddef>
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
  /// The item with `index` before it. Requires  index < size(). Takes a look per chunk before it.
  [[nodiscard]] T& at(std::size_t index) noexcept {
    SLUICE_ASSERT(index < size_, "no such item");
    Chunk* chunk = first_;
    for (; index >= chunk->end - chunk->begin; chunk = chunk->next)
      index -= chunk->end - chunk->begin;
    return *chunk->at(chunk->begin + index);
  }
  void pop() noexcept {
    std::destroy_at(&front());
    --size_;
    if (++first_->begin < first_->end) return;
    if (first_ == last_) {  // empty: the chunk starts anew
      first_->begin = first_->end = 0;
      return;
    }
    Chunk* const done = std::exchange(first_, first_->next);
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
    alignas(T) std::byte storage[kPerChunk * sizeof(T)];
  };

  void push_chunk(T&& item) {
    if (spare_ == nullptr) spare_ = new Chunk;
    spare_->next = nullptr;
    spare_->begin = spare_->end = 0;
    std::construct_at(spare_->at(0), std::move(item));
    Chunk* const chunk = std::exchange(spare_, nullptr);
    chunk->end = 1;
    (last_ == nullptr ? first_ : last_->next) = chunk;
    last_ = chunk;
  }

  Chunk* first_ = nullptr;  // null with last_ until the first item
  Chunk* last_ = nullptr;
  Chunk* spare_ = nullptr;  // so that a row of changing length does not allocate each time
  std::size_t size_ = 0;
};

}  // namespace sluice::detail
