// sluice/cli/console.cpp
// SPDX-License-Identifier: MIT
#include <sluice/cli/console.hpp>

#include <sluice/base/text_table.hpp>
#include <sluice/error.hpp>
#include <sluice/os/terminal.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace sluice::detail {
namespace {

// Carriage return, then erase to the end of the line (ECMA-48 EL).
constexpr std::string_view kWipe = "\r\x1b[K";

// One call, so that lines of several processes on one terminal stay whole. A closed standard error
// leaves nowhere to complain.
void write_stderr(const std::string& text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
  static_cast<void>(std::fflush(stderr));
}

// The first `columns` characters of UTF-8 text.
std::string cut(const std::string& text, std::size_t columns) {
  std::size_t bytes = 0;
  for (std::size_t count = 0; bytes < text.size(); ++bytes) {
    const bool starts = (static_cast<unsigned char>(text[bytes]) & 0xC0U) != 0x80U;
    if (starts && count++ == columns) break;
  }
  return text.substr(0, bytes);
}

}  // namespace

void Console::write_above_live(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (live_.empty()) {
    write_stderr(text);
  } else {
    write_stderr(fmt::format("{}{}{}", kWipe, text, live_));
  }
}

void Console::message(std::string_view text) {
  write_above_live(fmt::format("{}: {}\n", program_, one_line(std::string(text))));
}

void Console::block(std::string_view text) {
  const bool ends = !text.empty() && text.back() == '\n';
  write_above_live(fmt::format("{}{}", text, ends ? "" : "\n"));
}

void Console::live(const std::string& line) {
  const std::lock_guard lock(mutex_);
  live_ = cut(one_line(line), stderr_columns() - 1);  // a full last column would wrap
  write_stderr(fmt::format("{}{}", kWipe, live_));
}

void Console::end_live() {
  const std::lock_guard lock(mutex_);
  if (live_.empty()) return;
  live_.clear();
  write_stderr(std::string(kWipe));
}

void write_stdout(std::string_view text) {
  const std::size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written == text.size() && std::fflush(stdout) == 0) return;
  const int error = errno;
  if (error == EPIPE || stdout_is_closed()) {
    throw ClosedOutput("standard output was closed by its reader");
  }
  throw std::system_error(error, std::generic_category(), "writing to standard output");
}

}  // namespace sluice::detail
