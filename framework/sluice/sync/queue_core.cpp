// sluice/sync/queue_core.cpp: the one compiled copy for the real machine.
// SPDX-License-Identifier: MIT
#include <sluice/sync/queue_core_impl.hpp>

namespace sluice::detail {

template class BasicQueueCore<StandardSync>;

}  // namespace sluice::detail
