// sluice/process/server_message.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/server_message.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <vector>

namespace sluice::detail {
namespace {

struct Front {
  ServerWord word;
  int pid;
  WorkerSpec spec;
  ProcessEnd end;
};
static_assert(std::is_trivially_copyable_v<Front>);

}  // namespace

ControlSocket::Sent send(ControlSocket& socket, const ServerMessage& message,
                         std::span<const int> descriptors) {
  Front front;
  std::memset(static_cast<void*>(&front), 0, sizeof(front));
  front.word = message.word;
  front.pid = message.pid;
  front.spec = message.spec;
  front.end = message.end;
  const std::size_t most = ControlSocket::kMostBytes - sizeof(front);
  const std::size_t text = std::min(message.text.size(), most);
  std::vector<std::byte> bytes(sizeof(front) + text);
  std::memcpy(bytes.data(), &front, sizeof(front));
  std::memcpy(bytes.data() + sizeof(front), message.text.data(), text);
  return socket.send(bytes, descriptors);
}

ServerMessage message_in(const ControlSocket::Packet& packet) {
  Front front;
  if (packet.bytes.size() < sizeof(front)) {
    throw std::runtime_error("worker server: a message of " + std::to_string(packet.bytes.size()) +
                             " bytes is too short to be one");
  }
  std::memcpy(&front, packet.bytes.data(), sizeof(front));
  const auto* const text = reinterpret_cast<const char*>(packet.bytes.data()) + sizeof(front);
  return {.word = front.word,
          .pid = front.pid,
          .spec = front.spec,
          .end = front.end,
          .text = std::string(text, packet.bytes.size() - sizeof(front))};
}

std::string to_text(const Fingerprint& fingerprint) {
  std::string text(fingerprint.stages.size() * sizeof(std::uint64_t), '\0');
  if (!text.empty()) std::memcpy(text.data(), fingerprint.stages.data(), text.size());
  return text;
}

Fingerprint fingerprint_in(std::string_view text) {
  Fingerprint fingerprint;
  fingerprint.stages.resize(text.size() / sizeof(std::uint64_t));
  if (!fingerprint.stages.empty()) {
    std::memcpy(fingerprint.stages.data(), text.data(),
                fingerprint.stages.size() * sizeof(std::uint64_t));
  }
  return fingerprint;
}

}  // namespace sluice::detail
