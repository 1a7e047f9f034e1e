// sluice/runtime/ledger.hpp: checks that every item is accounted for.
//
// Identities whose two sides are counted by different code: queues count by their indices,
// workers and ports by their own counters.
//   edge     put = got + dropped + queued      puts by ports, gets by workers, the rest by the queue
//            dropped = displaced + cleared     the queue's account; what ports and cancels were told
//            got = done + in flight            gets by workers, done by the queue's account
//   stage    got = completed + skipped + dead + failed + cancelled
//   branch   emitted = put + refused + elsewhere + dropped
// Layer: runtime. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/report.hpp>

namespace sluice::detail {

class RunState;

/// Call after the run has ended.
[[nodiscard]] LedgerReport check_ledger(const RunState& run);

/// Throws std::logic_error when it does not balance: a defect of the framework, never ignored.
void require_balance(const RunState& run);

}  // namespace sluice::detail
