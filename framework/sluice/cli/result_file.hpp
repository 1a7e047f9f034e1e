// sluice/cli/result_file.hpp: a file that is opened before a run and written during or after it.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::detail {

class ResultFile {
 public:
  /// Makes the file or empties it. `option` names it in messages.
  /// Throws  UsageError when it can't be opened.
  ResultFile(std::string option, std::string path);

  /// Appends the text and a line break, and hands both to the system at once.
  /// Throws  std::system_error.
  void write_line(std::string_view text);
  /// Throws  std::system_error for what a late write reports.
  void close();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  struct Closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  [[noreturn]] void fail(int error) const;

  std::string option_;
  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
};

}  // namespace sluice::detail
