// sluice/process/relayed_lines.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/relayed_lines.hpp>

#include <sluice/os/standard_error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace sluice::detail {
namespace {

using std::chrono::milliseconds;

constexpr int kLastTries = 10;
constexpr milliseconds kLastWait{100};

}  // namespace

void RelayedLines::add(std::string_view line) {
  if (kept_.size() + line.size() > kMost) {
    ++lost_;
    return;
  }
  kept_.append(line);
  kept_.push_back('\n');
}

// Line by line, so that those of other threads do not come in between.
void RelayedLines::pass_on() {
  for (;;) {
    std::size_t at = 0;
    while (at < kept_.size()) {
      const std::size_t end = std::min(kept_.find('\n', at), kept_.size() - 1) + 1;
      const std::size_t taken =
          offer_to_stderr(std::string_view(kept_).substr(at, std::min(end - at, kWholeBytes)));
      if (taken == 0) break;
      at += taken;
    }
    kept_.erase(0, at);
    if (!kept_.empty() || lost_ == 0) return;
    add(fmt::format("sluice: {} lines of worker processes are lost: nobody read standard error",
                    std::exchange(lost_, 0)));
  }
}

void RelayedLines::finish() {
  pass_on();
  for (int i = 0; i < kLastTries && waiting(); ++i) {
    wait_for_stderr(kLastWait);
    pass_on();
  }
}

}  // namespace sluice::detail
