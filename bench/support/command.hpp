// bench/support/command.hpp: other programs as contestants.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace sluice::bench {

/// A started program whose standard output is collected.
class Command {
 public:
  /// Throws std::system_error with the program's name when it can't be started.
  explicit Command(const std::vector<std::string>& words);
  Command(Command&& other) noexcept;
  Command& operator=(Command&&) = delete;
  /// Waits for the program when finish() was not called.
  ~Command();

  /// Reads the output to its end and waits for the program.
  ///
  /// Throws   std::runtime_error when the program failed.
  std::string finish();

 private:
  std::string name_;
  int pid_ = -1;
  int output_ = -1;
};

/// Runs a program to its end and returns its output.
[[nodiscard]] std::string run_command(const std::vector<std::string>& words);

/// Path of an executable in the directory of this one; empty when there is none.
[[nodiscard]] std::string sibling(const std::string& name);

}  // namespace sluice::bench
