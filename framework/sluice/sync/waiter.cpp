// sluice/sync/waiter.cpp: the one compiled copy for the real machine.
// SPDX-License-Identifier: MIT
#include <sluice/sync/waiter.hpp>

namespace sluice::detail {

template class BasicWaiter<StandardSync>;

}  // namespace sluice::detail
