// model/breadth_first.hpp: all states that a model can reach, in order of their distance, so that the
// first fault found has the shortest way to it.
//
// A State is plain bytes without padding. The model says what may happen next in a state, and what is
// wrong with it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

namespace sluice::model {

struct SearchResult {
  std::size_t states = 0;
  std::size_t transitions = 0;
  std::size_t final_states = 0;
  std::string fault;               ///< of the first bad state; empty: there is none
  std::vector<std::string> steps;  ///< how it came to that
};

/// `Model` provides State first() const; void next(const State&, Emit) const, where emit(label, state)
/// is called for each step possible; std::string fault(const State&, bool is_final) const.
template <class Model>
class BreadthFirst {
 public:
  using State = typename Model::State;
  static_assert(std::is_trivially_copyable_v<State> &&
                std::has_unique_object_representations_v<State>);

  explicit BreadthFirst(const Model& model) : model_(model), table_(1U << 16U, kFree) {}

  [[nodiscard]] SearchResult run() {
    add(model_.first(), kFree, "");
    for (std::uint32_t at = 0; at < states_.size() && result_.fault.empty(); ++at) {
      const State state = states_[at];
      std::size_t steps = 0;
      model_.next(state, [&](const char* label, const State& after) {
        ++steps;
        ++result_.transitions;
        add(after, at, label);
      });
      if (steps == 0) ++result_.final_states;
      result_.fault = model_.fault(state, steps == 0);
      if (!result_.fault.empty()) trace(at);
    }
    result_.states = states_.size();
    return result_;
  }

 private:
  static constexpr std::uint32_t kFree = ~std::uint32_t{0};

  struct Origin {
    std::uint32_t before;
    const char* label;
  };

  [[nodiscard]] static std::uint64_t hash(const State& state) noexcept {
    unsigned char bytes[sizeof(State)];
    std::memcpy(bytes, &state, sizeof state);
    std::uint64_t value = 0xcbf29ce484222325U;
    for (const unsigned char byte : bytes) value = (value ^ byte) * 0x100000001b3U;
    return value ^ value >> 29U;
  }

  // The place of the state in the table, or the free one where it belongs.
  [[nodiscard]] std::size_t place_of(const State& state) const noexcept {
    std::size_t place = hash(state) & (table_.size() - 1);
    while (table_[place] != kFree &&
           std::memcmp(&states_[table_[place]], &state, sizeof state) != 0) {
      place = (place + 1) & (table_.size() - 1);
    }
    return place;
  }

  void add(const State& state, std::uint32_t before, const char* label) {
    const std::size_t place = place_of(state);
    if (table_[place] != kFree) return;
    table_[place] = static_cast<std::uint32_t>(states_.size());
    states_.push_back(state);
    origins_.push_back({before, label});
    if (2 * states_.size() > table_.size()) grow();
  }

  void grow() {
    table_.assign(2 * table_.size(), kFree);
    for (std::uint32_t i = 0; i < states_.size(); ++i) table_[place_of(states_[i])] = i;
  }

  void trace(std::uint32_t at) {
    for (; origins_[at].before != kFree; at = origins_[at].before) {
      result_.steps.insert(result_.steps.begin(), origins_[at].label);
    }
  }

  const Model& model_;
  std::vector<State> states_;
  std::vector<Origin> origins_;
  std::vector<std::uint32_t> table_;
  SearchResult result_;
};

}  // namespace sluice::model
