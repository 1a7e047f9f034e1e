// sluice/process/worker_server.cpp: how servers begin.
// SPDX-License-Identifier: MIT
#include <sluice/process/worker_server.hpp>

#include <sluice/os/process_setup.hpp>
#include <sluice/os/program.hpp>
#include <sluice/os/this_process.hpp>
#include <sluice/process/entry_guard.hpp>
#include <sluice/process/server_links.hpp>
#include <sluice/process/server_loop.hpp>

#include <fmt/format.h>

#include <random>
#include <utility>

namespace sluice::detail {
namespace {

std::string fresh_nonce() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

// The server that was just started, from here on in the hands of `links`.
void take_over(ServerLinks& links, int pid, ControlSocket socket,
               std::optional<Fingerprint> expected) {
  Descriptor process;
  try {
    process = open_process(pid);
  } catch (...) {
    socket.shut_down();
    kill_child(pid);
    reap_child(pid);
    throw;
  }
  links.add_first(pid, std::move(socket), std::move(process), std::move(expected));
}

}  // namespace

class WorkerServer::Parts : public ServerLinks {};

WorkerServer::WorkerServer(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
WorkerServer::~WorkerServer() = default;

std::unique_ptr<WorkerServer> WorkerServer::fork_now(ServeWorker serve,
                                                     const ServerOptions& options) {
  refuse_if_unguarded();
  auto parts = std::make_unique<Parts>();
  if (!options.standby) parts->expect_no_standby();
  auto [ours, theirs] = ControlSocket::make_pair();
  Descriptor self = beside_standard_streams(open_process(process_id()));
  ServerSeat seat{.standby = options.standby, .keep = options.keep};
  flush_streams();
  const int pid = fork_process();
  if (pid == 0) {
    seat.socket = std::move(theirs);
    seat.parent = std::move(self);
    be_server(std::move(serve), std::move(seat));
  }
  theirs.reset();
  take_over(*parts, pid, std::move(ours), {});
  parts->await_ready({});
  return std::unique_ptr<WorkerServer>(new WorkerServer(std::move(parts)));
}

std::unique_ptr<WorkerServer> WorkerServer::spawn(const SpawnRequest& request,
                                                  const ServerOptions& options) {
  refuse_if_unguarded();
  auto parts = std::make_unique<Parts>();
  if (!options.standby) parts->expect_no_standby();
  auto [ours, theirs] = ControlSocket::make_pair();
  const Descriptor self = beside_standard_streams(open_process(process_id()));
  const SpawnTicket ticket{.socket = theirs.number(),
                           .parent = self.number(),
                           .nonce = fresh_nonce(),
                           .keep = options.keep,
                           .standby = options.standby};
  static_cast<void>(send(ours, {.word = ServerWord::hello, .text = ticket.nonce}));
  std::vector<int> inherited = options.keep;
  inherited.insert(inherited.end(), {ticket.socket, ticket.parent});
  const int pid = start_same_program(request.argv, to_setting(ticket), inherited);
  theirs.reset();
  take_over(*parts, pid, std::move(ours), request.fingerprint);
  parts->await_ready(request.patience);
  return std::unique_ptr<WorkerServer>(new WorkerServer(std::move(parts)));
}

void WorkerServer::launch(const WorkerSpec& spec, std::span<const int> descriptors) {
  parts_->launch(spec, descriptors);
}
void WorkerServer::kill(std::uint64_t key) noexcept { parts_->kill(key); }
bool WorkerServer::next(ServerEvent& event) { return parts_->next(event); }
int WorkerServer::descriptor() const noexcept { return parts_->descriptor(); }
void WorkerServer::shut_down() noexcept { parts_->shut_down(); }
std::size_t WorkerServer::takeovers() const noexcept { return parts_->takeovers(); }
std::vector<int> WorkerServer::server_pids() const { return parts_->pids(); }

}  // namespace sluice::detail
