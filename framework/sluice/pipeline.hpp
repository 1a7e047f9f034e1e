// sluice/pipeline.hpp: describes a pipeline: sources, streams, and what is connected to what.
//
// Describing has no effects: no file is opened, no thread or queue is made. So a description can be
// listed, drawn, checked and run any number of times, also at the same time.
// Layer: pipeline. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/bodies.hpp>
#include <sluice/flow/copyable.hpp>
#include <sluice/flow/graph.hpp>
#include <sluice/flow/selector.hpp>
#include <sluice/stage.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice {

class Pipeline;

namespace detail {

/// One place a stream's items come from.
template <class T>
struct Origin {
  std::size_t stage = 0;
  std::size_t end = 0;
  std::shared_ptr<const Selector<T>> selector{};
  std::string adaptors{};
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

  Stream(const Stream&) = default;
  Stream& operator=(const Stream&) = default;
  Stream(Stream&& other) noexcept
      : graph_(std::exchange(other.graph_, nullptr)), origins_(std::move(other.origins_)) {}
  Stream& operator=(Stream&& other) noexcept {
    graph_ = std::exchange(other.graph_, nullptr);
    origins_ = std::move(other.origins_);
    return *this;
  }
  ~Stream() = default;

 private:
  friend struct detail::StreamAccess;
  Stream() = default;

  std::shared_ptr<detail::Graph> graph_{};
  std::vector<detail::Origin<T>> origins_{};
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

/// What connecting needs to know of streams.
struct StreamAccess {
  template <class T>
  static Stream<T> make(std::shared_ptr<Graph> graph, std::vector<Origin<T>> origins) {
    Stream<T> stream;
    stream.graph_ = std::move(graph);
    stream.origins_ = std::move(origins);
    return stream;
  }
  template <class T>
  static const std::shared_ptr<Graph>& graph(const Stream<T>& stream) {
    if (stream.graph_ == nullptr) {
      throw PipelineError(
          {"a stream is used after it was moved from; keep the handle that the "
           "next stage returned, or use the stream before moving it"});
    }
    return stream.graph_;
  }
  template <class T>
  static std::vector<Origin<T>>& origins(Stream<T>& stream) {
    return stream.origins_;
  }
  template <class T>
  static const std::vector<Origin<T>>& origins(const Stream<T>& stream) {
    return stream.origins_;
  }

  /// Adds a stage with output to the graph and returns its stream.
  template <class T>
  static Stream<T> output_of(const std::shared_ptr<Graph>& graph, std::size_t stage) {
    const std::size_t end = graph->add_end(stage, "its output");
    return make<T>(graph, {{stage, end, nullptr, {}}});
  }

  template <class In, class Out>
  static StageDef define(Declared base, std::unique_ptr<StageMaker> maker, StageRole role) {
    return {.name = std::move(base.name),
            .kind = std::move(base.kind),
            .role = role,
            .options = std::move(base.options),
            .many = base.many,
            .many_reason = std::move(base.many_reason),
            .in = type_key<In>(),
            .out = type_key<Out>(),
            .maker = std::move(maker)};
  }

  /// Takes an end for one consumer. Handles can be copied and found by name, so only here is it
  /// known that a stream of items that can't be copied has a second consumer.
  template <class T>
  static void use(Graph& graph, const Origin<T>& origin) {
    OpenEnd& end = graph.ends[origin.end];
    if (end.used && !end.what.empty() && !Copyable<T>) {
      graph.faults.push_back("stage " + graph.stages[origin.stage].name + ": " + end.what +
                             " carries " + std::string(type_name<T>()) +
                             ", which can only be moved, and has more than one consumer");
    }
    end.used = true;
  }

  template <class T>
  static void connect(Graph& graph, const std::vector<Origin<T>>& origins, std::size_t to,
                      const std::shared_ptr<const Selector<T>>& key) {
    for (const Origin<T>& origin : origins) {
      use(graph, origin);
      std::shared_ptr<const Selector<T>> selector = origin.selector;
      std::string adaptors = origin.adaptors;
      if (key != nullptr) {
        selector = selector == nullptr
                       ? key
                       : std::make_shared<SelectorChain<T>>(std::move(selector), key);
        adaptors += adaptors.empty() ? "key_by" : ", key_by";
      }
      graph.connections.push_back(
          {origin.stage, to, std::move(selector), std::move(adaptors), key != nullptr});
    }
  }

  /// `stream | decl` for every kind of declaration.
  template <class T, class Decl>
  static auto attach(const Stream<T>& stream, Decl decl,
                     const std::shared_ptr<const Selector<T>>& key) {
    using Out = typename Decl::template Out<T>;
    const std::shared_ptr<Graph> graph = StreamAccess::graph(stream);
    Declared base = std::move(decl.base);
    check_retry<T, Decl>(*graph, base);
    const StageRole role = base.has_output         ? StageRole::transform
                           : base.kind == "outlet" ? StageRole::outlet
                                                   : StageRole::sink;
    const std::size_t stage =
        graph->add(define<T, Out>(std::move(base), std::move(decl).template maker<T>(), role));
    connect(*graph, origins(stream), stage, key);
    if constexpr (!std::same_as<Out, NoOutput>) return output_of<Out>(graph, stage);
  }

  /// A keyed stage that needs the key function itself.
  template <class T, class KeyOf, class Decl>
  static auto attach_keyed_reduce(KeyedStream<T, KeyOf> keyed, Decl decl) {
    const std::shared_ptr<Graph> graph = StreamAccess::graph(keyed.stream);
    const auto key_of = std::make_shared<const KeyOf>(std::move(keyed.key_of));
    const auto selector = std::make_shared<KeySelector<T, KeyOf>>(*key_of);
    Declared base = std::move(decl.base);
    check_retry<T, Decl>(*graph, base);
    std::unique_ptr<StageMaker> maker = std::move(decl).template keyed_maker<T>(key_of);
    using Key = std::remove_cvref_t<std::invoke_result_t<const KeyOf&, const T&>>;
    using Out = std::pair<Key, decltype(decl.initial)>;
    const std::size_t stage =
        graph->add(define<T, Out>(std::move(base), std::move(maker), StageRole::transform));
    connect<T>(*graph, origins(keyed.stream), stage, selector);
    return output_of<Out>(graph, stage);
  }

  template <class T, class Decl>
  static void check_retry(Graph& graph, const Declared& base) {
    if (base.options.on_error.retries == 0 || Copyable<T>) return;
    if constexpr (requires { Decl::template kReadsOnly<T>; }) {
      if (Decl::template kReadsOnly<T>) return;
    }
    graph.faults.push_back(
        "stage " + base.name + ": retry needs an item that is still there, and " +
        std::string(type_name<T>()) + " can only be moved; take it by const reference");
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

/// Partitions by `key_of(const T&)`, which is called by several workers at once; the key needs
/// std::hash. Keys fall into 256 fixed groups; each group belongs to one worker.
template <class KeyOf>
[[nodiscard]] auto key_by(KeyOf key_of) {
  if constexpr (std::is_member_object_pointer_v<KeyOf>) {
    auto read = [key_of](const auto& item) -> const auto& { return item.*key_of; };
    return detail::KeyBy<decltype(read)>{read};
  } else {
    return detail::KeyBy<KeyOf>{std::move(key_of)};
  }
}
template <class T, class KeyOf>
[[nodiscard]] KeyedStream<T, KeyOf> operator|(const Stream<T>& stream, detail::KeyBy<KeyOf> by) {
  static_assert(detail::may_fan_out<T>,
                "sluice: this stream's items can only be moved, so it has one consumer: write "
                "std::move(stream) | key_by(...)");
  return {stream, std::move(by.key_of)};
}
template <class T, class KeyOf>
[[nodiscard]] KeyedStream<T, KeyOf> operator|(Stream<T>&& stream, detail::KeyBy<KeyOf> by) {
  return {std::move(stream), std::move(by.key_of)};
}

/// One stream out of several: one queue with several producers, which closes with the last of
/// them. Items stand in the order in which the queue accepted them.
template <class T, std::same_as<Stream<T>>... More>
[[nodiscard]] Stream<T> merge(Stream<T> first, More... more) {
  using Access = detail::StreamAccess;
  const std::shared_ptr<detail::Graph> graph = Access::graph(first);
  std::vector<detail::Origin<T>> origins = Access::origins(first);
  const auto add = [&](const Stream<T>& other) {
    if (Access::graph(other) != graph) {
      graph->faults.push_back("merge: the streams belong to different pipelines");
      return;
    }
    const auto& extra = Access::origins(other);
    origins.insert(origins.end(), extra.begin(), extra.end());
  };
  (add(more), ...);
  return Access::make<T>(graph, std::move(origins));
}

/// Splits a stream: the first predicate that holds takes the item, the last stream gets the rest.
/// Every resulting stream must be consumed. Predicates are called by several workers at once.
template <class T, class... Predicates>
  requires(sizeof...(Predicates) > 0 && (std::predicate<const Predicates&, const T&> && ...))
[[nodiscard]] auto route(Stream<T> stream, Predicates... predicates) {
  using Access = detail::StreamAccess;
  constexpr std::size_t kArms = sizeof...(Predicates) + 1;
  const std::shared_ptr<detail::Graph> graph = Access::graph(stream);
  auto choose = [... test = std::move(predicates)](const T& item) -> std::size_t {
    std::size_t arm = 0;
    static_cast<void>(((test(item) ? true : (++arm, false)) || ...));
    return arm;
  };
  using Choose = decltype(choose);
  const auto shared = std::make_shared<const Choose>(std::move(choose));
  for (const detail::Origin<T>& origin : Access::origins(stream)) Access::use(*graph, origin);
  const auto arm_of = [&](std::size_t arm) {
    std::vector<detail::Origin<T>> origins = Access::origins(stream);
    for (detail::Origin<T>& origin : origins) {
      const std::string label = "route arm " + std::to_string(arm);
      origin.end = graph->add_end(origin.stage, label);
      std::shared_ptr<const detail::Selector<T>> mine =
          std::make_shared<detail::RouteSelector<T, Choose>>(shared, arm);
      origin.selector = origin.selector == nullptr ? std::move(mine)
                                                   : std::make_shared<detail::SelectorChain<T>>(
                                                         origin.selector, std::move(mine));
      origin.adaptors += (origin.adaptors.empty() ? "" : ", ") + label;
    }
    return Access::make<T>(graph, std::move(origins));
  };
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<Stream<T>, kArms>{arm_of(I)...};
  }
  (std::make_index_sequence<kArms>{});
}

/// A pipeline under construction, and what is run.
///
/// Threads: build it on one thread; a built pipeline may be read and run by any number.
class Pipeline {
 public:
  explicit Pipeline(std::string name = "pipeline");

  /// A source: a callable without arguments that returns std::optional<T> (empty ends it), or a
  /// class with `using Out` and `bool next(Emitter<Out>&)` (false ends it), optionally with
  /// `start(Context&)` and `finish(Emitter<Out>&)`.
  template <class S>
  [[nodiscard]] auto source(std::string name, S object, SourceOptions options = {}) {
    using Object = detail::instance_t<S>;
    if constexpr (requires { typename Object::Out; }) {
      using Out = typename Object::Out;
      return add_source<Out, detail::SourceBody<Out, Object>>(std::move(name), std::move(object),
                                                              options);
    } else {
      using Result = std::remove_cvref_t<detail::call_result_t<Object>>;
      if constexpr (detail::IsOptional<Result>::value) {
        using Out = typename detail::IsOptional<Result>::value_type;
        return add_source<Out, detail::GeneratorBody<Out, Object>>(std::move(name),
                                                                   std::move(object), options);
      } else {
        static_assert(detail::IsOptional<Result>::value,
                      "sluice: a source function returns std::optional<T>; empty ends it");
        return detail::StreamAccess::make<detail::Unusable>(graph_, {});
      }
    }
  }
  /// A source function that emits any number per call: `bool fn(Emitter<Out>&)`, false ends it.
  template <class Out, class F>
  [[nodiscard]] Stream<Out> source(std::string name, F fn, SourceOptions options = {}) {
    return add_source<Out, detail::SourceBody<Out, detail::instance_t<F>>>(std::move(name),
                                                                           std::move(fn), options);
  }

  /// A source that application code feeds while the pipeline runs: RunHandle::inlet<T>(name).
  /// `options.capacity` bounds what was put and not yet passed on.
  template <class T>
  [[nodiscard]] Stream<T> inlet(std::string name, StageOptions options = {}) {
    options.workers = 1;
    const std::size_t stage = graph_->add({.name = std::move(name),
                                           .kind = "inlet",
                                           .role = detail::StageRole::inlet,
                                           .options = std::move(options),
                                           .in = detail::type_key<T>(),
                                           .out = detail::type_key<T>(),
                                           .maker = std::make_shared<detail::InletMaker<T>>()});
    return detail::StreamAccess::output_of<T>(graph_, stage);
  }

  /// The output of a stage by its name, for pipelines put together at run time. A name that does
  /// not exist, or whose items are of another type, is a fault that validation reports.
  template <class T>
  [[nodiscard]] Stream<T> stream(const std::string& stage) {
    const Output output = checked_output(stage, detail::type_key<T>());
    return detail::StreamAccess::make<T>(graph_, {{output.stage, output.end, nullptr, {}}});
  }

  [[nodiscard]] const std::string& name() const noexcept { return graph_->name; }
  /// All faults, one line each; empty when the pipeline can be run.
  [[nodiscard]] std::vector<std::string> faults() const { return graph_->check(); }
  /// The engine's view.
  [[nodiscard]] const detail::Graph& graph() const noexcept { return *graph_; }
  [[nodiscard]] const std::shared_ptr<detail::Graph>& shared_graph() const noexcept {
    return graph_;
  }

 private:
  template <class Out, class Body, class S>
  Stream<Out> add_source(std::string name, S object, const SourceOptions& options) {
    detail::Declared base =
        detail::declared<S>(std::move(name), "source", detail::stage_options(options));
    base.options.workers = 1;
    const std::size_t stage = graph_->add(detail::StreamAccess::define<NoOutput, Out>(
        std::move(base),
        detail::make_maker<NoOutput, Out>(detail::open_prototype<Body>(std::move(object))),
        detail::StageRole::source));
    return detail::StreamAccess::output_of<Out>(graph_, stage);
  }

  struct Output {
    std::size_t stage;
    std::size_t end;
  };
  [[nodiscard]] Output checked_output(const std::string& stage, detail::TypeKey wanted);

  std::shared_ptr<detail::Graph> graph_{};
};

}  // namespace sluice
