// sluice/cli/console.hpp: standard error with messages and one line that is rewritten in place.
//
// (1) Every message is one line that begins with the program's name.
// (2) A message never lands inside the live line: that is wiped first and drawn again after it.
// (3) No colours; the live line is only for terminals.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace sluice::detail {

/// Threads  any.
class Console {
 public:
  explicit Console(std::string program) : program_(std::move(program)) {}
  ~Console() { end_live(); }
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// "program: text", one line whatever the text holds.
  void message(std::string_view text);
  /// Several lines as they are, without the program's name: tables.
  void block(std::string_view text);
  /// Draws the live line anew, cut to the terminal's width.
  void live(const std::string& line);
  /// Wipes the live line.
  void end_live();

 private:
  void write_above_live(const std::string& text);

  const std::string program_;
  std::mutex mutex_;
  std::string live_;
};

/// Writes results to standard output, all of them now.
/// Throws  ClosedOutput when nobody reads it, std::system_error for other failures.
void write_stdout(std::string_view text);

}  // namespace sluice::detail
