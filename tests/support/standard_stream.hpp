// support/standard_stream.hpp: standard input or output replaced by a pipe, for one test.
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>

namespace sluice::testing_support {

/// While it lives, descriptor `number` (0 or 1) is one end of a pipe; the test has the other.
class StandardStream {
 public:
  explicit StandardStream(int number)
      : number_(number), saved_(::fcntl(number, F_DUPFD_CLOEXEC, 3)) {
    int ends[2];
    if (saved_ < 0 || ::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    const int mine = number == STDIN_FILENO ? ends[0] : ends[1];
    other_ = number == STDIN_FILENO ? ends[1] : ends[0];
    ::dup2(mine, number);
    ::close(mine);
  }
  StandardStream(const StandardStream&) = delete;
  StandardStream& operator=(const StandardStream&) = delete;
  ~StandardStream() {
    close_other();
    ::dup2(saved_, number_);
    ::close(saved_);
  }

  /// The test's end.
  [[nodiscard]] int other() const noexcept { return other_; }
  void close_other() noexcept {
    if (other_ >= 0) ::close(other_);
    other_ = -1;
  }
  /// Writes all of it into standard input. Returns  false when nobody reads.
  bool feed(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t put = ::write(other_, bytes.data(), bytes.size());
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }

 private:
  int number_;
  int saved_;
  int other_ = -1;
};

}  // namespace sluice::testing_support
