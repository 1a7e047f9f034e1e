// sluice/runtime/stop_listener.cpp
// SPDX-License-Identifier: MIT
#include <sluice/runtime/stop_listener.hpp>

#include <sluice/os/this_process.hpp>

#include <exception>
#include <utility>

namespace sluice::detail {

StopListener::StopListener(StopLineEnd line, Hooks hooks)
    : line_(std::move(line)), hooks_(std::move(hooks)) {}

StopListener::~StopListener() {
  if (!thread_.joinable()) return;
  end_->raise();
  thread_.join();
}

void StopListener::begin() noexcept {
  if (thread_.joinable()) return;
  try {
    hear();
    if (!end_.has_value()) end_.emplace();
    thread_ = std::thread([this] { listen(); });
    line_.heed();  // here, not there: who has its token may not be killed as one who never asked
  } catch (const std::exception&) {  // no thread to be had
  }
}

void StopListener::hear() {
  const StopWord word = line_.take();
  if (word == heard_) return;
  heard_ = word;
  hooks_.heard(word);
}

void StopListener::listen() noexcept {
  name_this_thread("sluice-stop");
  for (;;) {
    set_.clear();
    const std::size_t end = set_.add(end_->descriptor().number());
    set_.add(line_.number());
    set_.wait(hooks_.period.count() > 0 ? Deadline::after(hooks_.period) : Deadline());
    if (set_.readable(end)) return;
    hear();
    if (hooks_.period.count() > 0) hooks_.look();
  }
}

}  // namespace sluice::detail
