// sluice/process/entry_guard.hpp: whether this process came through sluice::main, and as what.
//
// A program that is started again by spawn() is told so by one environment variable: numbers of
// descriptors and a nonce. sluice::main takes it and removes it at once, so programs that are
// started from there do not see it. If such a program comes to run() while the variable is still
// there, it has not passed sluice::main, and would start programs that do the same, without end.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/control_socket.hpp>
#include <sluice/os/descriptor.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::detail {

/// Made by sluice::main, for as long as that runs. The words are those of the command line.
/// Threads  the one of main; the static functions any.
class EntryGuard {
 public:
  EntryGuard(int argc, char** argv);
  ~EntryGuard();
  EntryGuard(const EntryGuard&) = delete;
  EntryGuard& operator=(const EntryGuard&) = delete;

  /// Whether sluice::main is running.
  [[nodiscard]] static bool active() noexcept;
  /// Returns  the words that sluice::main was called with; empty when it does not run.
  [[nodiscard]] static std::vector<std::string> argv();

 private:
  std::vector<std::string> words_;
  EntryGuard* outer_;
};

/// What a program started by spawn() is told.
struct SpawnTicket {
  int socket = -1;
  int parent = -1;  ///< a pidfd
  std::string nonce{};
  std::vector<int> keep{};
  bool standby = true;
};

[[nodiscard]] std::string to_setting(const SpawnTicket& ticket);  ///< NAME=VALUE
/// Takes it out of the environment. Empty in a program that was started by anybody else.
/// Throws  std::runtime_error when somebody else has set the variable.
[[nodiscard]] std::optional<SpawnTicket> take_spawn_ticket();

/// Ends the process, with a line on standard error and kExitUnguarded, when it was started by
/// spawn() and has not passed sluice::main. Called before anything is started by run().
void refuse_if_unguarded();

}  // namespace sluice::detail
