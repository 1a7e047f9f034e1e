// support/off_thread_checks.hpp: checks made on any thread, judged on the main thread.
//
// Catch2's assertions are not thread-safe. Threads report here; after joining them the test says
//   CHECK(checks.failures() == "");
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>

namespace sluice::testing_support {

class OffThreadChecks {
 public:
  /// Notes a failure when the condition is false. Returns  the condition. Threads  any.
  bool expect(bool condition, std::string_view what) {
    if (!condition) {
      note(std::string{what});
    }
    return condition;
  }

  /// Notes a failure, with both values, when they differ. Returns  whether they are equal. Threads  any.
  template <class Actual, class Expected>
  bool expect_equal(const Actual& actual, const Expected& expected, std::string_view what) {
    if (actual == expected) {
      return true;
    }
    std::ostringstream text;
    text << what << ": got " << actual << ", expected " << expected;
    note(text.str());
    return false;
  }

  /// Returns  the first failures, one a line, and how many there were; empty when all was well.
  [[nodiscard]] std::string failures() const {
    const std::lock_guard lock{mutex_};
    if (count_ <= kKept) {
      return text_;
    }
    return text_ + "and " + std::to_string(count_ - kKept) + " more\n";
  }

 private:
  static constexpr std::size_t kKept = 10;

  void note(const std::string& what) {
    const std::lock_guard lock{mutex_};
    if (++count_ <= kKept) {
      text_ += what + '\n';
    }
  }

  mutable std::mutex mutex_;
  std::size_t count_ = 0;
  std::string text_;
};

}  // namespace sluice::testing_support
