// sluice/flow/key_table.hpp: a state per key, in the order in which the keys first came.
//
// Own code because the standard's hash map alone would make the umbrella header a tenth larger; and
// entries in one vector keep states together and come out in a stable order.
// (1) entries_ holds all keys; heads_ holds, per bucket, the entry that came last, chained by `next`.
// (2) heads_.size() is a power of two, at least the number of entries.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice::detail {

template <class Key, class State>
class KeyTable {
 public:
  struct Entry {
    Key key;
    State state;
    std::uint64_t hash;
    std::size_t next;
  };

  /// The state of `key`; a copy of `initial` when the key is new.
  State& at(Key&& key, const State& initial) {
    return entry_of(std::move(key), [&initial]() -> const State& { return initial; }).state;
  }
  /// The entry of `key`; its state is `make()` when the key is new. Valid until another key comes.
  template <class Make>
  Entry& entry_of(Key&& key, Make make) {
    // The bits are mixed because std::hash of an integer is the identity.
    const std::uint64_t hash = std::hash<Key>{}(key)*0x9E3779B97F4A7C15U;
    if (!heads_.empty()) {
      for (std::size_t i = heads_[bucket(hash)]; i != kNone; i = entries_[i].next) {
        if (entries_[i].hash == hash && entries_[i].key == key) return entries_[i];
      }
    }
    if (entries_.size() == heads_.size()) grow();
    entries_.push_back({std::move(key), make(), hash, heads_[bucket(hash)]});
    heads_[bucket(hash)] = entries_.size() - 1;
    return entries_.back();
  }

  /// Forgets the key that came last.
  void drop_last() noexcept {
    heads_[bucket(entries_.back().hash)] = entries_.back().next;  // the last one heads its chain
    entries_.pop_back();
  }

  /// Forgets all keys, and keeps the memory.
  void clear() noexcept {
    entries_.clear();
    for (std::size_t& head : heads_) head = kNone;
  }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// The entry that came `index`-th.
  [[nodiscard]] Entry& entry(std::size_t index) noexcept { return entries_[index]; }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  [[nodiscard]] std::size_t bucket(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(hash >> 32) & (heads_.size() - 1);
  }
  void grow() {
    heads_.assign(heads_.empty() ? 16 : 2 * heads_.size(), kNone);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      entries_[i].next = std::exchange(heads_[bucket(entries_[i].hash)], i);
    }
  }

  std::vector<Entry> entries_;
  std::vector<std::size_t> heads_;
};

}  // namespace sluice::detail
