// model/cell.cpp
// SPDX-License-Identifier: MIT
#include <model/cell.hpp>

#include <model/weakening.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sluice::model {
namespace {

using std::memory_order;

Execution& machine() {
  Execution* execution = Execution::current();
  if (execution == nullptr) {
    std::fputs("model: an atomic of the simulated machine is used outside of an execution\n",
               stderr);
    std::abort();
  }
  return *execution;
}

bool acquires(memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

bool releases(memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

Cell::Value applied(Rmw how, Cell::Value before, Cell::Value operand) {
  switch (how) {
    case Rmw::exchange:
      return operand;
    case Rmw::add:
      return before + operand;
    case Rmw::subtract:
      return before - operand;
    case Rmw::set_bits:
      return before | operand;
    case Rmw::keep_bits:
      return before & operand;
  }
  return before;
}

std::string hex(Cell::Value value) {
  char text[20];
  std::snprintf(text, sizeof(text), "%#llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

Cell::Cell(Value value) : number_(machine().next_number()) {
  stores_.reserve(8);
  stores_.push_back(
      {.value = value, .step = machine().tick(), .released = machine().clock(), .first_read = {}});
}

// ---- the memory model ------------------------------------------------------------------------------

std::size_t Cell::oldest_readable(bool seq_cst) const {
  constexpr std::size_t kOldest = 3;  // so many stores before the last one are old enough
  const VectorClock& clock = machine().clock();
  const std::size_t last = stores_.size() - 1;
  for (std::size_t i = last;; --i) {
    if (i == 0 || last - i == kOldest || (seq_cst && i == seq_cst_floor_)) return i;
    const Store& store = stores_[i];
    if (clock.knows(store.step)) return i;
    for (unsigned thread = 0; thread < kMaxThreads; ++thread) {
      const Count first = store.first_read[thread];
      if (first != 0 && clock.at[thread] >= first) return i;
    }
  }
}

Cell::Value Cell::read(std::size_t index, memory_order order) const {
  Store& store = stores_[index];
  const Step step = machine().tick();
  if (store.first_read[step.thread] == 0) store.first_read[step.thread] = step.count;
  if (acquires(order)) machine().learn(store.released);
  if (order == std::memory_order_seq_cst) seq_cst_floor_ = std::max(seq_cst_floor_, index);
  return store.value;
}

// `continues`: a read-modify-write, which carries on the release sequence of the store before.
void Cell::append(Value value, memory_order order, bool continues) {
  const Step step = machine().tick();
  VectorClock released;
  if (releases(order)) released = machine().clock();
  if (continues) released.join(stores_.back().released);
  stores_.push_back({.value = value, .step = step, .released = released, .first_read = {}});
  if (order == std::memory_order_seq_cst) seq_cst_floor_ = stores_.size() - 1;
  machine().changed();
}

// ---- the operations --------------------------------------------------------------------------------

Cell::Value Cell::load(memory_order order, const Site& site) const {
  machine().before_step();
  order = weakened(site, Operation::load, order);
  const std::size_t last = stores_.size() - 1;
  const std::size_t oldest = oldest_readable(order == std::memory_order_seq_cst);
  const std::size_t index = last - machine().choose(static_cast<unsigned>(last - oldest + 1));
  const Value value = read(index, order);
  if (machine().tracing()) {
    const std::string stale = index == last ? "" : ", stale: it is " + hex(latest());
    trace(site, "load", " = " + hex(value) + stale, order);
  }
  return value;
}

void Cell::store(Value value, memory_order order, const Site& site) {
  machine().before_step();
  order = weakened(site, Operation::store, order);
  append(value, order, false);
  if (machine().tracing()) trace(site, "store", " := " + hex(value), order);
}

Cell::Value Cell::modify(Rmw how, Value operand, memory_order order, const Site& site) {
  machine().before_step();
  order = weakened(site, Operation::modify, order);
  const Value before = read(stores_.size() - 1, order);
  const Value after = applied(how, before, operand);
  append(after, order, true);
  if (machine().tracing()) trace(site, "modify", ": " + hex(before) + " -> " + hex(after), order);
  return before;
}

bool Cell::compare_exchange(Value& expected, Value desired, memory_order success,
                            memory_order failure, bool may_fail, const Site& site) {
  machine().before_step();
  success = weakened(site, Operation::modify, success);
  failure = weakened(site, Operation::failure, failure);
  const std::size_t last = stores_.size() - 1;
  // What it may find: the last value; an old one that differs; the last one, failing for no reason.
  std::vector<std::size_t> outcomes = {last};
  const std::size_t oldest = oldest_readable(failure == std::memory_order_seq_cst);
  for (std::size_t i = last; i-- > oldest;) {
    if (stores_[i].value != expected) outcomes.push_back(i);
  }
  const bool could_succeed = latest() == expected;
  if (could_succeed && may_fail) outcomes.push_back(last);
  const unsigned taken = machine().choose(static_cast<unsigned>(outcomes.size()));
  if (taken == 0 && could_succeed) {
    read(last, success);
    append(desired, success, true);
    if (machine().tracing()) {
      trace(site, "compare_exchange", ": " + hex(expected) + " -> " + hex(desired), success);
    }
    return true;
  }
  const Value found = read(outcomes[taken], failure);
  if (machine().tracing()) {
    trace(site, "compare_exchange", " fails: " + hex(found) + ", not " + hex(expected), failure);
  }
  expected = found;
  return false;
}

void Cell::trace(const Site& site, const char* verb, const std::string& values,
                 memory_order order) const {
  machine().trace(site, std::string(verb) + " #" + std::to_string(number_) + values + " (" +
                            order_name(order) + ")");
}

}  // namespace sluice::model
