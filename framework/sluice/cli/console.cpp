// sluice/cli/console.cpp
// SPDX-License-Identifier: MIT
#include <sluice/cli/console.hpp>

#include <sluice/base/text_table.hpp>
#include <sluice/error.hpp>
#include <sluice/os/standard_error.hpp>
#include <sluice/os/terminal.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace sluice::detail {
namespace {

// Carriage return, then erase to the end of the line (ECMA-48 EL).
constexpr std::string_view kWipe = "\r\x1b[K";
// How long a wait may not notice that nothing is to be waited for any more.
constexpr std::chrono::milliseconds kSlice{100};

// The first `columns` characters of UTF-8 text.
std::string cut(const std::string& text, std::size_t columns) {
  std::size_t bytes = 0;
  for (std::size_t count = 0; bytes < text.size(); ++bytes) {
    const bool starts = (static_cast<unsigned char>(text[bytes]) & 0xC0U) != 0x80U;
    if (starts && count++ == columns) break;
  }
  return text.substr(0, bytes);
}

// What goes out in one call, so that lines of several processes on one terminal stay whole.
std::string_view whole_lines(std::string_view text) {
  if (text.size() <= kWholeBytes) return text;
  const std::size_t end = text.rfind('\n', kWholeBytes - 1);
  return text.substr(0, end == text.npos ? kWholeBytes : end + 1);
}

}  // namespace

Console::~Console() {
  end_live();
  Lock lock(mutex_);
  hooks_ = {};
  if (!hurried_) last_taken_ = Clock::now();
  hurried_ = true;
  write_out(lock);
}

void Console::begin_run(Hooks hooks) {
  const Lock lock(mutex_);
  running_ = true;
  own_thread_ = std::this_thread::get_id();
  hooks_ = std::move(hooks);
}

void Console::end_run() {
  const Lock lock(mutex_);
  running_ = false;
  if (hurried_) last_taken_ = Clock::now();
}

void Console::forget_hooks() {
  const Lock lock(mutex_);
  hooks_ = {};
}

void Console::hurry() {
  const Lock lock(mutex_);
  hurried_ = true;
}

bool Console::waiting() const {
  const Lock lock(mutex_);
  return !kept_.empty();
}

void Console::pass_on() {
  const Lock lock(mutex_);
  offer();
}

std::string Console::above_live(std::string_view text) const {
  return live_.empty() ? std::string(text) : fmt::format("{}{}{}", kWipe, text, live_);
}

void Console::offer() {
  for (;;) {
    std::size_t at = 0;
    while (at < kept_.size()) {
      const std::size_t taken = offer_to_stderr(whole_lines(std::string_view(kept_).substr(at)));
      if (taken == 0) break;
      at += taken;
    }
    if (at > 0) last_taken_ = Clock::now();
    kept_.erase(0, at);
    if (!kept_.empty() || lost_lines_ == 0) return;
    tell_lost();
  }
}

// Once per silence of the reader.
void Console::tell_lost() {
  if (lost_lines_ == 0) return;
  const std::uint64_t lost = std::exchange(lost_lines_, 0);
  kept_ +=
      above_live(fmt::format("{}: {} {} of the log {} lost: nobody read standard error\n", program_,
                             lost, lost == 1 ? "line" : "lines", lost == 1 ? "was" : "were"));
}

bool Console::is_read() const { return Clock::now() < last_taken_ + kPatience; }

void Console::wait_unlocked(Lock& lock) {
  lock.unlock();
  wait_for_stderr(kSlice);
  lock.lock();
}

bool Console::has_room(std::string_view text) const {
  return kept_.empty() || kept_.size() + text.size() <= kMost;
}

void Console::wait_for_room(Lock& lock, std::string_view text) {
  if (!has_room(text)) offer();  // the reader may have read while nobody here looked
  while (running_ && !hurried_ && !has_room(text) && is_read()) {
    wait_unlocked(lock);
    offer();
  }
}

void Console::write_out(Lock& lock) {
  for (offer(); !kept_.empty() && (!hurried_ || is_read()); offer()) {
    wait_unlocked(lock);
    if (hurried_ || !hooks_.gives_up || !hooks_.gives_up()) continue;
    hurried_ = true;
    last_taken_ = {};
  }
}

void Console::write_above_live(std::string_view text) {
  Lock lock(mutex_);
  if (std::this_thread::get_id() != own_thread_) wait_for_room(lock, text);
  if (running_ && !has_room(text)) {
    lost_lines_ += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    return;
  }
  const bool is_first = kept_.empty();
  if (is_first) last_taken_ = Clock::now();
  if (!running_) tell_lost();  // before the results
  kept_ += above_live(text);
  if (!running_) return write_out(lock);
  offer();
  if (is_first && !kept_.empty() && hooks_.on_waiting) hooks_.on_waiting();
}

void Console::message(std::string_view text) {
  write_above_live(fmt::format("{}: {}\n", program_, one_line(std::string(text))));
}

void Console::block(std::string_view text) {
  const bool ends = !text.empty() && text.back() == '\n';
  write_above_live(fmt::format("{}{}", text, ends ? "" : "\n"));
}

void Console::live(const std::string& line) {
  const Lock lock(mutex_);
  if (!kept_.empty()) return offer();
  live_ = cut(one_line(line), stderr_columns() - 1);  // a full last column would wrap
  kept_ = fmt::format("{}{}", kWipe, live_);
  last_taken_ = Clock::now();
  offer();
}

void Console::end_live() {
  const Lock lock(mutex_);
  if (live_.empty()) return;
  live_.clear();
  if (kept_.empty()) last_taken_ = Clock::now();
  kept_ += kWipe;
  offer();
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
