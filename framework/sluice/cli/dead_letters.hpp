// sluice/cli/dead_letters.hpp: where dead letters go: a JSONL file, or the first few to the screen.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/unique_function.hpp>
#include <sluice/cli/console.hpp>
#include <sluice/cli/result_file.hpp>
#include <sluice/dead_letter.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::detail {

/// RFC 4648 with padding.
[[nodiscard]] std::string base64(std::string_view bytes);

/// One JSON object: stage, worker, item (null when there was none), attempt, error, label, subject,
/// and payload (base64) when it is known. No line break at the end.
[[nodiscard]] std::string to_json_line(const DeadLetter& letter);

/// Takes the dead letters of one run. Threads  any.
class DeadLetterLog {
 public:
  static constexpr std::uint64_t kShown = 5;

  /// With a file, every letter is a line of it, flushed; without, the first kShown of each stage go to the
  /// console. `on_failure` is called once, when the file can't be written.
  DeadLetterLog(Console& console, std::optional<ResultFile> file,
                UniqueFunction<void()> on_failure);

  /// Ignored after finish(): a worker that is stuck may come back late.
  void take(const DeadLetter& letter) noexcept;

  /// After the run: how many there were. Returns  false when the file could not be written.
  bool finish();

 private:
  void write(const DeadLetter& letter);
  [[nodiscard]] std::string hidden() const;

  Console& console_;
  std::mutex mutex_;  // of what follows
  std::optional<ResultFile> file_;
  UniqueFunction<void()> on_failure_;
  std::uint64_t count_ = 0;
  std::map<std::string, std::uint64_t> shown_{};  // of each stage
  bool failed_ = false;
  bool finished_ = false;
};

}  // namespace sluice::detail
