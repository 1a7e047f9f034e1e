// sluice/process/server_message.hpp: what a parent and its worker servers say to each other.
//
// Both ends run the same image, so a message is the bytes of a struct and a text behind it.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/child_process.hpp>
#include <sluice/os/control_socket.hpp>
#include <sluice/process/fingerprint.hpp>
#include <sluice/process/worker_spec.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice::detail {

enum class ServerWord : std::uint32_t {
  // from the parent
  hello = 1,  ///< text: the nonce a spawned program was told
  launch,     ///< spec, descriptors
  kill,       ///< spec.key
  // from a server
  built,    ///< text: the fingerprint of what a spawned program has built
  refused,  ///< text: why this program can't be a server
  standby,  ///< pid, {socket, pidfd} of a new server below this one, which takes launches
  alone,    ///< text: why there is none; this one takes launches
  started,  ///< spec.key, pid, {pidfd, pipe}
  failed,   ///< spec.key, text
  exited,   ///< spec.key, end
  orphan_exited,  ///< pid, end: none of this server's; a worker of one below, if that has died or is dying
  clean,          ///< pid: nothing is left of that server below this one, which has died
};

struct ServerMessage {
  ServerWord word = ServerWord::hello;
  int pid = 0;
  WorkerSpec spec{};
  ProcessEnd end{};
  std::string text{};
};

/// As ControlSocket::send. A text that is too long is cut.
ControlSocket::Sent send(ControlSocket& socket, const ServerMessage& message,
                         std::span<const int> descriptors = {});

/// Throws  std::runtime_error for bytes that are no message.
[[nodiscard]] ServerMessage message_in(const ControlSocket::Packet& packet);

[[nodiscard]] std::string to_text(const Fingerprint& fingerprint);
[[nodiscard]] Fingerprint fingerprint_in(std::string_view text);

}  // namespace sluice::detail
