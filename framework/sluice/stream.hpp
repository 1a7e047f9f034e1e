// sluice/stream.hpp: handles on items on their way, and what can be done with them: | , key_by, merge,
// route. A stream is made by Pipeline (pipeline.hpp) and by every stage with output.
// Layer: pipeline. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/copyable.hpp>
#include <sluice/flow/graph.hpp>
#include <sluice/flow/selector.hpp>
#include <sluice/stage.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

namespace detail {

/// A stream without its type: where its items come from. Moved from: graph is null.
struct StreamEnds {
  std::shared_ptr<Graph> graph{};
  std::vector<Origin> origins{};
};

/// Stands for the output of a connection that did not compile, so that it is reported once.
struct Unusable {};

struct StreamAccess;

}  // namespace detail

/// A handle on items of type T on their way: the output of a stage, or several of them merged.
///
/// `stream | stage` connects and gives the next stream. A named handle used twice fans out (T must
/// be copyable); a move-only T is passed on with std::move(stream), once.
template <class T>
class Stream {
 public:
  using value_type = T;

  /// For the builder.
  explicit Stream(detail::StreamEnds ends) noexcept : ends_(std::move(ends)) {}

 private:
  friend struct detail::StreamAccess;

  detail::StreamEnds ends_;
};

/// A stream whose items are partitioned by a key: items of one key reach the same worker of the
/// next stage, in the order in which each producer emitted them.
template <class T, class KeyOf>
struct KeyedStream {
  Stream<T> stream;
  KeyOf key_of;
};

namespace detail {

template <class KeyOf>
struct KeyBy {
  KeyOf key_of;
};

/// A stage to be added behind a stream.
struct NewStage {
  Declared base{};
  ItemType in{};
  TypeKey out{};
  bool can_retry = true;  ///< after a failed attempt its item is still there
  std::unique_ptr<StageMaker> maker{};
  std::shared_ptr<const Selector> key{};
};

/// Adds the stage and connects it. Returns  its index. Throws  PipelineError when the stream was
/// moved from.
std::size_t add_stage(const StreamEnds& from, NewStage stage);
/// Adds a source. Returns  its index.
std::size_t add_source(Graph& graph, Declared base, TypeKey out, std::unique_ptr<StageMaker> maker);
/// The stage's output as a stream.
[[nodiscard]] StreamEnds ends_of(const std::shared_ptr<Graph>& graph, std::size_t stage);
/// The same items; the branch has this policy for a full edge.
[[nodiscard]] StreamEnds with_policy(const StreamEnds& from,
                                     const std::shared_ptr<const FullPolicy>& policy);
/// Both streams' items in one; a fault when they belong to different pipelines.
[[nodiscard]] StreamEnds merged(StreamEnds first, const StreamEnds& second);
/// The graph of a stream. Throws  PipelineError when it was moved from.
[[nodiscard]] const std::shared_ptr<Graph>& graph_of(const StreamEnds& ends);

/// What connecting needs to know of streams.
struct StreamAccess {
  template <class T>
  static const StreamEnds& ends(const Stream<T>& stream) {
    return stream.ends_;
  }

  template <class T, class Decl>
  static constexpr bool can_retry() {
    if constexpr (requires { Decl::template kReadsOnly<T>; }) {
      return Copyable<T> || Decl::template kReadsOnly<T>;
    } else {
      return Copyable<T>;
    }
  }

  /// `stream | decl` for every kind of declaration.
  template <class T, class Decl>
  static auto attach(const Stream<T>& stream, Decl decl, std::shared_ptr<const Selector> key) {
    using Out = typename Decl::template Out<T>;
    Declared base = std::move(decl.base);
    return added<Out>(stream.ends_, {.base = std::move(base),
                                     .in = item_type<T>(),
                                     .out = type_key<Out>(),
                                     .can_retry = can_retry<T, Decl>(),
                                     .maker = std::move(decl).template maker<T>(),
                                     .key = std::move(key)});
  }

  /// A keyed stage that needs the key function itself.
  template <class T, class KeyOf, class Decl>
  static auto attach_keyed(KeyedStream<T, KeyOf> keyed, Decl decl) {
    using Key = key_of_t<T, KeyOf>;
    using Out = typename Decl::template KeyedOut<T, Key>;
    const auto key_of = std::make_shared<const KeyOf>(std::move(keyed.key_of));
    Declared base = std::move(decl.base);
    return added<Out>(keyed.stream.ends_,
                      {.base = std::move(base),
                       .in = item_type<T>(),
                       .out = type_key<Out>(),
                       .can_retry = can_retry<T, Decl>(),
                       .maker = std::move(decl).template keyed_maker<T>(key_of),
                       .key = std::make_shared<KeySelector<T, KeyOf>>(*key_of)});
  }

 private:
  template <class Out>
  static auto added(const StreamEnds& from, NewStage made) {
    const std::size_t stage = add_stage(from, std::move(made));
    if constexpr (!std::same_as<Out, NoOutput>) return Stream<Out>(ends_of(from.graph, stage));
  }
};

/// Why a declaration does not fit: one static_assert with both types.
template <class T, class Decl>
constexpr void complain() {
  constexpr bool no_result = requires { requires Decl::template kWithoutResult<T>; };
  if constexpr (no_result) {
    static_assert(stage_accepts<T, void>, "sluice: map needs a result; use sink for none");
  } else {
    static_assert(stage_accepts<T, typename Decl::Wanted>,
                  "sluice: the stage does not accept what the stream carries");
  }
}

/// A constant, not a concept: a compiler that explains why not would take a page.
template <class Key>
inline constexpr bool has_hash = requires(const Key& key) {
  { std::hash<Key>{}(key) } -> std::convertible_to<std::size_t>;
};

/// What key_by asks of its function. A stream that is not usable has complained already.
template <class T, class KeyOf>
concept gives_key = !std::same_as<T, Unusable> && std::invocable<const KeyOf&, const T&> &&
                    has_hash<key_of_t<T, KeyOf>>;

template <class Decl>
concept Declaration = requires(Decl& decl) {
  decl.base.has_output;
};

template <class T>
inline constexpr bool may_fan_out = detail::Copyable<T>;

}  // namespace detail

/// Connects; the stream handle stays usable, and using it again fans out.
template <class T, detail::Declaration Decl>
  requires(Decl::template kAccepts<T>)
auto operator|(const Stream<T>& stream, Decl decl) {
  static_assert(detail::may_fan_out<T>,
                "sluice: this stream's items can only be moved, so it has one consumer: write "
                "std::move(stream) | stage");
  return detail::StreamAccess::attach<T>(stream, std::move(decl), nullptr);
}
template <class T, detail::Declaration Decl>
  requires(Decl::template kAccepts<T>)
auto operator|(Stream<T>&& stream, Decl decl) {
  const Stream<T> taken = std::move(stream);
  return detail::StreamAccess::attach<T>(taken, std::move(decl), nullptr);
}
template <class T, class KeyOf, detail::Declaration Decl>
  requires(Decl::template kAccepts<T>)
auto operator|(KeyedStream<T, KeyOf> keyed, Decl decl) {
  return detail::StreamAccess::attach<T>(
      keyed.stream, std::move(decl),
      std::make_shared<detail::KeySelector<T, KeyOf>>(std::move(keyed.key_of)));
}

/// A stage that does not accept the stream's items: one error, with both types in it.
template <class T, detail::Declaration Decl>
  requires(!Decl::template kAccepts<T> && !std::same_as<T, detail::Unusable>)
Stream<detail::Unusable>
operator|(const Stream<T>&, Decl) {
  detail::complain<T, Decl>();
  throw UsageError("unreachable");
}
template <class T, class KeyOf, detail::Declaration Decl>
  requires(!Decl::template kAccepts<T>)
Stream<detail::Unusable>
operator|(const KeyedStream<T, KeyOf>&, Decl) {
  detail::complain<T, Decl>();
  throw UsageError("unreachable");
}
template <detail::Declaration Decl>
Stream<detail::Unusable> operator|(const Stream<detail::Unusable>& stream, const Decl&) {
  return stream;
}

/// Partitions by `key_of(const T&)`, or a member of T, which is called by several workers at once; the key
/// needs std::hash. Keys fall into 256 fixed groups; each group belongs to one worker.
template <class KeyOf>
[[nodiscard]] auto key_by(KeyOf key_of) {
  return detail::KeyBy<detail::function_t<KeyOf>>{detail::as_function(std::move(key_of))};
}
template <class T, class KeyOf>
  requires detail::gives_key<T, KeyOf>
[[nodiscard]] KeyedStream<T, KeyOf> operator|(const Stream<T>& stream, detail::KeyBy<KeyOf> by) {
  static_assert(detail::may_fan_out<T>,
                "sluice: this stream's items can only be moved, so it has one consumer: write "
                "std::move(stream) | key_by(...)");
  return {stream, std::move(by.key_of)};
}
template <class T, class KeyOf>
  requires detail::gives_key<T, KeyOf>
[[nodiscard]] KeyedStream<T, KeyOf> operator|(Stream<T>&& stream, detail::KeyBy<KeyOf> by) {
  return {std::move(stream), std::move(by.key_of)};
}
/// A function that does not fit, or whose result can't be a key: one error, with the type in it.
template <class T, class KeyOf>
  requires(!std::same_as<T, detail::Unusable> && !std::invocable<const KeyOf&, const T&>)
Stream<detail::Unusable>
operator|(const Stream<T>&, const detail::KeyBy<KeyOf>&) {
  static_assert(stage_accepts<T, KeyOf>,
                "sluice: key_by: the function does not take what the stream carries");
  throw UsageError("unreachable");
}
template <class T, class KeyOf, class Key = detail::key_of_t<T, KeyOf>>
  requires(!std::same_as<T, detail::Unusable> && !detail::has_hash<Key>)
Stream<detail::Unusable>
operator|(const Stream<T>&, const detail::KeyBy<KeyOf>&) {
  static_assert(detail::has_hash<Key>,
                "sluice: key_by: the key has no std::hash; specialise it, or give a key that has "
                "one, such as a std::string");
  throw UsageError("unreachable");
}
template <class KeyOf>
Stream<detail::Unusable> operator|(const Stream<detail::Unusable>& stream,
                                   const detail::KeyBy<KeyOf>&) {
  return stream;
}

/// One stream out of several: one queue with several producers, which closes with the last of
/// them. Items stand in the order in which the queue accepted them.
template <class T, std::same_as<Stream<T>>... More>
[[nodiscard]] Stream<T> merge(Stream<T> first, More... more) {
  using Access = detail::StreamAccess;
  detail::StreamEnds all = Access::ends(first);
  ((all = detail::merged(std::move(all), Access::ends(more))), ...);
  return Stream<T>(std::move(all));
}

/// Splits a stream: the first predicate that holds takes the item, the last stream gets the rest.
/// Every resulting stream must be consumed. Predicates are called by several workers at once.
template <class T, class... Predicates>
  requires(sizeof...(Predicates) > 0 && (std::predicate<const Predicates&, const T&> && ...))
[[nodiscard]] auto route(Stream<T> stream, Predicates... predicates) {
  constexpr std::size_t kArms = sizeof...(Predicates) + 1;
  const detail::StreamEnds& from = detail::StreamAccess::ends(stream);
  const std::shared_ptr<detail::Graph>& graph = detail::graph_of(from);
  auto choose = [... test =
                     detail::as_function(std::move(predicates))](const T& item) -> std::size_t {
    std::size_t arm = 0;
    static_cast<void>(((test(item) ? true : (++arm, false)) || ...));
    return arm;
  };
  using Choose = decltype(choose);
  const auto shared = std::make_shared<const Choose>(std::move(choose));
  for (const detail::Origin& origin : from.origins) graph->use(origin, detail::item_type<T>());
  const auto arm_of = [&](std::size_t arm) {
    const auto mine = std::make_shared<detail::RouteSelector<T, Choose>>(shared, arm);
    return Stream<T>(detail::StreamEnds{graph, graph->arm_of(from.origins, arm, mine)});
  };
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<Stream<T>, kArms>{arm_of(I)...};
  }
  (std::make_index_sequence<kArms>{});
}

}  // namespace sluice
