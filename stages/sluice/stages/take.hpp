// sluice/stages/take.hpp: a stage that passes the first items and then ends its branch.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/stage.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace sluice::stages {

/// The worker of take().
template <class T>
class TakeBody {
 public:
  static constexpr bool kReadsOnly = false;  // a passed item is moved on

  explicit TakeBody(std::uint64_t left) noexcept : left_(left) {}

  void start(Context& context) {
    if (left_ == 0) context.enough();
  }
  void process(T&& item, Emitter<T>& out, Context& context) {
    out.emit(std::move(item));
    if (--left_ == 0) context.enough();
  }

 private:
  std::uint64_t left_;
};

/// What take() makes: `stream | take("first", 10)` for a stream of any type.
class TakeDecl {
 public:
  using Wanted = sluice::detail::SomethingElse;
  template <class>
  static constexpr bool kAccepts = true;
  template <class In>
  using Out = In;

  TakeDecl(std::string name, std::uint64_t n, StageOptions options)
      : base{.name = std::move(name),
             .kind = "take",
             .options = std::move(options),
             .many = false,
             .many_reason = "it counts the items that it passes"},
        n_(n) {}

  template <class In>
  [[nodiscard]] auto maker() && {
    return sluice::detail::make_maker<In, In>(
        [n = n_](std::size_t) { return [n] { return TakeBody<In>(n); }; });
  }

  sluice::detail::Declared base;

 private:
  std::uint64_t n_;
};

/// Passes the first `n` items and then says enough: what feeds it ends, unless it feeds others too.
/// Which items are the first is decided by the order of arrival. One worker.
[[nodiscard]] inline TakeDecl take(std::string name, std::uint64_t n, StageOptions options = {}) {
  return TakeDecl(std::move(name), n, std::move(options));
}

}  // namespace sluice::stages
