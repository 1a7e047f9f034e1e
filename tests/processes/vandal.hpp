// tests/processes/vandal.hpp: what a function gone wild may do to the memory and the descriptors of its process.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace sluice::testing_support {

/// Overwrites this worker's own log and page, and tells nobody. `kind` 0: zeros, 1: ones, else random bytes.
void scribble_over_own_log(std::uint64_t kind);

/// Overwrites every mapping that is shared and can be written or made so, writes garbage into every descriptor
/// from 3 on, and cuts files and sockets off. Says on standard error what it could change and should not.
void rampage();

}  // namespace sluice::testing_support
