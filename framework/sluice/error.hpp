// sluice/error.hpp: the exceptions of the framework, one class per kind of failure.
//
// Expected outcomes on the hot path are enums (queue.hpp); operating system failures are
// std::system_error with the object's name in the text. Every message is one line: what failed, on
// what, with which value, what to do.
// Layer: error. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice {

/// Misuse by the programmer, thrown at the call, in release builds too.
class UsageError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// A pipeline that can't be run. Holds *all* faults found; thrown before anything has started.
class PipelineError : public std::logic_error {
 public:
  explicit PipelineError(std::vector<std::string> faults);

  /// One line per fault, in the order in which they were found.
  [[nodiscard]] const std::vector<std::string>& faults() const noexcept { return faults_; }

 private:
  std::vector<std::string> faults_{};
};

/// Standard output is a pipe that nobody reads any more. Nothing is wrong with the pipeline: the
/// command line ends it quietly, with exit code 141.
class ClosedOutput : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Worker processes died and could not be replaced to any purpose, or not at all. Nested in a StageError.
class WorkerExit : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// User code in a stage failed and the stage's policy was to fail the run.
///
/// The original exception is nested: std::rethrow_if_nested(error) throws it again.
class StageError : public std::runtime_error, public std::nested_exception {
 public:
  /// `item` of an error outside any item (start, finish, a source's next).
  static constexpr std::uint64_t kNoItem = ~std::uint64_t{0};

  struct Where {
    std::string stage;
    std::size_t worker = 0;
    std::uint64_t item = kNoItem;  ///< ordinal of the item on the stage's input edge, from 0
    unsigned attempt = 1;          ///< 1 = the first try
    std::string phase;             ///< start, process, finish or next
  };

  /// Construct inside a catch block: the exception being handled becomes the nested one.
  StageError(Where where, const std::string& cause);

  [[nodiscard]] const std::string& stage() const noexcept { return where_.stage; }
  [[nodiscard]] std::size_t worker() const noexcept { return where_.worker; }
  [[nodiscard]] bool has_item() const noexcept { return where_.item != kNoItem; }
  [[nodiscard]] std::uint64_t item() const noexcept { return where_.item; }
  [[nodiscard]] unsigned attempt() const noexcept { return where_.attempt; }
  [[nodiscard]] const std::string& phase() const noexcept { return where_.phase; }
  [[nodiscard]] const std::string& cause_text() const noexcept { return cause_; }

 private:
  Where where_;
  std::string cause_{};
};

/// The text of the exception being handled: what() of a std::exception, else its type's name is
/// unknown and the text says so. Call inside a catch block only.
[[nodiscard]] std::string current_exception_text();

}  // namespace sluice
