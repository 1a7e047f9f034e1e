// sluice/runtime/restart_pause.hpp: how long a worker waits for a new process after deaths without progress.
//
// Doubled with every such death, so that what dies at once does not take the machine; by chance a quarter more or
// less, so that many workers that have lost their processes together do not start all of them together again.
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::detail {

/// After so many deaths in a row, 1 at least: 10 ms, 20 ms, ... up to 5 s. `dice`: any number, another one each time.
[[nodiscard]] std::chrono::nanoseconds restart_pause(unsigned deaths, std::uint64_t dice) noexcept;

}  // namespace sluice::detail
