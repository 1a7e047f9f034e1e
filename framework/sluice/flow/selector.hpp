// sluice/flow/selector.hpp: which lane of a branch an output goes to, if any.
//
// Called by every producing worker at once, so selectors are const; key functions and predicates
// must bear concurrent calls.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::detail {

/// Keys are gathered in this many groups, fixed, so that scaling can move groups.
inline constexpr std::size_t kKeyGroups = 256;

/// The group of a hash value. std::hash of an integer is the identity, so the bits are mixed first
/// (multiplication by 2^64 over the golden ratio, Knuth volume 3).
[[nodiscard]] constexpr std::size_t key_group(std::uint64_t hash) noexcept {
  return static_cast<std::size_t>((hash * 0x9E3779B97F4A7C15U) >> 56);
}
static_assert(kKeyGroups == 256, "key_group() keeps the top eight bits");

inline constexpr std::ptrdiff_t kElsewhere = -1;

/// What the routes of one stage chose for one output. Each route is asked once, whichever of its arms
/// comes first, so that a predicate may count or draw lots.
class RouteChoices {
 public:
  /// For the next output.
  void clear() noexcept { made_.clear(); }
  template <class Choose>
  [[nodiscard]] std::size_t arm(const void* route, const Choose& choose) {
    for (const Made& made : made_) {
      if (made.route == route) return made.arm;
    }
    made_.push_back({route, choose()});
    return made_.back().arm;
  }

 private:
  struct Made {
    const void* route;
    std::size_t arm;
  };
  std::vector<Made> made_;
};

/// `item` points to an output of the type that the producing stage emits.
class Selector {
 public:
  Selector() = default;
  Selector(const Selector&) = delete;
  Selector& operator=(const Selector&) = delete;
  virtual ~Selector() = default;

  /// The lane for the item, or kElsewhere when this branch does not want it. May throw what a key
  /// function or a predicate throws.
  [[nodiscard]] virtual std::ptrdiff_t lane(const void* item, std::size_t lanes,
                                            RouteChoices& choices) const = 0;
};

/// What a key function makes of a T.
template <class T, class KeyOf>
using key_of_t = std::remove_cvref_t<std::invoke_result_t<const KeyOf&, const T&>>;

/// The lane by the key's group.
template <class T, class KeyOf>
class KeySelector final : public Selector {
 public:
  explicit KeySelector(KeyOf key_of) : key_of_(std::move(key_of)) {}
  [[nodiscard]] std::ptrdiff_t lane(const void* item, std::size_t lanes,
                                    RouteChoices&) const override {
    using Key = key_of_t<T, KeyOf>;
    const auto hash = std::hash<Key>{}(key_of_(*static_cast<const T*>(item)));
    const std::size_t group = key_group(static_cast<std::uint64_t>(hash));
    return static_cast<std::ptrdiff_t>(group * lanes / kKeyGroups);
  }

 private:
  KeyOf key_of_;
};

/// One arm of a route: the first predicate that holds takes the item.
template <class T, class Choose>
class RouteSelector final : public Selector {
 public:
  RouteSelector(std::shared_ptr<const Choose> choose, std::size_t arm)
      : choose_(std::move(choose)), arm_(arm) {}
  [[nodiscard]] std::ptrdiff_t lane(const void* item, std::size_t,
                                    RouteChoices& choices) const override {
    const auto choose = [&] { return (*choose_)(*static_cast<const T*>(item)); };
    return choices.arm(choose_.get(), choose) == arm_ ? 0 : kElsewhere;
  }

 private:
  std::shared_ptr<const Choose> choose_;
  std::size_t arm_;
};

/// One after the other (a route followed by key_by): the first that wants the item elsewhere decides,
/// else the lane of the second counts. Either may be null; both null gives null.
[[nodiscard]] std::shared_ptr<const Selector> in_a_row(std::shared_ptr<const Selector> first,
                                                       std::shared_ptr<const Selector> second);

}  // namespace sluice::detail
