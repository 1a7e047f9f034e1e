// sluice/process/start_choice.hpp: which start method a run uses, or why none can be.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/thread_list.hpp>
#include <sluice/start_method.hpp>

#include <string>
#include <vector>

namespace sluice::detail {

/// What decides.
struct StartSituation {
  StartMethod wanted = StartMethod::automatic;
  std::vector<ThreadInfo> threads{};  ///< all but the one that runs
  bool under_main = false;            ///< sluice::main is running
};

/// The situation here and now. Threads of earlier runs that sluice still has are ended first.
/// Call it before the run starts a thread.
[[nodiscard]] StartSituation start_situation(StartMethod wanted);

/// Returns  forkserver, spawn or fork; never automatic.
/// Throws   UsageError that names the threads and the remedies.
[[nodiscard]] StartMethod choose_start_method(const StartSituation& situation);

/// "reader (4711), timer (4712)"; of many the first, and how many more.
[[nodiscard]] std::string text_of(const std::vector<ThreadInfo>& threads);

}  // namespace sluice::detail
