// sluice/process/stop_line.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/stop_line.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>

namespace sluice::detail {
namespace {

constexpr std::byte kHeeds{1};
constexpr std::byte kStarted{2};

}  // namespace

std::pair<StopLine, Descriptor> StopLine::make() {
  auto ends = ControlSocket::make_pair();
  return {StopLine(std::move(ends.first)), std::move(ends.second.descriptor())};
}

void StopLine::tell(StopWord word) noexcept {
  if (word <= told_ || !socket_.valid()) return;
  const auto byte = static_cast<std::byte>(word);
  try {
    if (socket_.send({&byte, 1}, {}) == ControlSocket::Sent::sent) told_ = word;
  } catch (const std::exception&) {  // no memory now
  }
}

void StopLine::hear() noexcept {
  ControlSocket::Packet packet;
  try {
    while (socket_.valid() && socket_.receive(packet) == ControlSocket::Got::packet) {
      if (packet.bytes.size() != 1) continue;
      heeded_ = heeded_ || packet.bytes.front() == kHeeds;
      started_ = started_ || packet.bytes.front() == kStarted;
    }
  } catch (const std::exception&) {  // then it is as if it had not said so
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

void StopLineEnd::say(std::byte byte) const noexcept {
  try {
    static_cast<void>(socket_.send({&byte, 1}, {}));
  } catch (const std::exception&) {  // then it is treated as one that has not said so
  }
}

void StopLineEnd::heed() noexcept { say(kHeeds); }
void StopLineEnd::say_started() const noexcept { say(kStarted); }

StopWord StopLineEnd::take() noexcept {
  ControlSocket::Packet packet;
  try {
    while (!ended_) {
      const ControlSocket::Got got = socket_.receive(packet);
      if (got == ControlSocket::Got::nothing) break;
      ended_ = got == ControlSocket::Got::ended;
      if (packet.bytes.size() != 1) continue;
      const auto word = std::min(static_cast<StopWord>(packet.bytes.front()), StopWord::drop);
      word_ = std::max(word_, word);
    }
  } catch (const std::exception&) {  // no memory; looked at again with the next word
    ended_ = true;
  }
  return word_;
}

}  // namespace sluice::detail
