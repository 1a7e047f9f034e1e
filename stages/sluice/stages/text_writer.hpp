// sluice/stages/text_writer.hpp: writes lines to a file or to standard output, in large pieces.
//
// (1) What is written waits at most kFlushAfter: whoever owns the writer flushes it when due() has
//     passed. So a busy stream is written in pieces of buffer_bytes, a slow one line by line.
// (2) finish() reports every error there is; without it (the run failed) the destructor writes what
//     is left and says nothing.
// Layer: stages. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/context.hpp>
#include <sluice/deadline.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::stages {

struct WriteOptions {
  bool append = false;  ///< to what the file holds, instead of replacing it
  std::size_t buffer_bytes = std::size_t{256} * 1024;
  std::string line_end = "\n";  ///< written after each line
};

class TextWriter {
 public:
  TextWriter(std::string path, WriteOptions options);
  TextWriter(const TextWriter&) = delete;
  TextWriter& operator=(const TextWriter&) = delete;
  ~TextWriter();

  /// `context` tells the time, until the end. Throws  std::system_error with the path.
  void open(const Context& context);
  /// Blocks  when the buffer is full and the file takes its time.
  /// Throws  std::system_error with path and number (disk full); ClosedOutput when standard output
  ///         is a pipe that nobody reads.
  void line(std::string_view text);
  void flush();
  void finish();

  /// When to flush() if nothing else is written; never while the buffer is empty.
  [[nodiscard]] Deadline due() const noexcept { return due_; }

 private:
  static constexpr std::chrono::milliseconds kFlushAfter{20};
  class File;

  void write(std::string_view bytes);

  std::string path_;
  WriteOptions options_;
  std::unique_ptr<File> file_;
  std::string buffer_;
  const Context* context_ = nullptr;
  Deadline due_;
  bool failed_ = false;
};

}  // namespace sluice::stages
