// sluice/window.hpp: gathers items into windows, by number or by time, one after the other or overlapping; or
// folds them, and keeps none.
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

#include <sluice/base/clocks.hpp>
#include <sluice/error.hpp>
#include <sluice/flow/copyable.hpp>
#include <sluice/flow/maker.hpp>
#include <sluice/flow/window_body.hpp>
#include <sluice/flow/windows.hpp>
#include <sluice/fold.hpp>
#include <sluice/stage.hpp>
#include <sluice/stream.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace sluice {
namespace detail {

/// What windows keep: their items.
template <bool kSliding>
struct KeepItems {
  using Wanted = SomethingElse;
  template <class In>
  static constexpr bool kAccepts = kSliding ? Copyable<In> : std::move_constructible<In>;
  template <class In, class Span>
  [[nodiscard]] auto gather(Span span) const {
    return GatherItems<In, Span, kSliding>(span);
  }
};

/// What windows keep: a fold of their items.
template <bool kSliding, class Fold>
struct KeepFold {
  using Wanted = wanted_second_t<typename Fold::Step>;
  template <class In>
  static constexpr bool kAccepts = std::invocable<typename Fold::Step&, typename Fold::State&, In>;
  template <class In, class Span>
  [[nodiscard]] auto gather(Span span) const {
    return GatherFold<In, Span, Fold, kSliding>(span, fold);
  }
  Fold fold;
};

template <class Span, class Kept>
struct WindowDecl {
  using Wanted = typename Kept::Wanted;
  static constexpr bool kByTime = std::same_as<Span, TimeSpan>;
  template <class In>
  static constexpr bool kAccepts = Kept::template kAccepts<In>;
  template <class In>
  using Gather = decltype(std::declval<const Kept&>().template gather<In>(std::declval<Span>()));
  template <class In>
  using Out = typename Gather<In>::Open::Out;
  template <class In, class Key>
  using KeyedOut = std::pair<Key, Out<In>>;

  template <class In>
  [[nodiscard]] std::unique_ptr<StageMaker> maker() && {
    return make_maker<In, Out<In>>([span = span, kept = std::move(kept)](std::size_t) {
      return [span, kept] {
        return WindowBody<In, Gather<In>, kByTime>(kept.template gather<In>(span));
      };
    });
  }
  template <class In, class KeyOf>
  [[nodiscard]] std::unique_ptr<StageMaker> keyed_maker(std::shared_ptr<const KeyOf> key_of) && {
    using Body = KeyedWindowBody<In, KeyOf, Gather<In>, kByTime>;
    return make_maker<In, typename Body::Out>(
        [key_of = std::move(key_of), span = span, kept = std::move(kept)](std::size_t) {
          return [key_of, span, kept] { return Body(key_of, kept.template gather<In>(span)); };
        });
  }

  Declared base;
  Span span;
  Kept kept;
};

[[noreturn]] inline void throw_bad_window(const std::string& kind, const std::string& name,
                                          const char* fault) {
  throw UsageError(kind + " " + name + ": " + fault);
}

template <class Span, class Kept>
[[nodiscard]] WindowDecl<Span, Kept> window_decl(std::string kind, std::string name, Span span,
                                                 Kept kept, StageOptions options) {
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
          span,
          std::move(kept)};
}

[[nodiscard]] inline TimeSpan time_span(const std::string& kind, const std::string& name,
                                        std::chrono::nanoseconds size,
                                        std::chrono::nanoseconds step) {
  constexpr std::chrono::nanoseconds kMost = std::chrono::hours{24 * 365 * 100};
  if (size > kMost) throw_bad_window(kind, name, "the size is more than 100 years");
  return {std::chrono::duration_cast<Clock::duration>(size),
          std::chrono::duration_cast<Clock::duration>(step)};
}

/// Sliding windows share panes, so their states must be mergeable.
template <class Fold>
constexpr void require_combine() {
  static_assert(
      Fold::kMerges,
      "sluice: a sliding window that folds needs a combine: fold(initial, step, combine)");
}

}  // namespace detail

/// Windows of `count` items, one after the other; the last one may have fewer.
/// Emits   Window<T>; after key_by std::pair<Key, Window<T>>.
/// Throws  UsageError for a count of 0.
[[nodiscard]] inline auto tumbling(std::string name, std::size_t count, StageOptions options = {}) {
  return detail::window_decl("tumbling", std::move(name), detail::CountSpan{count, count},
                             detail::KeepItems<false>{}, std::move(options));
}
/// Windows of that length of time, one after the other. An item at the end time of a window is in the next.
/// Emits   TimeWindow<T>; after key_by std::pair<Key, TimeWindow<T>>.
/// Throws  UsageError for a length that is not above 0.
[[nodiscard]] inline auto tumbling(std::string name, std::chrono::nanoseconds length,
                                   StageOptions options = {}) {
  const detail::TimeSpan span = detail::time_span("tumbling", name, length, length);
  return detail::window_decl("tumbling", std::move(name), span, detail::KeepItems<false>{},
                             std::move(options));
}

/// Windows of `count` items of which only a fold is kept (fold.hpp), so that memory does not depend on `count`:
/// a state per worker, after key_by per key.
///
///     tumbling("means", 1000, fold(Mean{}, add).then(mean_of))
///
/// Emits   FoldedWindow<Value>, where Value is the state or what then() makes of it; after key_by
///         std::pair<Key, FoldedWindow<Value>>.
/// Throws  UsageError for a count of 0. What combine or then() throws fails the run; a step, see fold().
template <class S, class Step, class C, class Finish>
[[nodiscard]] auto tumbling(std::string name, std::size_t count,
                            detail::Fold<S, Step, C, Finish> fold, StageOptions options = {}) {
  using Kept = detail::KeepFold<false, detail::Fold<S, Step, C, Finish>>;
  return detail::window_decl("tumbling", std::move(name), detail::CountSpan{count, count},
                             Kept{std::move(fold)}, std::move(options));
}
/// The same by time. Emits FoldedTimeWindow<Value>.
template <class S, class Step, class C, class Finish>
[[nodiscard]] auto tumbling(std::string name, std::chrono::nanoseconds length,
                            detail::Fold<S, Step, C, Finish> fold, StageOptions options = {}) {
  using Kept = detail::KeepFold<false, detail::Fold<S, Step, C, Finish>>;
  const detail::TimeSpan span = detail::time_span("tumbling", name, length, length);
  return detail::window_decl("tumbling", std::move(name), span, Kept{std::move(fold)},
                             std::move(options));
}

/// Windows of `count` items, one beginning with every `step`-th item; an item is in several of them and
/// must be copyable. When the input ends, what is open comes out with fewer items.
/// Emits   Window<T>; after key_by std::pair<Key, Window<T>>.
/// Throws  UsageError for a count or step of 0, and for a step larger than the count.
[[nodiscard]] inline auto sliding(std::string name, std::size_t count, std::size_t step,
                                  StageOptions options = {}) {
  return detail::window_decl("sliding", std::move(name), detail::CountSpan{count, step},
                             detail::KeepItems<true>{}, std::move(options));
}
/// Windows of that length of time, one beginning every `step`; an item is in several of them and must be
/// copyable. None begins before the worker has started.
/// Emits   TimeWindow<T>; after key_by std::pair<Key, TimeWindow<T>>.
/// Throws  UsageError for a length or step that is not above 0, and for a step longer than the length.
[[nodiscard]] inline auto sliding(std::string name, std::chrono::nanoseconds length,
                                  std::chrono::nanoseconds step, StageOptions options = {}) {
  const detail::TimeSpan span = detail::time_span("sliding", name, length, step);
  return detail::window_decl("sliding", std::move(name), span, detail::KeepItems<true>{},
                             std::move(options));
}

/// Sliding windows of which only a fold is kept, one with a combine (fold.hpp): each item is folded once, into the
/// state of its part of a step, and a window's states are combined when it comes out. There are at most
/// 2 * (count / step) + 1 states, after key_by for each key; items need not be copyable.
///
///     sliding("load", 1min, 1s, fold(0, add, [](int& sum, int later) { sum += later; }))
///
/// Emits, throws  as a tumbling window that folds, and as sliding.
template <class S, class Step, class C, class Finish>
[[nodiscard]] auto sliding(std::string name, std::size_t count, std::size_t step,
                           detail::Fold<S, Step, C, Finish> fold, StageOptions options = {}) {
  using Fold = detail::Fold<S, Step, C, Finish>;
  detail::require_combine<Fold>();
  return detail::window_decl("sliding", std::move(name), detail::CountSpan{count, step},
                             detail::KeepFold<Fold::kMerges, Fold>{std::move(fold)},
                             std::move(options));
}
/// The same by time. Emits FoldedTimeWindow<Value>.
template <class S, class Step, class C, class Finish>
[[nodiscard]] auto sliding(std::string name, std::chrono::nanoseconds length,
                           std::chrono::nanoseconds step, detail::Fold<S, Step, C, Finish> fold,
                           StageOptions options = {}) {
  using Fold = detail::Fold<S, Step, C, Finish>;
  detail::require_combine<Fold>();
  const detail::TimeSpan span = detail::time_span("sliding", name, length, step);
  return detail::window_decl("sliding", std::move(name), span,
                             detail::KeepFold<Fold::kMerges, Fold>{std::move(fold)},
                             std::move(options));
}

/// Windows per key.
template <class T, class KeyOf, class Span, class Kept>
  requires(Kept::template kAccepts<T>)
[[nodiscard]] auto operator|(KeyedStream<T, KeyOf> keyed, detail::WindowDecl<Span, Kept> decl) {
  return detail::StreamAccess::attach_keyed<T>(std::move(keyed), std::move(decl));
}

}  // namespace sluice
