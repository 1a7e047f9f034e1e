// sluice/os/process_setup.hpp: what a forked process changes of itself before it begins.
//
// All of this is for a process with one thread. Nothing here allocates what others might hold.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::detail {

/// Orphans further down become children of this process, which then has to reap them.
void become_subreaper() noexcept;

/// This process gets SIGKILL when the *thread* that forked it ends.
/// Returns  false when its parent is no longer that process: then it would never come.
[[nodiscard]] bool die_with_parent(int parent) noexcept;

/// Makes this process the leader of a new process group of the same session.
void lead_own_group() noexcept;
/// The same for a child that was just forked, so that it is true when either goes on.
void give_own_group(int child) noexcept;

/// What signals do in the new process. After both, none is blocked except as said.
/// A server: everything that a user, a terminal or a broken pipe may send is ignored; SIGCHLD is
/// blocked and becomes readable from the descriptor that is returned.
/// Throws  std::system_error.
[[nodiscard]] Descriptor server_signals();
/// The mask alone, for a process that was forked from a server.
void server_mask() noexcept;
/// A worker: as in a new program, but SIGINT, SIGTERM, SIGPIPE and SIGTTOU are ignored.
void worker_signals() noexcept;
/// Empties the descriptor of server_signals().
void discard_signals(const Descriptor& signals) noexcept;

/// At most that much private writable memory; malloc then fails. Nothing under a sanitizer, whose
/// own memory would count.
void limit_memory(std::uint64_t bytes) noexcept;
/// Whether the program is built with a sanitizer that has memory of its own.
[[nodiscard]] bool has_sanitizer() noexcept;
/// A crash writes no core file: that of a big process would delay the notice of its death.
void forbid_core_files() noexcept;
/// The system takes this process before its parent when memory runs out.
void prefer_when_memory_runs_out() noexcept;

/// Closes every descriptor from 3 on that is not in `kept` (numbers in any order, -1 allowed).
void close_descriptors_except(std::span<const int> kept) noexcept;
/// Opens what is not open of 0, 1 and 2, on the null device, so that nothing else gets these.
void fill_standard_streams() noexcept;
/// A new descriptor on the null device.
/// Throws  std::system_error.
[[nodiscard]] Descriptor open_null_device();
/// Makes `number` (0, 1 or 2) another name of that descriptor.
void redirect(int number, const Descriptor& to) noexcept;
/// The same file under a number from 3 on, closed on exec; the given descriptor is closed.
/// Throws  std::system_error.
[[nodiscard]] Descriptor beside_standard_streams(Descriptor descriptor);
/// A second descriptor, closed on exec. Throws  std::system_error.
[[nodiscard]] Descriptor second_descriptor(int number);
/// Closed on exec from now on.
void close_on_exec(int number) noexcept;

/// Writes what is buffered in stdio, in std::cout and std::clog: before a fork, so that no child
/// has a copy of it, and before end_process_now().
void flush_streams() noexcept;
/// Ends the process without destructors of static objects and without exit handlers.
[[noreturn]] void end_process_now(int status) noexcept;

/// Ends the process by SIGKILL.
[[noreturn]] void die_by_kill() noexcept;

/// Writes to standard error without stdio. Errors are nobody's.
void say_on_stderr(std::string_view text) noexcept;

}  // namespace sluice::detail
