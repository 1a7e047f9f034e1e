// sluice/process/relayed_lines.hpp: lines of worker processes on their way to our standard error.
//
// Their owner must not wait for somebody to read them: while standard error takes nothing, lines lie here,
// kMost bytes of them. What does not fit is lost, and how many lines that were is said once there is room.
// Threads  one.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::detail {

class RelayedLines {
 public:
  static constexpr std::size_t kMost = std::size_t{256} << 10U;

  /// A line without its end. Throws  std::bad_alloc.
  void add(std::string_view line);
  /// Passes on what is taken now. Never blocks. Throws  std::bad_alloc.
  void pass_on();
  /// Whether lines wait for room: pass_on() once more, some time later.
  [[nodiscard]] bool waiting() const noexcept { return !kept_.empty(); }
  /// The last lines. Blocks  for at most a second. Throws  std::bad_alloc.
  void finish();

 private:
  std::string kept_{};
  std::uint64_t lost_ = 0;
};

}  // namespace sluice::detail
