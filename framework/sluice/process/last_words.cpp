// sluice/process/last_words.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/last_words.hpp>

#include <sluice/os/file.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::detail {

bool LastWords::read() {
  std::array<char, 4096> bytes;
  while (pipe_.valid()) {
    const std::size_t got = read_some(pipe_, bytes, "a worker's standard error");
    if (got == kWouldBlock) return true;
    if (got == 0) {
      pipe_.reset();
      break;
    }
    kept_.append(bytes.data(), got);
    if (kept_.size() <= 2 * kKept) continue;
    const std::size_t surplus = kept_.size() - kKept;
    kept_.erase(0, surplus);
    if (surplus <= given_) {
      given_ -= surplus;
    } else {
      given_ = kept_.find('\n') + 1;  // what is left of a line is lost as well
    }
  }
  return false;
}

bool LastWords::next_line(std::string& line) {
  const std::string_view rest = std::string_view(kept_).substr(given_);
  const std::size_t end = rest.find('\n');
  if (end != std::string_view::npos) {
    line = rest.substr(0, end);
    given_ += end + 1;
    return true;
  }
  if (rest.empty() || (pipe_.valid() && rest.size() < kKept)) return false;
  line = rest;
  given_ = kept_.size();
  return true;
}

std::string LastWords::tail(std::size_t lines) const {
  std::string_view text = kept_;
  if (text.size() > kKept) text.remove_prefix(text.size() - kKept);
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::size_t from = text.size();
  for (std::size_t i = 0; i < lines && from > 0; ++i) {
    const std::size_t newline = text.rfind('\n', from - 1);
    if (newline == std::string_view::npos) return std::string(text);
    from = newline;
  }
  return std::string(lines == 0 ? std::string_view() : text.substr(from == 0 ? 0 : from + 1));
}

}  // namespace sluice::detail
