// sluice/runtime/death_facts.hpp: what is known of how a process died, and whose fault it was.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/remote_worker.hpp>

#include <cstdint>

namespace sluice::detail {

struct DeathFacts {
  bool was_killed = false;  ///< by SIGKILL, or nobody could ask; else it crashed or ended by itself
  bool by_us = false;       ///< the supervisor has had it killed, for a reason of the process's own
  bool by_chaos = false;    ///< chaos has, and nobody else
  bool by_server = false;   ///< its server has died before, or could not keep it
  std::uint64_t late =
      0;  ///< by us: the ticket of the lease that took too long, if that is why; else 0
};

/// Of the lease with the ticket `begun`, which was at work as far as the process has said. `accused`: it has written
/// what can't be right, so nothing that it says of itself speaks for it.
[[nodiscard]] RemoteWorker::Fault fault_of(const DeathFacts& facts, std::uint64_t begun,
                                           bool accused) noexcept;

}  // namespace sluice::detail
