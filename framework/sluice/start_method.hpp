// sluice/start_method.hpp: how the processes of Carrier::process come into being.
//
// A forked process has one thread, and every lock that another thread held stays locked in it. So
// sluice forks only while the program has one thread, and says so otherwise:
//
//   forkserver  run() forks a server before it starts any thread, and workers are forked from it,
//               also later. Stages come along as they are, captures included.
//   spawn       run() executes the program again, which comes to sluice::main, builds the same
//               pipeline from the same arguments and serves. For programs that have threads.
//   fork        as forkserver, but without a second server that takes over when the first is killed.
//   automatic   forkserver while there is one thread, else spawn under sluice::main, else an error.
// Layer: base. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string_view>

namespace sluice {

enum class StartMethod : unsigned char { automatic, forkserver, spawn, fork };

/// The start method of runs that do not say another; at first `automatic`. Threads  any.
void set_start_method(StartMethod method) noexcept;
[[nodiscard]] StartMethod start_method() noexcept;

/// "automatic", "forkserver", "spawn", "fork".
[[nodiscard]] std::string_view name_of(StartMethod method) noexcept;
/// The method of that name.
[[nodiscard]] std::optional<StartMethod> start_method_named(std::string_view name) noexcept;

}  // namespace sluice
