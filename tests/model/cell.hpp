// model/cell.hpp: an atomic word with the memory orders of C++20, simulated.
//
// A cell keeps every value it had, in modification order. A load may return an old one, unless the
// thread must know better:
//   coherence  not older than a store, or than what a load returned, that happens before the load
//   acquire    joins what the store (or the release sequence it belongs to) released
//   seq_cst    not older than the last seq_cst store, nor than what a seq_cst load returned earlier
//              (the steps' order of execution is the total order S; [atomics.order] of C++20)
// Read-modify-writes see the last value and carry a release sequence on. A failing compare-exchange is
// a load; a weak one may fail for no reason.
// Not simulated: modification orders other than the order of execution, loads that return a value
// stored later (load buffering), fences, consume. So some executions of real weak machines are
// missing; none is invented.
// SPDX-License-Identifier: MIT
#pragma once

#include <model/clock.hpp>
#include <model/execution.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::model {

enum class Rmw : unsigned char { exchange, add, subtract, set_bits, keep_bits };

class Cell {
 public:
  using Value = std::uint64_t;

  explicit Cell(Value value);
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;

  [[nodiscard]] Value load(std::memory_order order, const Site& site) const;
  void store(Value value, std::memory_order order, const Site& site);
  /// Returns  the value before.
  Value modify(Rmw how, Value operand, std::memory_order order, const Site& site);
  bool compare_exchange(Value& expected, Value desired, std::memory_order success,
                        std::memory_order failure, bool may_fail, const Site& site);
  /// What the kernel sees. No step of the machine.
  [[nodiscard]] Value latest() const noexcept { return stores_.back().value; }

 private:
  struct Store {
    Value value;
    Step step;
    VectorClock released;                       // zero when nothing is
    std::array<Count, kMaxThreads> first_read;  // step of each thread's first load of it; 0: none
  };

  [[nodiscard]] std::size_t oldest_readable(bool seq_cst) const;
  Value read(std::size_t index, std::memory_order order) const;
  void append(Value value, std::memory_order order, bool continues);
  void trace(const Site& site, const char* verb, const std::string& values,
             std::memory_order order) const;

  mutable std::vector<Store> stores_;
  mutable std::size_t seq_cst_floor_ = 0;
  unsigned number_;  // for traces
};

}  // namespace sluice::model
