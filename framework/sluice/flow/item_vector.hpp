// sluice/flow/item_vector.hpp: a growing row of items of any movable type.
//
// std::vector<bool> holds no bools, so a stream of bool needs a row of its own; being own, it also
// moves what has no copy without asking. Growth gives the basic guarantee only.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace sluice::detail {

template <class T>
class ItemVector {
 public:
  using value_type = T;

  ItemVector() noexcept = default;
  ItemVector(const ItemVector&) = delete;
  ItemVector& operator=(const ItemVector&) = delete;
  ~ItemVector() { release(); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] T* data() noexcept { return items_; }
  [[nodiscard]] T* end() noexcept { return items_ + size_; }
  [[nodiscard]] T& operator[](std::size_t index) noexcept { return items_[index]; }
  [[nodiscard]] const T& operator[](std::size_t index) const noexcept { return items_[index]; }

  void reserve(std::size_t capacity) {
    if (capacity > capacity_) grow(capacity);
  }
  void push_back(T&& item) {
    if (size_ == capacity_) grow(capacity_ == 0 ? 8 : 2 * capacity_);
    std::construct_at(items_ + size_, std::move(item));
    ++size_;
  }
  /// Appends; `at` is end().
  void insert(T* at, const T* first, const T* last) requires std::is_trivially_copyable_v<T> {
    static_cast<void>(at);
    const auto count = static_cast<std::size_t>(last - first);
    reserve(size_ + count);
    __builtin_memcpy(static_cast<void*>(items_ + size_), first, count * sizeof(T));
    size_ += count;
  }
  /// Keeps the first `size` items.
  void shrink_to(std::size_t size) noexcept {
    std::destroy(items_ + size, items_ + size_);
    size_ = size;
  }
  void clear() noexcept { shrink_to(0); }
  /// Gives the memory back, too.
  void release() noexcept {
    clear();
    if (items_ != nullptr) std::allocator<T>().deallocate(items_, capacity_);
    items_ = nullptr;
    capacity_ = 0;
  }

 private:
  void grow(std::size_t capacity) {
    T* const items = std::allocator<T>().allocate(capacity);
    std::size_t moved = 0;
    try {
      for (; moved < size_; ++moved) std::construct_at(items + moved, std::move(items_[moved]));
    } catch (...) {
      std::destroy(items, items + moved);
      std::allocator<T>().deallocate(items, capacity);
      throw;
    }
    const std::size_t size = size_;
    release();
    items_ = items;
    size_ = size;
    capacity_ = capacity;
  }

  T* items_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace sluice::detail
