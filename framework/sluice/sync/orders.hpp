// sluice/sync/orders.hpp: in which order a queue hands out its items.
//
// An order holds boxes and answers which one is next. Boxes are pointers, so that rearranging them
// can't throw. User code that may throw (comparisons) runs before anything is changed:
//   place_for(item), then add(place, box)    for a put
//   next(), then remove_next()               for a get
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace sluice::detail {

/// An item on the heap, where it stays until it is taken.
template <class T>
struct OrderedBox {
  OrderedBox() noexcept {}
  ~OrderedBox() {}
  union {
    T item;
  };
  OrderedBox* next = nullptr;
  std::uint64_t ordinal = 0;
  std::size_t weight = 0;
};

/// Boxes with items in them, destroyed with this object.
template <class T>
class OrderedBoxes {
 public:
  using Box = OrderedBox<T>;

  OrderedBoxes() noexcept = default;
  OrderedBoxes(const OrderedBoxes&) = delete;
  OrderedBoxes& operator=(const OrderedBoxes&) = delete;
  ~OrderedBoxes() {
    while (first_ != nullptr) {
      Box* box = std::exchange(first_, first_->next);
      box->item.~T();
      delete box;
    }
  }
  void push(Box* box) noexcept { box->next = std::exchange(first_, box); }

 private:
  Box* first_ = nullptr;
};

/// A box on its way in: empty, or with an item in it.
template <class T>
class OrderedParcel {
 public:
  using Box = OrderedBox<T>;

  OrderedParcel() : box_(new Box) {}
  OrderedParcel(const OrderedParcel&) = delete;
  OrderedParcel& operator=(const OrderedParcel&) = delete;
  ~OrderedParcel() {
    if (full_) box_->item.~T();
    delete box_;
  }

  template <class U>
  void fill(U&& item) {
    ::new (static_cast<void*>(std::addressof(box_->item))) T(std::forward<U>(item));
    full_ = true;
  }
  [[nodiscard]] const T& item() const noexcept { return box_->item; }
  [[nodiscard]] Box* release() noexcept {
    full_ = false;
    return std::exchange(box_, nullptr);
  }

 private:
  Box* box_;
  bool full_ = false;
};

/// The last one put is the next one taken.
template <class T>
class LifoOrder {
 public:
  using Box = OrderedBox<T>;
  struct Place {};

  [[nodiscard]] Place place_for(const T&) const noexcept { return {}; }
  void add(Place, Box* box) noexcept { box->next = std::exchange(top_, box); }
  [[nodiscard]] Box* next() noexcept { return top_; }
  void remove_next() noexcept { top_ = top_->next; }
  /// Gives up all boxes, in any order.
  template <class Receive>
  void remove_all(Receive receive) noexcept {
    while (top_ != nullptr) receive(std::exchange(top_, top_->next));
  }

 private:
  Box* top_ = nullptr;
};

/// The smallest one is the next one taken; among equals, the one put first. A binary heap.
template <class T, class Compare>
class PriorityOrder {
 public:
  using Box = OrderedBox<T>;
  using Place = std::size_t;

  explicit PriorityOrder(Compare compare) : compare_(std::move(compare)) {}

  /// Throws  what comparing or growing throws; then nothing has changed.
  [[nodiscard]] Place place_for(const T& item) {
    if (heap_.size() == heap_.capacity()) heap_.reserve(heap_.empty() ? 16 : 2 * heap_.size());
    Place place = heap_.size();
    // It is the last one put, so it only passes those that are really larger.
    while (place > 0 && compare_(item, heap_[parent(place)]->item)) place = parent(place);
    return place;
  }
  void add(Place place, Box* box) noexcept {
    Place hole = heap_.size();
    heap_.push_back(nullptr);
    for (; hole != place; hole = parent(hole)) heap_[hole] = heap_[parent(hole)];
    heap_[hole] = box;
  }

  /// Also decides which boxes move up when this one leaves.
  /// Throws  what comparing throws; then nothing has changed.
  [[nodiscard]] Box* next() {
    if (heap_.empty()) return nullptr;
    const Box* last = heap_.back();
    const std::size_t count = heap_.size() - 1;
    steps_ = 0;
    for (std::size_t hole = 0;;) {
      std::size_t child = 2 * hole + 1;
      if (child >= count) break;
      if (child + 1 < count && before(heap_[child + 1], heap_[child])) ++child;
      if (!before(heap_[child], last)) break;
      path_[steps_++] = child;
      hole = child;
    }
    return heap_.front();
  }
  /// Requires that next() was the last call.
  void remove_next() noexcept {
    std::size_t hole = 0;
    for (std::size_t i = 0; i < steps_; ++i) {
      heap_[hole] = heap_[path_[i]];
      hole = path_[i];
    }
    heap_[hole] = heap_.back();
    heap_.pop_back();
  }
  /// Gives up all boxes, in any order.
  template <class Receive>
  void remove_all(Receive receive) noexcept {
    for (Box* box : heap_) receive(box);
    heap_.clear();
  }

 private:
  [[nodiscard]] static std::size_t parent(std::size_t place) noexcept { return (place - 1) / 2; }
  [[nodiscard]] bool before(const Box* a, const Box* b) {
    if (compare_(a->item, b->item)) return true;
    return a->ordinal < b->ordinal && !compare_(b->item, a->item);
  }

  static constexpr std::size_t kDeepest = 64;

  Compare compare_;
  std::vector<Box*> heap_;
  std::size_t path_[kDeepest] = {};  // the places that move up one level, from the top
  std::size_t steps_ = 0;
};

}  // namespace sluice::detail
