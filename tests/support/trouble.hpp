// support/trouble.hpp: stages of every kind that fail when told, and count every attempt.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/collected.hpp>
#include <support/numbers.hpp>

#include <sluice/sluice.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice::testing_support {

inline constexpr unsigned kAlways = ~0U;

/// Decides which attempts fail, and counts all of them. Outlives the run. Threads  fails(): any.
class Trouble {
 public:
  static constexpr Number kMost = 64;

  /// `failing(n)`: so many attempts at the number n fail before one does not.
  explicit Trouble(std::function<unsigned(Number)> failing) : failing_{std::move(failing)} {}

  /// Begins an attempt; true when it is to fail.
  [[nodiscard]] bool fails(Number n) {
    return attempts_.at(n).fetch_add(1, std::memory_order_relaxed) < failing_(n);
  }
  [[noreturn]] static void fail(Number n) { throw std::runtime_error(text(n)); }
  /// Both, for stages without output.
  void attempt(Number n) {
    if (fails(n)) fail(n);
  }

  [[nodiscard]] unsigned failing(Number n) const { return failing_(n); }
  [[nodiscard]] unsigned attempts(Number n) const { return attempts_.at(n); }
  [[nodiscard]] static std::string text(Number n) { return "trouble with " + std::to_string(n); }

 private:
  std::function<unsigned(Number)> failing_;
  std::array<std::atomic<unsigned>, kMost> attempts_{};
};

/// What a failing attempt emits before it fails; nobody may ever see it.
inline constexpr Number kLeaked = 1'000'000;

namespace troubled {

using Got = Collected<Number>;

[[nodiscard]] inline SinkOptions for_sink(const StageOptions& options) {
  return {.workers = options.workers,
          .carrier = options.carrier,
          .capacity = options.capacity,
          .batch = options.batch,
          .on_error = options.on_error};
}

inline void with_map(const Stream<Number>& from, Trouble& trouble, Got& got,
                     const StageOptions& options) {
  const auto same = [&trouble](Number n) {
    trouble.attempt(n);
    return n;
  };
  from | map("fail", same, options) | sink("collect", got.sink());
}

inline void with_optional_map(const Stream<Number>& from, Trouble& trouble, Got& got,
                              const StageOptions& options) {
  const auto same = [&trouble](const Number& n) -> std::optional<Number> {
    trouble.attempt(n);
    return n;
  };
  from | map("fail", same, options) | sink("collect", got.sink());
}

inline void with_filter(const Stream<Number>& from, Trouble& trouble, Got& got,
                        const StageOptions& options) {
  const auto keep = [&trouble](const Number& n) {
    trouble.attempt(n);
    return true;
  };
  from | filter("fail", keep, options) | sink("collect", got.sink());
}

inline void with_flat_map(const Stream<Number>& from, Trouble& trouble, Got& got,
                          const StageOptions& options) {
  const auto twice = [&trouble](Number n, Emitter<Number>& out) {
    const bool fails = trouble.fails(n);
    out.emit(fails ? kLeaked : n);
    out.emit(fails ? kLeaked : n);
    if (fails) Trouble::fail(n);
  };
  from | flat_map<Number>("fail", twice, options) | sink("collect", got.sink());
}

struct Class {
  using Out = Number;
  Trouble* trouble;
  void process(Number n, Emitter<Number>& out) const {
    const bool fails = trouble->fails(n);
    out.emit(fails ? kLeaked : n);
    if (fails) Trouble::fail(n);
  }
};
inline void with_class(const Stream<Number>& from, Trouble& trouble, Got& got,
                       const StageOptions& options) {
  from | stage("fail", Class{&trouble}, options) | sink("collect", got.sink());
}

/// Behind a stage that emits in finish: the good items, each as itself.
using Numbers = std::vector<Number>;
struct Fold {
  Trouble* trouble;
  void operator()(Numbers& good, Number n) const {
    trouble->attempt(n);
    good.push_back(n);
  }
};
inline void with_reduce(const Stream<Number>& from, Trouble& trouble, Got& got,
                        const StageOptions& options) {
  const auto join = [](Numbers& whole, Numbers&& part) {
    whole.insert(whole.end(), part.begin(), part.end());
  };
  from | reduce("fail", Numbers{}, Fold{&trouble}, join, options) |
      sink("collect", [&got](const Numbers& good) {
        for (const Number n : good) got.add(n);
      });
}
inline void with_keyed_reduce(const Stream<Number>& from, Trouble& trouble, Got& got,
                              const StageOptions& options) {
  from | key_by([](const Number& n) { return n % 5; }) |
      reduce("fail", Numbers{}, Fold{&trouble}, options) |
      sink("collect", [&got](const std::pair<Number, Numbers>& good) {
        for (const Number n : good.second) got.add(n);
      });
}

inline void with_sink(const Stream<Number>& from, Trouble& trouble, Got& got,
                      const StageOptions& options) {
  const auto take = [&](Number n) {
    trouble.attempt(n);
    got.add(n);
  };
  from | sink("fail", take, for_sink(options));
}

struct SinkClass {
  Trouble* trouble;
  Got* got;
  void process(const Number& n) const {
    trouble->attempt(n);
    got->add(n);
  }
};
inline void with_sink_class(const Stream<Number>& from, Trouble& trouble, Got& got,
                            const StageOptions& options) {
  from | sink("fail", SinkClass{&trouble, &got}, for_sink(options));
}

}  // namespace troubled

/// A kind of stage.
struct TroubledKind {
  const char* name;
  /// Connects a stage "fail" of this kind and, where it has an output, a sink "collect".
  void (*connect)(const Stream<Number>&, Trouble&, Collected<Number>& got, const StageOptions&);
  std::size_t arrivals;                ///< in `got`, for each item that gets through
  std::optional<std::size_t> outputs;  ///< counted as `out`, for each item that gets through
};

inline const TroubledKind kTroubledKinds[] = {
    {"map", troubled::with_map, 1, 1},
    {"map with an optional", troubled::with_optional_map, 1, 1},
    {"filter", troubled::with_filter, 1, 1},
    {"flat_map", troubled::with_flat_map, 2, 2},
    {"class stage", troubled::with_class, 1, 1},
    {"reduce", troubled::with_reduce, 1, std::nullopt},
    {"keyed reduce", troubled::with_keyed_reduce, 1, std::nullopt},
    {"sink", troubled::with_sink, 1, 0},
    {"sink class", troubled::with_sink_class, 1, 0},
};

}  // namespace sluice::testing_support
