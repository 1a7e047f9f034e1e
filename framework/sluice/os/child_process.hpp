// sluice/os/child_process.hpp: forks, watches, kills and reaps processes.
//
// A process id may be used again once its process was reaped. So ids are used only by the parent
// for children that it has not reaped yet; all others have a *pidfd*, which stays with its process.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::detail {

/// How a process ended.
struct ProcessEnd {
  bool known = false;  ///< false: its parent was killed, too, and nobody could ask
  bool dumped = false;
  int code = 0;              ///< exit status, when signal is 0
  int signal = 0;            ///< that killed it
  std::int64_t user_ns = 0;  ///< CPU time, with that of children it has waited for
  std::int64_t system_ns = 0;
  std::uint64_t most_resident_bytes = 0;
};
/// "exit status 3", "killed by signal 9 (Killed)", "status unknown".
[[nodiscard]] std::string text_of(const ProcessEnd& end);

/// Forks with all signals blocked. They still are in the child, which gets 0; the parent gets the
/// child's id and its own mask back.
/// Throws  std::system_error.
[[nodiscard]] int fork_process();

/// The id of this process's parent.
[[nodiscard]] int parent_process_id() noexcept;

/// A pidfd. For this process, and for children that are not reaped; of another process the id may be a new one's.
/// Throws  std::system_error.
[[nodiscard]] Descriptor open_process(int pid);
/// Whether no thread of the process exists any more.
[[nodiscard]] bool has_ended(const Descriptor& process) noexcept;
/// Blocks until it has ended.
void wait_ended(const Descriptor& process) noexcept;
void send_signal(const Descriptor& process, int signal) noexcept;
void kill_process(const Descriptor& process) noexcept;
/// Stops it, until it is continued.
void stop_process(const Descriptor& process) noexcept;
/// Whether it is stopped, by a signal and not by a debugger. `pid` is its id, which it has as long as it lives.
/// Costs a look at a file of the system's.
[[nodiscard]] bool is_stopped(const Descriptor& process, int pid) noexcept;
/// Lets a stopped process go on.
void continue_process(const Descriptor& process) noexcept;

enum class Look : unsigned char { once, wait };
/// As in ProcessEnd::signal: what nobody can refuse.
inline constexpr int kKillSignal = 9;
inline constexpr int kNoneEnded = 0;
inline constexpr int kNoChild = -1;
/// Returns  the id of a child that has ended and is not reaped, kNoneEnded, or kNoChild at all.
[[nodiscard]] int ended_child(Look look) noexcept;
/// Takes away a child of this process. Blocks until it has ended. When somebody else has
/// reaped it, how it ended is unknown.
ProcessEnd reap_child(int pid) noexcept;
/// Reaps if it has ended. Returns  whether it is gone.
bool reap_if_ended(int pid) noexcept;

/// SIGKILL for a child that is not reaped. Returns  false when that is not allowed or it is gone.
bool kill_child(int pid) noexcept;
/// SIGKILL for all in the process group that a child leads (or led) that is not reaped.
void kill_group_of(int pid) noexcept;

}  // namespace sluice::detail
