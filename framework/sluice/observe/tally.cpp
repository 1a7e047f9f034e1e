// sluice/observe/tally.cpp: the switch of the builds that test the ledger.
// SPDX-License-Identifier: MIT
#include <sluice/observe/tally.hpp>

namespace sluice::detail {

#if defined(SLUICE_LEDGER_MUTANTS)
std::atomic<bool> settles_before_flush{false};
std::atomic<bool> keeps_memory_charged{false};
std::atomic<Count> omitted_count{Count::kinds};
std::atomic<std::uint64_t> omitted_turn{kEveryTurn};
std::atomic<std::uint64_t> omission_turns{0};
#endif

}  // namespace sluice::detail
