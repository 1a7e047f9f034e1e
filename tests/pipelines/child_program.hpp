// tests/pipelines/child_program.hpp: a program under test: its words, its signals, what it prints.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::testing_support {

/// How a program ended and what it had printed.
struct Ended {
  int exit_code = -1;  ///< -1 when a signal ended it
  int signal = 0;      ///< that signal
  std::string out;
  std::string err;
};

/// A running program. The destructor kills what still runs.
///
/// Blocking calls have no limit of their own: the watchdog of the test case is the limit.
class ChildProgram {
 public:
  /// What the program's standard streams are.
  struct Streams {
    std::string input{};  ///< a file for standard input; default: nothing to read
    bool err_is_full =
        false;  ///< standard error is a full pipe that nobody reads, and nothing is captured
    bool err_is_terminal = false;  ///< standard error is a pseudo terminal of 100 columns
    std::string out_file{};        ///< a file for standard output; default: captured
    bool out_is_closed = false;    ///< standard output is a pipe that nobody reads
  };

  explicit ChildProgram(std::vector<std::string> words);
  ChildProgram(std::vector<std::string> words, const Streams& streams);
  ~ChildProgram();
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void send(int signal) const;
  /// Reads until standard error holds the text behind its first `from` bytes, or is closed.
  /// Returns  whether it came.
  bool wait_for_err(const std::string& text, std::size_t from = 0);
  bool wait_for_out(const std::string& text);
  /// What was a full pipe that nobody reads is read from now on, its filling (zeros) first.
  void begin_to_read_err();
  /// Nobody reads its standard output any more.
  void close_out();
  /// Reads everything and waits for the end.
  Ended wait();

  [[nodiscard]] const std::string& err() const { return err_; }

 private:
  bool read_some();
  bool wait_for(const std::string& stream, const std::string& text, std::size_t from);

  pid_t pid_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  int unread_fd_ = -1;
  std::string out_;
  std::string err_;
};

/// Starts the program, reads everything, waits.
[[nodiscard]] Ended run_program(std::vector<std::string> words);
[[nodiscard]] Ended run_program(std::vector<std::string> words,
                                const ChildProgram::Streams& streams);

}  // namespace sluice::testing_support
