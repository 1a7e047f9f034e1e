// sluice/get_result.hpp: what get() returns: the item, or why there is none.
// Layer: queue. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/error.hpp>
#include <sluice/queue_status.hpp>

#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace sluice {

/// Holds an item exactly when status() is ok.
///
///     while (auto item = queue.get()) {
///       use(*item);
///       queue.task_done();
///     }
template <class T>
class [[nodiscard]] GetResult {
 public:
  /// Holds no item; `status` is not ok.
  explicit GetResult(GetStatus status = GetStatus::empty) noexcept : status_(status) {}
  GetResult(GetResult&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
      : ordinal_(other.ordinal_) {
    if (other) ::new (static_cast<void*>(std::addressof(item_))) T(std::move(other.item_));
    status_ = other.status_;
  }
  GetResult& operator=(GetResult&&) = delete;
  ~GetResult() {
    if (status_ == GetStatus::ok) item_.~T();
  }

  [[nodiscard]] GetStatus status() const noexcept { return status_; }
  [[nodiscard]] explicit operator bool() const noexcept { return status_ == GetStatus::ok; }
  /// How many items were put before this one, when it came from a Queue.
  [[nodiscard]] std::uint64_t ordinal() const noexcept { return ordinal_; }

  /// Requires an item.
  [[nodiscard]] T& operator*() & noexcept { return item_; }
  [[nodiscard]] const T& operator*() const& noexcept { return item_; }
  [[nodiscard]] T&& operator*() && noexcept { return std::move(item_); }
  [[nodiscard]] T* operator->() noexcept { return std::addressof(item_); }
  [[nodiscard]] const T* operator->() const noexcept { return std::addressof(item_); }

  /// Throws  UsageError when there is no item.
  [[nodiscard]] T& value() & { return checked(); }
  [[nodiscard]] T&& value() && { return std::move(checked()); }

  /// For queues: makes the item. Requires that there is none.
  template <class U>
  void emplace(U&& item, std::uint64_t ordinal) noexcept(std::is_nothrow_constructible_v<T, U&&>) {
    ::new (static_cast<void*>(std::addressof(item_))) T(std::forward<U>(item));
    ordinal_ = ordinal;
    status_ = GetStatus::ok;
  }
  /// For queues: says why there is no item. Requires that there is none.
  void set_status(GetStatus status) noexcept { status_ = status; }

 private:
  [[nodiscard]] T& checked() {
    if (status_ != GetStatus::ok) {
      throw UsageError("get: there is no item; look at status() before value()");
    }
    return item_;
  }

  GetStatus status_ = GetStatus::empty;
  std::uint64_t ordinal_ = 0;
  union {
    T item_;
  };
};

}  // namespace sluice
