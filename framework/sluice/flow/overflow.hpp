// sluice/flow/overflow.hpp: what a branch does with an output that finds its edge full.
//
// Two ways to keep a producer from waiting. Dropping is done by the port, at the moment of the put. Keeping is
// done by a stage of its own on the edge (storing_step.hpp), because what is kept has to go on when there is
// room again, also while the producer is deep in user code, or asleep: a port is touched by its worker alone.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

namespace sluice::detail {

class StageMaker;

/// What the port does; a branch that spills blocks, on the edge of the stage that keeps its items.
enum class Overflow : unsigned char {
  block,        ///< the producer waits
  drop_newest,  ///< the output is dropped
  drop_oldest,  ///< the oldest item of its lane is dropped, and the output put
};
[[nodiscard]] const char* to_string(Overflow overflow) noexcept;

/// What when_full() says of a branch.
struct FullPolicy {
  std::string name{};  ///< as shown on the edge
  Overflow overflow = Overflow::block;
  std::shared_ptr<StageMaker>
      store{};          ///< of the stage that keeps what does not fit; null where none does
  std::string fault{};  ///< why it can't be; empty where it can
};

}  // namespace sluice::detail
