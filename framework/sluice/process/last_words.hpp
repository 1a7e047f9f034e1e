// sluice/process/last_words.hpp: what a worker writes to standard error, in lines.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <cstddef>
#include <string>

namespace sluice::detail {

/// Reads the pipe of ServerEvent::started. A worker waits while its pipe is full (64 KiB), so
/// somebody has to read. Threads  one.
class LastWords {
 public:
  static constexpr std::size_t kKept = 64 * 1024;

  LastWords() noexcept = default;
  explicit LastWords(Descriptor pipe) noexcept : pipe_(std::move(pipe)) {}

  /// Reads what is there. Never blocks.
  /// Returns  false once nobody can write any more: do not poll it again.
  bool read();
  /// A whole line, without its end, that was not given before; what is not ended by a newline is a
  /// line once the pipe has ended, or once it is kKept long. Lines that nobody has fetched are lost
  /// once kKept bytes have come behind them.
  [[nodiscard]] bool next_line(std::string& line);
  /// The last `lines` lines that came, those of next_line included, without the end of the last; at most kKept bytes.
  [[nodiscard]] std::string tail(std::size_t lines) const;

  [[nodiscard]] bool open() const noexcept { return pipe_.valid(); }
  /// For poll; -1 once it has ended.
  [[nodiscard]] int descriptor() const noexcept { return pipe_.number(); }

 private:
  Descriptor pipe_{};
  std::string kept_{};     // the end of all that came
  std::size_t given_ = 0;  // so much of it was given by next_line
};

}  // namespace sluice::detail
