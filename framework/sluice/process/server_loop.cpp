// sluice/process/server_loop.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/server_loop.hpp>

#include <sluice/os/child_list.hpp>
#include <sluice/os/child_process.hpp>
#include <sluice/os/pipe.hpp>
#include <sluice/os/process_setup.hpp>
#include <sluice/os/this_process.hpp>
#include <sluice/os/wait_set.hpp>
#include <sluice/process/server_message.hpp>
#include <sluice/process/worker_start.hpp>

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace sluice::detail {
namespace {

class ServerLoop {
 public:
  ServerLoop(ServeWorker serve, ServerSeat seat)
      : serve_(std::move(serve)), seat_(std::move(seat)) {}

  void set_up();
  [[noreturn]] void run();
  void tell_refused(const std::string& text) noexcept;
  [[noreturn]] void end(int status) noexcept;

 private:
  void tell(const ServerMessage& message, std::span<const int> descriptors = {});
  void add_server_below();
  void become_server_below(ControlSocket socket, Descriptor above) noexcept;
  void forget_server_below(const std::string& why);
  void look_after_children();
  void bury(int pid);
  [[nodiscard]] bool end_orphans();
  [[nodiscard]] std::vector<int> children() const noexcept;
  [[nodiscard]] bool take_messages();
  void start_worker(const WorkerSpec& spec, ControlSocket::Packet& packet);
  [[nodiscard]] int fork_worker(const WorkerSpec& spec, ControlSocket::Packet& packet,
                                Pipe& errors);
  void kill_worker(std::uint64_t key) noexcept;

  ServeWorker serve_;
  ServerSeat seat_;
  Descriptor above_{};    // pidfd of the server that forked this one, while that lives
  Descriptor signals_{};  // SIGCHLD
  std::optional<ChildList> children_{};
  int below_ = 0;              // the server that this one has forked
  std::vector<int> fallen_{};  // servers below that have died, while not all that they left is gone
  std::map<int, std::uint64_t> workers_{};  // children that are workers: their keys
};

void ServerLoop::set_up() {
  name_this_thread("sluice-server");
  lead_own_group();
  become_subreaper();
  fill_standard_streams();
  signals_ = beside_standard_streams(server_signals());
  redirect(0, open_null_device());
  children_.emplace();
  std::vector<int> kept = seat_.keep;
  for (const int own : {seat_.socket.number(), seat_.parent.number(), signals_.number(),
                        children_->file().number()}) {
    if (own >= 0) kept.push_back(own);
  }
  close_descriptors_except(kept);
}

void ServerLoop::run() {
  if (!seat_.standby) tell({.word = ServerWord::alone, .text = "none is wanted"});
  for (;;) {
    if (has_ended(seat_.parent)) end(0);
    if (above_.valid() && has_ended(above_)) above_.reset();
    look_after_children();
    if (seat_.standby && !above_.valid() && below_ == 0) add_server_below();
    if (take_messages()) continue;  // a server below that could not be had is tried again first
    const int above = above_.valid() ? above_.number() : seat_.parent.number();
    const int watched[] = {seat_.socket.number(), seat_.parent.number(), above, signals_.number()};
    wait_for_any(watched, -1);
  }
}

// A parent that does not read makes us wait; one that is gone ends us.
void ServerLoop::tell(const ServerMessage& message, std::span<const int> descriptors) {
  for (;;) {
    switch (send(seat_.socket, message, descriptors)) {
      case ControlSocket::Sent::sent:
        return;
      case ControlSocket::Sent::gone:
        end(0);
      case ControlSocket::Sent::full: {
        const int watched[] = {seat_.parent.number()};
        wait_for_any(watched, seat_.socket.number());
        if (has_ended(seat_.parent)) end(0);
      }
    }
  }
}

void ServerLoop::tell_refused(const std::string& text) noexcept {
  try {
    static_cast<void>(send(seat_.socket, {.word = ServerWord::refused, .text = text}));
  } catch (...) {  // then the end of this process has to say it
  }
}

// In the new process this returns as well, as the server below.
void ServerLoop::add_server_below() {
  try {
    auto ends = ControlSocket::make_pair();
    Descriptor self = open_process(process_id());
    const int pid = fork_process();
    if (pid == 0) {
      ends.first.reset();
      become_server_below(std::move(ends.second), std::move(self));
      return;
    }
    below_ = pid;
    give_own_group(pid);
    ends.second.reset();
    const Descriptor process = open_process(pid);
    const int given[] = {ends.first.number(), process.number()};
    tell({.word = ServerWord::standby, .pid = pid}, given);
  } catch (const std::exception& error) {
    forget_server_below(error.what());
  }
}

// A process that can't see its children is no server: it ends, and the one above tries again.
void ServerLoop::become_server_below(ControlSocket socket, Descriptor above) noexcept {
  lead_own_group();
  become_subreaper();  // which is not inherited
  seat_.socket = std::move(socket);
  above_ = std::move(above);
  below_ = 0;
  fallen_.clear();
  workers_.clear();
  children_.reset();
  try {
    children_.emplace();
  } catch (const std::exception& error) {
    tell_refused(error.what());
    end(1);
  }
  server_mask();
}

void ServerLoop::forget_server_below(const std::string& why) {
  if (below_ != 0) {
    kill_child(below_);
    reap_child(below_);
    below_ = 0;
  }
  tell({.word = ServerWord::alone, .text = why});
}

void ServerLoop::look_after_children() {
  discard_signals(signals_);
  bool any = false;
  for (int pid = ended_child(Look::once); pid > 0; pid = ended_child(Look::once)) {
    bury(pid);
    any = true;
  }
  if (!any && fallen_.empty()) return;
  if (end_orphans()) return;
  for (const int pid : fallen_) tell({.word = ServerWord::clean, .pid = pid});
  fallen_.clear();
}

void ServerLoop::bury(int pid) {
  const auto worker = workers_.find(pid);
  if (worker != workers_.end()) {
    kill_group_of(pid);
    const std::uint64_t key = worker->second;
    workers_.erase(worker);
    tell({.word = ServerWord::exited, .spec = {.key = key}, .end = reap_child(pid)});
  } else if (pid == below_) {
    fallen_.push_back(pid);
    reap_child(pid);
    below_ = 0;
  } else {
    kill_group_of(pid);
    const ProcessEnd end = reap_child(pid);
    tell({.word = ServerWord::orphan_exited, .pid = pid, .end = end});
  }
}

// Returns  whether there are any.
bool ServerLoop::end_orphans() {
  bool any = false;
  for (const int pid : children_->read()) {
    if (pid == below_ || workers_.count(pid) > 0) continue;
    any |= kill_child(pid);
  }
  return any;
}

// Returns  whether there were any.
bool ServerLoop::take_messages() {
  ControlSocket::Packet packet;
  for (bool any = false;; any = true) {
    switch (seat_.socket.receive(packet)) {
      case ControlSocket::Got::nothing:
        return any;
      case ControlSocket::Got::ended:
        end(0);
      case ControlSocket::Got::packet:
        break;
    }
    const ServerMessage message = message_in(packet);
    if (message.word == ServerWord::launch) start_worker(message.spec, packet);
    if (message.word == ServerWord::kill) kill_worker(message.spec.key);
  }
}

void ServerLoop::start_worker(const WorkerSpec& spec, ControlSocket::Packet& packet) {
  int pid = 0;
  try {
    if (packet.lost_descriptors) {
      throw std::runtime_error("too many open files in the worker server (its limit is ulimit -n)");
    }
    Pipe errors = make_pipe();
    pid = fork_worker(spec, packet, errors);
    const Descriptor process = open_process(pid);
    workers_.emplace(pid, spec.key);
    const int given[] = {process.number(), errors.out.number()};
    tell({.word = ServerWord::started, .pid = pid, .spec = {.key = spec.key}}, given);
  } catch (const std::exception& error) {
    if (pid != 0) {
      workers_.erase(pid);
      kill_group_of(pid);
      kill_child(pid);
      reap_child(pid);
      static_cast<void>(end_orphans());
    }
    tell({.word = ServerWord::failed, .spec = {.key = spec.key}, .text = error.what()});
  }
}

int ServerLoop::fork_worker(const WorkerSpec& spec, ControlSocket::Packet& packet, Pipe& errors) {
  WorkerBirth birth{.spec = spec,
                    .server = process_id(),
                    .input = open_null_device(),
                    .errors = std::move(errors.in),
                    .given = std::move(packet.descriptors),
                    .keep = seat_.keep};
  const int pid = fork_process();
  if (pid == 0) be_worker(serve_, birth);
  give_own_group(pid);
  return pid;
}

void ServerLoop::kill_worker(std::uint64_t key) noexcept {
  for (const auto& [pid, its_key] : workers_) {
    if (its_key == key) kill_child(pid);
  }
}

// None where there was no way to list them, which is before there can be any.
std::vector<int> ServerLoop::children() const noexcept {
  try {
    if (children_.has_value()) return children_->read();
  } catch (
      const std::exception&) {  // what is left dies with the program, which has descriptors for it
  }
  return {};
}

void ServerLoop::end(int status) noexcept {
  for (;;) {
    bool any = false;
    for (const int pid : children()) {
      if (workers_.count(pid) > 0) kill_group_of(pid);
      any |= kill_child(pid);
    }
    if (!any) break;
    for (int pid = ended_child(Look::wait); pid > 0; pid = ended_child(Look::once)) {
      kill_group_of(pid);
      reap_child(pid);
      workers_.erase(pid);
    }
  }
  end_process_now(status);
}

}  // namespace

void be_server(ServeWorker serve, ServerSeat seat) noexcept {
  ServerLoop loop(std::move(serve), std::move(seat));
  try {
    loop.set_up();
    loop.run();
  } catch (const std::exception& error) {
    loop.tell_refused(error.what());
    loop.end(1);
  }
}

}  // namespace sluice::detail
