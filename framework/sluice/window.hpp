// sluice/window.hpp: gathers items into windows, by number or by time, one after the other or overlapping.
//
// (1) Windows by time begin at multiples of the step after their worker started, by the run's clock
//     (Context::now()). One comes out when its end time is reached, whether items come or not.
// (2) What is open when the input ends comes out then, the earliest first.
// (3) A window without items does not come out; its ordinal is left out.
// (4) After key_by each key has windows of its own, and what comes out is std::pair<Key, Window>. Without it
//     each worker has windows of its own.
// Layer: pipeline. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/error.hpp>
#include <sluice/flow/copyable.hpp>
#include <sluice/flow/maker.hpp>
#include <sluice/flow/window_body.hpp>
#include <sluice/flow/windows.hpp>
#include <sluice/stage.hpp>
#include <sluice/stream.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace sluice {
namespace detail {

template <class Span, bool kSliding>
struct WindowDecl {
  using Wanted = SomethingElse;
  template <class In>
  static constexpr bool kAccepts = kSliding ? Copyable<In> : std::move_constructible<In>;
  template <class In>
  using Out = Window<In, typename Span::At>;
  template <class In, class Key>
  using KeyedOut = std::pair<Key, Out<In>>;

  template <class In>
  [[nodiscard]] std::unique_ptr<StageMaker> maker() && {
    return make_maker<In, Out<In>>([span = span](std::size_t) {
      return [span] { return WindowBody<In, Span, kSliding>(span); };
    });
  }
  template <class In, class KeyOf>
  [[nodiscard]] std::unique_ptr<StageMaker> keyed_maker(std::shared_ptr<const KeyOf> key_of) && {
    using Body = KeyedWindowBody<In, KeyOf, Span, kSliding>;
    return make_maker<In, typename Body::Out>(
        [key_of = std::move(key_of), span = span](std::size_t) {
          return [key_of, span] { return Body(key_of, span); };
        });
  }

  Declared base;
  Span span;
};

[[noreturn]] inline void throw_bad_window(const std::string& kind, const std::string& name,
                                          const char* fault) {
  throw UsageError(kind + " " + name + ": " + fault);
}

template <bool kSliding, class Span>
[[nodiscard]] WindowDecl<Span, kSliding> window_decl(std::string kind, std::string name, Span span,
                                                     StageOptions options) {
  constexpr decltype(span.size) kNothing{};
  if (!(span.size > kNothing)) throw_bad_window(kind, name, "the size is not above 0");
  if (!(span.step > kNothing)) throw_bad_window(kind, name, "the step is not above 0");
  if (span.step > span.size) {
    throw_bad_window(kind, name,
                     "the step is larger than the size, so items would lie in no window");
  }
  return {{.name = std::move(name),
           .kind = std::move(kind),
           .options = std::move(options),
           .gathers = true},
          span};
}

[[nodiscard]] inline TimeSpan time_span(const std::string& kind, const std::string& name,
                                        std::chrono::nanoseconds size,
                                        std::chrono::nanoseconds step) {
  constexpr std::chrono::nanoseconds kMost = std::chrono::hours{24 * 365 * 100};
  if (size > kMost) throw_bad_window(kind, name, "the size is more than 100 years");
  return {std::chrono::duration_cast<Clock::duration>(size),
          std::chrono::duration_cast<Clock::duration>(step)};
}

}  // namespace detail

/// Windows of `count` items, one after the other; the last one may have fewer.
/// Emits   Window<T>; after key_by std::pair<Key, Window<T>>.
/// Throws  UsageError for a count of 0.
[[nodiscard]] inline auto tumbling(std::string name, std::size_t count, StageOptions options = {}) {
  return detail::window_decl<false>("tumbling", std::move(name), detail::CountSpan{count, count},
                                    std::move(options));
}
/// Windows of that length of time, one after the other. An item at the end time of a window is in the next.
/// Emits   TimeWindow<T>; after key_by std::pair<Key, TimeWindow<T>>.
/// Throws  UsageError for a length that is not above 0.
[[nodiscard]] inline auto tumbling(std::string name, std::chrono::nanoseconds length,
                                   StageOptions options = {}) {
  const detail::TimeSpan span = detail::time_span("tumbling", name, length, length);
  return detail::window_decl<false>("tumbling", std::move(name), span, std::move(options));
}

/// Windows of `count` items, one beginning with every `step`-th item; an item is in several of them and
/// must be copyable. When the input ends, what is open comes out with fewer items.
/// Emits   Window<T>; after key_by std::pair<Key, Window<T>>.
/// Throws  UsageError for a count or step of 0, and for a step larger than the count.
[[nodiscard]] inline auto sliding(std::string name, std::size_t count, std::size_t step,
                                  StageOptions options = {}) {
  return detail::window_decl<true>("sliding", std::move(name), detail::CountSpan{count, step},
                                   std::move(options));
}
/// Windows of that length of time, one beginning every `step`; an item is in several of them and must be
/// copyable. None begins before the worker has started.
/// Emits   TimeWindow<T>; after key_by std::pair<Key, TimeWindow<T>>.
/// Throws  UsageError for a length or step that is not above 0, and for a step longer than the length.
[[nodiscard]] inline auto sliding(std::string name, std::chrono::nanoseconds length,
                                  std::chrono::nanoseconds step, StageOptions options = {}) {
  const detail::TimeSpan span = detail::time_span("sliding", name, length, step);
  return detail::window_decl<true>("sliding", std::move(name), span, std::move(options));
}

/// Windows per key.
template <class T, class KeyOf, class Span, bool kSliding>
  requires(detail::WindowDecl<Span, kSliding>::template kAccepts<T>)
[[nodiscard]] auto operator|(KeyedStream<T, KeyOf> keyed, detail::WindowDecl<Span, kSliding> decl) {
  return detail::StreamAccess::attach_keyed<T>(std::move(keyed), std::move(decl));
}

}  // namespace sluice
