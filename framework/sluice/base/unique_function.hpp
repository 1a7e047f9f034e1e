// sluice/base/unique_function.hpp: a callable that is owned and moved, never copied.
//
// std::function wants copyable callables and its header is large; std::move_only_function is C++23.
// (1) Callables of up to three words that move without throwing lie inside, others on the heap.
// (2) A moved-from function is empty.
// Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/assert.hpp>

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace sluice {

namespace detail {

/// The storage behind UniqueFunction; knows how to move and destroy what it holds.
class CallableBox {
 public:
  CallableBox() noexcept = default;
  CallableBox(CallableBox&& other) noexcept { take(other); }
  CallableBox& operator=(CallableBox&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  CallableBox(const CallableBox&) = delete;
  CallableBox& operator=(const CallableBox&) = delete;
  ~CallableBox() { reset(); }

  template <class F, class Callable>
  void emplace(Callable&& callable) {
    if constexpr (kFitsInside<F>) {
      ::new (static_cast<void*>(bytes_)) F(std::forward<Callable>(callable));
      relocate_ = [](CallableBox* to, CallableBox* from) noexcept {
        F* source = from->template get<F>();
        if (to != nullptr) ::new (static_cast<void*>(to->bytes_)) F(std::move(*source));
        source->~F();
      };
    } else {
      pointer() = new F(std::forward<Callable>(callable));
      relocate_ = [](CallableBox* to, CallableBox* from) noexcept {
        if (to != nullptr) {
          to->pointer() = from->pointer();
        } else {
          delete from->template get<F>();
        }
      };
    }
  }

  template <class F>
  [[nodiscard]] F* get() noexcept {
    if constexpr (kFitsInside<F>) {
      return std::launder(reinterpret_cast<F*>(bytes_));
    } else {
      return static_cast<F*>(pointer());
    }
  }

 private:
  static constexpr std::size_t kInside = 3 * sizeof(void*);

  template <class F>
  static constexpr bool kFitsInside =
      sizeof(F) <= kInside &&
      alignof(F) <= alignof(void*) && std::is_nothrow_move_constructible_v<F>;

  void take(CallableBox& other) noexcept {
    if (other.relocate_ == nullptr) return;
    other.relocate_(this, &other);
    relocate_ = std::exchange(other.relocate_, nullptr);
  }
  void reset() noexcept {
    if (relocate_ != nullptr) std::exchange(relocate_, nullptr)(nullptr, this);
  }
  [[nodiscard]] void*& pointer() noexcept { return *reinterpret_cast<void**>(bytes_); }

  alignas(void*) std::byte bytes_[kInside] = {};
  // Moves the callable from `from` to `to`, or destroys it when `to` is null. Null: nothing held.
  void (*relocate_)(CallableBox* to, CallableBox* from) noexcept = nullptr;
};

/// Called with parentheses only: pointers to members would need std::invoke and its header.
template <class F, class R, class... Args>
concept CallableAs = requires(F& callee, Args&&... args) {
  {callee(std::forward<Args>(args)...)};
  requires std::is_void_v<R> ||
      std::is_convertible_v<decltype(callee(std::forward<Args>(args)...)), R>;
};

template <class R, bool Const, class... Args>
class UniqueFunctionBase {
 public:
  UniqueFunctionBase() noexcept = default;
  UniqueFunctionBase(UniqueFunctionBase&& other) noexcept
      : box_(std::move(other.box_)), call_(std::exchange(other.call_, nullptr)) {}
  UniqueFunctionBase& operator=(UniqueFunctionBase&& other) noexcept {
    box_ = std::move(other.box_);
    call_ = std::exchange(other.call_, nullptr);
    return *this;
  }

  [[nodiscard]] explicit operator bool() const noexcept { return call_ != nullptr; }

 protected:
  template <class F, class Callable>
  void emplace(Callable&& callable) {
    if constexpr (std::is_pointer_v<std::remove_reference_t<Callable>>) {
      if (callable == nullptr) return;  // a null pointer makes an empty function
    }
    box_.template emplace<F>(std::forward<Callable>(callable));
    call_ = [](CallableBox& box, Args... args) -> R {
      using Callee = std::conditional_t<Const, const F, F>;
      Callee& callee = *box.get<F>();
      if constexpr (std::is_void_v<R>) {
        static_cast<void>(callee(std::forward<Args>(args)...));
      } else {
        return callee(std::forward<Args>(args)...);
      }
    };
  }

  R call(CallableBox& box, Args... args) const {
    SLUICE_ASSERT(call_ != nullptr, "an empty function was called");
    return call_(box, std::forward<Args>(args)...);
  }

  mutable CallableBox box_;

 private:
  R (*call_)(CallableBox&, Args...) = nullptr;
};

}  // namespace detail

template <class Signature>
class UniqueFunction;

/// A move-only callable R(Args...). Calling an empty one is a mistake (asserted).
template <class R, class... Args>
class UniqueFunction<R(Args...)> : public detail::UniqueFunctionBase<R, false, Args...> {
 public:
  UniqueFunction() noexcept = default;
  UniqueFunction(std::nullptr_t) noexcept {}

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction> &&
             detail::CallableAs<std::decay_t<F>, R, Args...>)
  UniqueFunction(F&& callable) {
    this->template emplace<std::decay_t<F>>(std::forward<F>(callable));
  }

  R operator()(Args... args) { return this->call(this->box_, std::forward<Args>(args)...); }
};

/// The same for callables that may be called through a const object, also by several threads at
/// once when the callable itself allows that.
template <class R, class... Args>
class UniqueFunction<R(Args...) const> : public detail::UniqueFunctionBase<R, true, Args...> {
 public:
  UniqueFunction() noexcept = default;
  UniqueFunction(std::nullptr_t) noexcept {}

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction> &&
             detail::CallableAs<const std::decay_t<F>, R, Args...>)
  UniqueFunction(F&& callable) {
    this->template emplace<std::decay_t<F>>(std::forward<F>(callable));
  }

  R operator()(Args... args) const { return this->call(this->box_, std::forward<Args>(args)...); }
};

}  // namespace sluice
