// bench/support/chain.hpp: the two shapes that pipelines are compared on, and the check of what
// comes out of them.
//
//   chain   source -> map -> ... -> sink               every stage does the work, source and sink
//   too farm    source -> worker x W -> sink, in order     the workers do the work
//
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/duel.hpp>
#include <support/work.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::bench {

struct Chain {
  std::size_t stages = 4;
  Work work{0};
};

struct Farm {
  std::size_t workers = 2;
  Work work{0};
  bool ordered = false;  // the sink sees the results in the order of the source
};

/// An item of a farm: what the worker made of it, and its place in the order.
struct Numbered {
  std::uint64_t number = 0;
  std::uint64_t value = 0;
};

/// Sees the results in order: the i-th must be what the stages make of i. Costs two operations per
/// item.
class InOrder {
 public:
  /// `stages` is how often the work was done on each item.
  InOrder(const Work& work, std::size_t stages) : whole_(work.turns() * stages) {}

  void take(std::uint64_t value) noexcept {
    wrong_ += value != whole_.expected(taken_++) ? 1U : 0U;
  }

  /// Throws WrongResult unless exactly `items` results came, all right and in order.
  void require(const std::string& what, std::uint64_t items) const {
    check_result(what + ": results", taken_, items);
    check_result(what + ": wrong or misplaced results", wrong_, 0);
  }

 private:
  Work whole_;
  std::uint64_t taken_ = 0;
  std::uint64_t wrong_ = 0;
};

/// Sees the results in any order: their number and their sum must be right.
class AnyOrder {
 public:
  AnyOrder(const Work& work, std::size_t stages) : whole_(work.turns() * stages) {}

  void take(std::uint64_t value) noexcept {
    sum_ += value;
    ++taken_;
  }

  /// Throws WrongResult unless number and sum are those of the results for 0 to items - 1.
  void require(const std::string& what, std::uint64_t items) const {
    const std::uint64_t indices =
        items % 2 == 0 ? items / 2 * (items - 1) : (items - 1) / 2 * items;
    const std::uint64_t summand = whole_.expected(0);
    const std::uint64_t factor = whole_.expected(1) - summand;
    check_result(what + ": results", taken_, items);
    check_result(what + ": sum of the results", sum_, factor * indices + summand * items);
  }

 private:
  Work whole_;
  std::uint64_t taken_ = 0;
  std::uint64_t sum_ = 0;
};

}  // namespace sluice::bench
