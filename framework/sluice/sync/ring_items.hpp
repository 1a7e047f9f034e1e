// sluice/sync/ring_items.hpp: how items of a type lie in a ring, and how they get in and out.
//
// InPlaceItems: the slot is the item. For types that move without throwing.
// BoxedItems:   the slot points to a box on the heap. For types whose move may throw (an item can
//               then neither be lost between two slots nor be half taken), and for types with a
//               destructor but no move of their own, because what such a "move" leaves in the slot
//               is a whole object, and destroying it may run any user code, while the claim is held.
//
// Both have the same functions. Memory for a put is found before the claim (Spares), copies are made
// before it (Parcel), and what a get leaves behind is destroyed after it (Leftovers).
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace sluice::detail {

/// Converts to T both ways; a type that takes it without ambiguity has no move constructor.
template <class T>
struct CopyOrMove {
  operator const T&() const noexcept;
  operator T&&() const noexcept;
};

template <class T>
inline constexpr bool kMoveIsCopy = std::is_constructible_v<T, CopyOrMove<T>>;

template <class T>
inline constexpr bool kLiesInPlace = std::is_nothrow_move_constructible_v<T> &&
                                     (std::is_trivially_destructible_v<T> || !kMoveIsCopy<T>);

template <class T>
struct InPlaceItems {
  using Slot = T;
  static constexpr bool kBoxed = false;
  static constexpr bool kNothrowFill = true;

  struct Spares {
    explicit Spares(std::size_t) noexcept {}
  };
  struct Leftovers {};
  using Parcel = T;

  template <class U>
  static void fill(Slot* slot, Spares&, U&& item) noexcept {
    static_assert(std::is_nothrow_constructible_v<T, U&&>);
    ::new (static_cast<void*>(slot)) T(std::forward<U>(item));
  }
  [[nodiscard]] static T& item(Slot* slot) noexcept { return *slot; }
  static void remove(Slot* slot, Leftovers&) noexcept { slot->~T(); }
  static void relocate(Slot* from, Slot* to) noexcept {
    ::new (static_cast<void*>(to)) T(std::move(*from));
    from->~T();
  }
  static void destroy(Slot* slot) noexcept { slot->~T(); }
};

template <class T>
struct BoxedItems {
  struct Box {
    Box() noexcept {}
    ~Box() {}
    union {
      T item;
    };
    Box* next = nullptr;
  };
  using Slot = Box*;
  static constexpr bool kBoxed = true;
  static constexpr bool kNothrowFill = false;

  // Boxes in a chain; `kFull` says whether there are items in them.
  template <bool kFull>
  class Chain {
   public:
    Chain() noexcept = default;
    Chain(const Chain&) = delete;
    Chain& operator=(const Chain&) = delete;
    ~Chain() {
      while (Box* box = pop()) {
        if constexpr (kFull) box->item.~T();
        delete box;
      }
    }
    void push(Box* box) noexcept { box->next = std::exchange(first_, box); }
    [[nodiscard]] Box* pop() noexcept {
      Box* box = first_;
      if (box != nullptr) first_ = box->next;
      return box;
    }
    [[nodiscard]] Box* first() const noexcept { return first_; }

   private:
    Box* first_ = nullptr;
  };

  using Leftovers = Chain<true>;

  class Spares : public Chain<false> {
   public:
    explicit Spares(std::size_t count) {
      while (count-- > 0) this->push(new Box);
    }
  };

  /// A copy in a box of its own; putting it can't throw.
  class Parcel {
   public:
    explicit Parcel(const T& item) {
      Spares spares(1);
      BoxedItems::fill(&box_, spares, item);
    }
    ~Parcel() {
      if (box_ != nullptr) BoxedItems::destroy(&box_);
    }
    Parcel(const Parcel&) = delete;
    Parcel& operator=(const Parcel&) = delete;

   private:
    friend struct BoxedItems;
    Slot box_ = nullptr;
  };

  /// Throws what T's constructor throws; then nothing has changed.
  template <class U>
  static void fill(Slot* slot, Spares& spares, U&& item) {
    Box* box = spares.first();
    ::new (static_cast<void*>(std::addressof(box->item))) T(std::forward<U>(item));
    *slot = spares.pop();
  }
  static void fill(Slot* slot, Spares&, Parcel&& parcel) noexcept {
    *slot = std::exchange(parcel.box_, nullptr);
  }
  [[nodiscard]] static T& item(Slot* slot) noexcept { return (*slot)->item; }
  static void remove(Slot* slot, Leftovers& leftovers) noexcept {
    leftovers.push(std::exchange(*slot, nullptr));
  }
  static void relocate(Slot* from, Slot* to) noexcept { *to = *from; }
  static void destroy(Slot* slot) noexcept {
    Leftovers gone;
    remove(slot, gone);
  }
};

template <class T>
using RingItems = std::conditional_t<kLiesInPlace<T>, InPlaceItems<T>, BoxedItems<T>>;

}  // namespace sluice::detail
