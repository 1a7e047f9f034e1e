// sluice/observe/tally.cpp: the switch of the builds that test the ledger.
// SPDX-License-Identifier: MIT
#include <sluice/observe/tally.hpp>

namespace sluice::detail {

#if defined(SLUICE_LEDGER_MUTANTS)
std::atomic<Count> omitted_count{Count::kinds};
#endif

}  // namespace sluice::detail
