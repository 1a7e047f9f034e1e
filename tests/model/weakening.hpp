// model/weakening.hpp: memory orders made weaker than the source says, one place at a time.
//
// A place is named by file, function and kind of operation, so that a test can say which orders the
// argument in the comments needs: with one of them weakened, some scenario must fail.
// SPDX-License-Identifier: MIT
#pragma once

#include <model/execution.hpp>

#include <atomic>
#include <string>
#include <vector>

namespace sluice::model {

/// `failure`: the load that a failing compare-exchange is.
enum class Operation : unsigned char { load, store, modify, failure };

/// One place in the source and the order written there.
struct Place {
  std::string file;  // without folders; empty for any
  std::string function;
  Operation operation = Operation::load;
  std::memory_order order = std::memory_order_relaxed;

  [[nodiscard]] std::string text() const;
  friend bool operator==(const Place&, const Place&) = default;
};

struct Weakening {
  Place place;
  std::memory_order to = std::memory_order_relaxed;

  [[nodiscard]] std::string text() const;
};

[[nodiscard]] const char* order_name(std::memory_order order);

/// The orders that are one degree weaker and allowed for that operation.
[[nodiscard]] std::vector<std::memory_order> weaker(Operation operation, std::memory_order order);

/// What the machine uses: the order itself, but for the place weakened now.
[[nodiscard]] std::memory_order weakened(const Site& site, Operation operation,
                                         std::memory_order order);

/// While it lives, that place is weaker.
class WeakenHere {
 public:
  explicit WeakenHere(const Weakening& weakening);
  ~WeakenHere();
  WeakenHere(const WeakenHere&) = delete;
  WeakenHere& operator=(const WeakenHere&) = delete;
  /// Whether the machine came by that place.
  [[nodiscard]] bool used() const noexcept;
};

/// While it lives, the places that the machine comes by are noted (relaxed ones are not).
class NotePlaces {
 public:
  NotePlaces();
  ~NotePlaces();
  NotePlaces(const NotePlaces&) = delete;
  NotePlaces& operator=(const NotePlaces&) = delete;
  [[nodiscard]] const std::vector<Place>& places() const noexcept { return places_; }

 private:
  friend std::memory_order weakened(const Site&, Operation, std::memory_order);
  void note(const Site& site, Operation operation, std::memory_order order);

  std::vector<Place> places_;
};

}  // namespace sluice::model
