// sluice/spill.hpp: a branch that keeps what does not fit into its edge, in memory and then on disk.
//
//     events | when_full(spill({.max_bytes = 1U << 30})) | sink("upload", upload);
//
// Not part of <sluice/sluice.hpp>, because what is written to a file needs the codec of its type.
// Layer: pipeline. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec.hpp>
#include <sluice/flow/overflow.hpp>
#include <sluice/flow/storing_step.hpp>
#include <sluice/when_full.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

/// How much a branch may keep, and where.
struct SpillLimits {
  /// The file is never larger; once it would be, the branch blocks until there is room again.
  std::uint64_t max_bytes = std::uint64_t{1} << 30;
  std::size_t memory_items =
      16384;                ///< that wait in memory as they are, before any goes to the file
  std::string directory{};  ///< for the file; empty: TMPDIR, or /tmp
};

namespace detail {

/// The name of the part for which a type is not portable.
template <class Wrong>
struct WrongPart;
template <class T>
struct WrongPart<NotPortable<T>> {
  static constexpr std::string_view kName = type_name<T>();
};
template <std::size_t Index, class T, class Wrong>
struct WrongPart<Part<Index, T, Wrong>> : WrongPart<Wrong> {};

[[nodiscard]] std::string spill_refusal(std::string_view type, std::string_view part);

struct SpillPolicy {
  static constexpr bool kWhenFull = true;
  SpillLimits limits;

  template <class T>
  [[nodiscard]] FullPolicy for_items() const {
    FullPolicy policy{.name = "spill"};
    if constexpr (portable<T>) {
      policy.store =
          std::make_shared<StoringMaker<T>>(SpillOptions{.memory_items = limits.memory_items,
                                                         .directory = limits.directory,
                                                         .max_bytes = limits.max_bytes,
                                                         .compressed = true});
      if (limits.max_bytes == 0) policy.fault = "max_bytes is 0; give at least 1";
    } else {
      policy.fault =
          spill_refusal(type_name<T>(), WrongPart<VerdictOf<std::remove_cv_t<T>>>::kName);
    }
    return policy;
  }
};

}  // namespace detail

/// What does not fit waits in a store, in its order, and goes on as soon as there is room: nothing is lost, and
/// the producer waits only once the file has reached `max_bytes`. The first items wait in memory, later ones in
/// a file without a name, compressed, which is gone when the run is over, whatever ends it.
/// The store is a stage of its own between producer and consumer, CONSUMER/spill, on the pool; every item
/// passes it. stop() drains it, cancel() and a consumer that wants no more drop and settle what it holds. A
/// full disk fails the run.
/// T has to be portable (codec.hpp), else the pipeline is refused, with the part that is not.
[[nodiscard]] inline detail::SpillPolicy spill(SpillLimits limits = {}) {
  return {std::move(limits)};
}

}  // namespace sluice
