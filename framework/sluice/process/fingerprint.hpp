// sluice/process/fingerprint.hpp: a pipeline's structure, for two processes to compare.
//
// What counts is what a worker relies on: names, kinds, item types and connections of the stages.
// What only the parent acts on (workers, capacities, policies) may differ.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {
class Pipeline;
}

namespace sluice::detail {

struct Fingerprint {
  std::vector<std::uint64_t> stages{};  ///< one number each, of itself and what it is connected to
  std::vector<std::string> names{};     ///< the same stages in words; not sent
};

/// Throws  UsageError for a pipeline of more stages than one message holds.
[[nodiscard]] Fingerprint fingerprint_of(const Pipeline& pipeline);

/// Returns  the first difference in one line, naming the stage of `ours`; empty when there is none.
[[nodiscard]] std::string difference(const Fingerprint& ours, const Fingerprint& theirs);

}  // namespace sluice::detail
