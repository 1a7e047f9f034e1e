// sluice/process/spawned_server.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/spawned_server.hpp>

#include <sluice/os/child_process.hpp>
#include <sluice/os/process_setup.hpp>
#include <sluice/os/this_process.hpp>
#include <sluice/os/thread_list.hpp>
#include <sluice/os/wait_set.hpp>
#include <sluice/process/server_loop.hpp>
#include <sluice/process/server_message.hpp>
#include <sluice/process/start_choice.hpp>

#include <stdexcept>
#include <utility>

namespace sluice::detail {
namespace {

// Who holds the other end of the socket says what the environment said, or is not our parent.
bool greeted(ControlSocket& socket, const Descriptor& parent, const std::string& nonce) {
  ControlSocket::Packet packet;
  for (;;) {
    const ControlSocket::Got got = socket.receive(packet);
    if (got == ControlSocket::Got::packet) {
      const ServerMessage message = message_in(packet);
      return message.word == ServerWord::hello && message.text == nonce;
    }
    if (got == ControlSocket::Got::ended || has_ended(parent)) return false;
    const int watched[] = {socket.number(), parent.number()};
    wait_for_any(watched, -1);
  }
}

}  // namespace

SpawnedServer::SpawnedServer(SpawnTicket ticket)
    : ticket_(std::move(ticket)),
      socket_(Descriptor(ticket_.socket)),
      parent_(Descriptor(ticket_.parent)) {}

std::optional<SpawnedServer> SpawnedServer::here() {
  std::optional<SpawnTicket> ticket = take_spawn_ticket();
  if (!ticket) return std::nullopt;
  name_this_thread("sluice-server");  // it would be that of the link: exe
  SpawnedServer server(*std::move(ticket));
  if (!greeted(server.socket_, server.parent_, server.ticket_.nonce)) {
    throw std::runtime_error("worker server: the process that started this one is gone");
  }
  return server;
}

void SpawnedServer::serve(const Fingerprint& built, ServeWorker serve) {
  if (const auto threads = other_threads(); !threads.empty()) {
    const std::string why =
        "worker processes can't be forked from the program that was started "
        "again, because it has started threads before sluice::main (" +
        text_of(threads) + ")";
    refuse(why);
    end_process_now(1);
  }
  static_cast<void>(send(socket_, {.word = ServerWord::built, .text = to_text(built)}));
  flush_streams();
  be_server(std::move(serve), {.socket = std::move(socket_),
                               .parent = std::move(parent_),
                               .standby = ticket_.standby,
                               .keep = ticket_.keep});
}

void SpawnedServer::refuse(const std::string& why) noexcept {
  try {
    static_cast<void>(send(socket_, {.word = ServerWord::refused, .text = why}));
  } catch (...) {  // then the parent has to make do with the end of this process
  }
}

}  // namespace sluice::detail
