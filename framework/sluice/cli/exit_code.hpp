// sluice/cli/exit_code.hpp: what a command ends with, and what counts more when several apply.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

namespace sluice::detail {

enum class ExitCode : int {
  done = 0,
  failed = 1,
  usage = 2,  ///< nothing was started
  dead_letters = 3,
  late = 4,           ///< the time to drain was over
  interrupted = 130,  ///< by a signal; drained, or dropped by the second one
  closed_stdout = 141,
};

/// What happened in a run.
struct RunOutcome {
  bool closed_stdout = false;  ///< it ended because nobody reads its results any more
  bool failed = false;
  bool late = false;
  bool interrupted = false;
  bool dead_letters = false;
};

/// The first of these that applies: closed stdout (the failure it causes is its own), failed, late,
/// interrupted, dead letters, done.
[[nodiscard]] constexpr ExitCode exit_code(const RunOutcome& outcome) noexcept {
  if (outcome.closed_stdout) return ExitCode::closed_stdout;
  if (outcome.failed) return ExitCode::failed;
  if (outcome.late) return ExitCode::late;
  if (outcome.interrupted) return ExitCode::interrupted;
  if (outcome.dead_letters) return ExitCode::dead_letters;
  return ExitCode::done;
}

}  // namespace sluice::detail
