// model/weakening.cpp
// SPDX-License-Identifier: MIT
#include <model/weakening.hpp>

#include <algorithm>
#include <optional>
#include <string_view>

namespace sluice::model {
namespace {

std::optional<Weakening> in_force;
bool was_used = false;
NotePlaces* notes = nullptr;

std::string_view file_name(const char* path) {
  const std::string_view whole(path);
  return whole.substr(whole.rfind('/') + 1);
}

const char* operation_name(Operation operation) {
  switch (operation) {
    case Operation::load:
      return "load";
    case Operation::store:
      return "store";
    case Operation::modify:
      return "modify";
    case Operation::failure:
      return "failure";
  }
  return "?";
}

bool is_at(const Place& place, const Site& site, Operation operation, std::memory_order order) {
  return place.operation == operation && place.order == order && place.function == site.function &&
         (place.file.empty() || place.file == file_name(site.file));
}

}  // namespace

const char* order_name(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
    default:
      return "?";
  }
}

std::string Place::text() const {
  return (file.empty() ? "" : file + " ") + function + " " + operation_name(operation) + " " +
         order_name(order);
}

std::string Weakening::text() const { return place.text() + " -> " + order_name(to); }

std::vector<std::memory_order> weaker(Operation operation, std::memory_order order) {
  const bool strongest = order == std::memory_order_seq_cst;
  switch (operation) {
    case Operation::load:
    case Operation::failure:
      if (strongest) return {std::memory_order_acquire};
      if (order == std::memory_order_acquire) return {std::memory_order_relaxed};
      return {};
    case Operation::store:
      if (strongest) return {std::memory_order_release};
      if (order == std::memory_order_release) return {std::memory_order_relaxed};
      return {};
    case Operation::modify:
      if (strongest) return {std::memory_order_acq_rel};
      if (order == std::memory_order_acq_rel) {
        return {std::memory_order_acquire, std::memory_order_release};
      }
      if (order != std::memory_order_relaxed) return {std::memory_order_relaxed};
      return {};
  }
  return {};
}

std::memory_order weakened(const Site& site, Operation operation, std::memory_order order) {
  if (notes != nullptr) notes->note(site, operation, order);
  if (!in_force.has_value() || !is_at(in_force->place, site, operation, order)) return order;
  was_used = true;
  return in_force->to;
}

WeakenHere::WeakenHere(const Weakening& weakening) {
  in_force = weakening;
  was_used = false;
}

WeakenHere::~WeakenHere() { in_force.reset(); }

bool WeakenHere::used() const noexcept { return was_used; }

NotePlaces::NotePlaces() { notes = this; }

NotePlaces::~NotePlaces() { notes = nullptr; }

void NotePlaces::note(const Site& site, Operation operation, std::memory_order order) {
  if (order == std::memory_order_relaxed) return;
  const auto same = [&](const Place& place) { return is_at(place, site, operation, order); };
  if (std::any_of(places_.begin(), places_.end(), same)) return;
  places_.push_back({.file = std::string(file_name(site.file)),
                     .function = site.function,
                     .operation = operation,
                     .order = order});
}

}  // namespace sluice::model
