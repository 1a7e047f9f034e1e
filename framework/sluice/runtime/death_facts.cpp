// sluice/runtime/death_facts.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/death_facts.hpp>

namespace sluice::detail {

RemoteWorker::Fault fault_of(const DeathFacts& facts, std::uint64_t begun, bool accused) noexcept {
  using Fault = RemoteWorker::Fault;
  if (accused || !facts.was_killed) return Fault::its_own;
  if (facts.by_us) {
    // One that was late and has committed at the last moment leaves its kill to the next.
    return facts.late != 0 && facts.late != begun ? Fault::nobodys : Fault::its_own;
  }
  return facts.by_chaos || facts.by_server ? Fault::nobodys : Fault::unclear;
}

}  // namespace sluice::detail
