// sluice/process/stop_line.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/stop_line.hpp>

#include <algorithm>
#include <cstddef>

namespace sluice::detail {
namespace {

using Status = ByteSocket::Status;

constexpr std::byte kHeeds{1};
constexpr std::byte kStarted{2};
constexpr int kMostHeard = 64;

}  // namespace

std::pair<StopLine, Descriptor> StopLine::make() {
  auto ends = ByteSocket::make_pair();
  return {StopLine(std::move(ends.first)), std::move(ends.second).take_descriptor()};
}

void StopLine::tell(StopWord word) noexcept {
  if (word <= told_ || !socket_.valid()) return;
  if (socket_.send(static_cast<std::byte>(word)) == Status::ok) told_ = word;
}

void StopLine::hear() noexcept {
  std::byte byte{};
  // A worker says two things, once each. One that never stops talking keeps nobody here.
  for (int i = 0; i < kMostHeard && socket_.valid() && socket_.receive(byte) == Status::ok; ++i) {
    heeded_ = heeded_ || byte == kHeeds;
    started_ = started_ || byte == kStarted;
  }
}

bool StopLine::is_heeded() noexcept {
  if (!heeded_) hear();
  return heeded_;
}

bool StopLine::has_started() noexcept {
  if (!started_) hear();
  return started_;
}

// What can't be sent is as if it was not said.
void StopLineEnd::heed() const noexcept { static_cast<void>(socket_.send(kHeeds)); }
void StopLineEnd::say_started() const noexcept { static_cast<void>(socket_.send(kStarted)); }

StopWord StopLineEnd::take() noexcept {
  while (!ended_) {
    std::byte byte{};
    const Status status = socket_.receive(byte);
    if (status == Status::not_now) break;
    ended_ = status == Status::ended;
    word_ = std::max(word_, std::min(static_cast<StopWord>(byte), StopWord::drop));
  }
  return word_;
}

}  // namespace sluice::detail
