// sluice/flow/spill_store.hpp: placeholder until the real one is merged.
// SPDX-License-Identifier: MIT
#pragma once
#include <deque>
#include <cstddef>
#include <string>
namespace sluice::detail {
struct SpillOptions { std::size_t memory_items = 16384; std::string directory{}; };
template <class T> class SpillStore {
 public:
  explicit SpillStore(const SpillOptions&) {}
  void put(T&& item) { items_.push_back(std::move(item)); }
  T take() { T item = std::move(items_.front()); items_.pop_front(); return item; }
  std::size_t size() const { return items_.size(); }
  void clear() noexcept { items_.clear(); }
 private:
  std::deque<T> items_;
};
}
