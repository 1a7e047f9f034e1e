// sluice/process/stop_line.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/stop_line.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>

namespace sluice::detail {

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

bool StopLine::is_heeded() noexcept {
  ControlSocket::Packet packet;
  try {
    while (!heeded_ && socket_.valid() && socket_.receive(packet) == ControlSocket::Got::packet) {
      heeded_ = true;
    }
  } catch (const std::exception&) {  // then it is as if it had not said so
  }
  return heeded_;
}

void StopLineEnd::heed() noexcept {
  const std::byte byte{1};
  try {
    static_cast<void>(socket_.send({&byte, 1}, {}));
  } catch (const std::exception&) {  // then it is killed when the run is cancelled
  }
}

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
