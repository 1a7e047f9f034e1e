// sluice/sync/wait_point.cpp: the one compiled copy for the real machine.
// SPDX-License-Identifier: MIT
#include <sluice/sync/wait_point.hpp>

namespace sluice::detail {

template class BasicWaitPoint<StandardSync>;

}  // namespace sluice::detail
