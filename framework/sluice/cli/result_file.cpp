// sluice/cli/result_file.cpp
// SPDX-License-Identifier: MIT
#include <sluice/cli/result_file.hpp>

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::detail {

// "e": not inherited by programs that user code starts.
ResultFile::ResultFile(std::string option, std::string path)
    : option_(std::move(option)), path_(std::move(path)), file_(std::fopen(path_.c_str(), "wbe")) {
  if (file_ != nullptr) return;
  throw UsageError(fmt::format("{}: can't open {} for writing: {}", option_, path_,
                               std::generic_category().message(errno)));
}

void ResultFile::write_line(std::string_view text) {
  std::FILE* const file = file_.get();
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size() &&
                       std::fputc('\n', file) != EOF && std::fflush(file) == 0;
  if (!written) fail(errno);
}

void ResultFile::close() {
  if (std::fclose(file_.release()) != 0) fail(errno);
}

void ResultFile::fail(int error) const {
  throw std::system_error(error, std::generic_category(),
                          fmt::format("{}: writing {}", option_, path_));
}

}  // namespace sluice::detail
