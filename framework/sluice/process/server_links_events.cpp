// sluice/process/server_links_events.cpp: what servers say, and what their deaths leave behind.
// SPDX-License-Identifier: MIT
#include <sluice/process/server_links.hpp>

#include <sluice/os/process_setup.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace sluice::detail {

// The newest first: what a server says of one below it comes after what that one said itself.
void ServerLinks::collect() {
  for (std::size_t i = links_.size(); i-- > 0;) drain(i);
  look_at_watched();
  reap_servers();
  flush();
}

void ServerLinks::drain(std::size_t index) {
  ControlSocket::Packet packet;
  while (!links_[index].gone) {
    try {
      const ControlSocket::Got got = links_[index].socket.receive(packet);
      if (got == ControlSocket::Got::nothing) return;
      if (got == ControlSocket::Got::ended) {
        lose(index);
      } else {
        handle(index, packet);
      }
    } catch (const std::exception& error) {
      // Out of memory or worse: this server can't be understood any more, so it is replaced.
      why_lost_ = error.what();
      kill_process(links_[index].process);
      lose(index);
    }
  }
}

void ServerLinks::handle(std::size_t index, ControlSocket::Packet& packet) {
  ServerMessage message = message_in(packet);
  Workers& workers = links_[index].workers;
  switch (message.word) {
    case ServerWord::built:
      serves_ = true;
      if (expected_) why_lost_ = difference(*expected_, fingerprint_in(message.text));
      break;
    case ServerWord::refused:
      why_lost_ = std::move(message.text);
      break;
    case ServerWord::standby:
      meet_standby(index, message, packet);
      break;
    case ServerWord::alone:
      links_[index].takes_launches = true;
      break;
    case ServerWord::started:
      meet_worker(index, message, packet);
      break;
    case ServerWord::failed:
      if (workers.erase(message.spec.key) > 0) emit_failed(message.spec.key, message.text);
      break;
    case ServerWord::exited:
      if (const auto worker = workers.find(message.spec.key); worker != workers.end()) {
        end_worker(workers, worker, message.end, EndedBy::itself);
      }
      break;
    case ServerWord::orphan_exited:
      drain_below(index);
      settle_orphan(index, message.pid, message.end);
      break;
    case ServerWord::clean:
      drain_below(index);
      settle_fallen(index, message.pid);
      break;
    case ServerWord::hello:
    case ServerWord::launch:
    case ServerWord::kill:
      break;  // ours
  }
}

void ServerLinks::meet_standby(std::size_t index, const ServerMessage& message,
                               ControlSocket::Packet& packet) {
  if (packet.descriptors.size() != 2) {
    // Without a way to talk to it there is no server; with this one, it ends as well.
    why_lost_ = "no descriptor is left for a worker server (the limit is ulimit -n)";
    links_[index].socket.shut_down();
    return;
  }
  ready_.add(packet.descriptors[0].number());
  if (links_.size() > 1) {
    ++takeovers_;
    why_lost_.clear();  // what a server before it has said of itself
  }
  links_[index].takes_launches = false;
  Link& link = links_.emplace_back();
  link.pid = message.pid;
  link.above = index;
  link.takes_launches = true;
  link.socket = ControlSocket(std::move(packet.descriptors[0]));
  link.process = std::move(packet.descriptors[1]);
}

void ServerLinks::meet_worker(std::size_t index, const ServerMessage& message,
                              ControlSocket::Packet& packet) {
  const std::uint64_t key = message.spec.key;
  const auto found = links_[index].workers.find(key);
  if (found == links_[index].workers.end()) return;
  if (packet.descriptors.size() != 2) {
    refuse_worker(index, key, message.pid, "no descriptor is left for a worker (ulimit -n)");
    return;
  }
  WorkerRecord& worker = found->second;
  worker.pid = message.pid;
  worker.process = std::move(packet.descriptors[0]);
  try {
    emit({.kind = ServerEvent::Kind::started,
          .key = key,
          .pid = message.pid,
          .process = second_descriptor(worker.process.number()),
          .stderr_pipe = std::move(packet.descriptors[1])});
  } catch (const std::exception& error) {
    refuse_worker(index, key, message.pid, error.what());
  }
}

// A process without a descriptor for it can't be watched: it is ended, and never was.
void ServerLinks::refuse_worker(std::size_t index, std::uint64_t key, int pid,
                                const std::string& why) {
  WorkerRecord& worker = links_[index].workers[key];
  worker.pid = pid;
  worker.refused = true;
  emit_failed(key, why);
  if (worker.process.valid()) {
    kill_process(worker.process);
    return;
  }
  const ServerMessage order{.word = ServerWord::kill, .spec = {.key = key}};
  if (send(links_[index].socket, order) != ControlSocket::Sent::sent) {
    kill_process(links_[index].process);  // its workers die with it
  }
}

void ServerLinks::end_worker(Workers& workers, Workers::iterator worker, const ProcessEnd& end,
                             EndedBy by) {
  ServerEvent event{.kind = ServerEvent::Kind::exited,
                    .key = worker->first,
                    .pid = worker->second.pid,
                    .end = end,
                    .with_server = by == EndedBy::server};
  const bool told = worker->second.refused;
  workers.erase(worker);
  if (!told) emit(std::move(event));
}

// It may be a stranger that has ended before a worker of the same id began: then that worker lives.
void ServerLinks::settle_orphan(std::size_t above, int pid, const ProcessEnd& end) {
  for (Link& link : links_) {
    if (link.above != above) continue;
    for (auto worker = link.workers.begin(); worker != link.workers.end(); ++worker) {
      const Descriptor& process = worker->second.process;
      if (worker->second.pid != pid || (process.valid() && !has_ended(process))) continue;
      end_worker(link.workers, worker, end, EndedBy::server);
      return;
    }
  }
}

// What is left of that server's workers has ended. Another one below the same may have died since, and its
// workers live on until that is told, too.
void ServerLinks::settle_fallen(std::size_t above, int server) {
  for (Link& link : links_) {
    if (link.above != above || link.pid != server || !link.gone) continue;
    while (!link.workers.empty()) {
      const auto worker = link.workers.begin();
      if (worker->second.pid != 0) {
        end_worker(link.workers, worker, {}, EndedBy::server);
        continue;
      }
      emit_failed(worker->first, "the worker server was killed before it could answer");
      link.workers.erase(worker);
    }
  }
}

void ServerLinks::drain_below(std::size_t above) {
  for (std::size_t i = links_.size(); i-- > above;) {
    if (links_[i].above == above) drain(i);
  }
}

void ServerLinks::lose(std::size_t index) {
  Link& link = links_[index];
  link.gone = true;
  link.takes_launches = false;
  ready_.remove(link.socket.number());
  link.socket.reset();
  watch(link.process);  // tells when it can be reaped
  if (link.above == kNone || links_[link.above].gone) watch_workers_of(link);
  for (Link& below : links_) {
    if (below.above == index && below.gone) watch_workers_of(below);
  }
  const bool any_left =
      std::any_of(links_.begin(), links_.end(), [](const Link& other) { return !other.gone; });
  if (!any_left && !lost_) lose_all();
}

void ServerLinks::lose_all() {
  lost_ = true;
  const std::string why = why_lost_.empty()
                              ? standby_ ? "the worker servers were killed, both at once"
                                         : "the worker server was killed, and it has no standby"
                              : why_lost_;
  for (const Launch& launch : waiting_) emit_failed(launch.spec.key, why);
  waiting_.clear();
  emit({.kind = ServerEvent::Kind::server_lost, .error = why});
}

void ServerLinks::watch_workers_of(Link& link) {
  link.by_descriptor = true;
  for (auto at = link.workers.begin(); at != link.workers.end();) {
    const auto worker = at++;
    const Descriptor& process = worker->second.process;
    if (!process.valid()) {
      if (!worker->second.refused) {
        emit_failed(worker->first, "the worker server was killed before it could answer");
      }
      link.workers.erase(worker);
      continue;
    }
    kill_process(process);  // it was killed already, unless it has got rid of that
    watch(process);
  }
}

void ServerLinks::look_at_watched() {
  for (Link& link : links_) {
    if (!link.by_descriptor) continue;
    for (auto at = link.workers.begin(); at != link.workers.end();) {
      const auto worker = at++;
      if (!has_ended(worker->second.process)) {
        continue;
      }
      ready_.remove(worker->second.process.number());
      end_worker(link.workers, worker, {}, EndedBy::server);
    }
  }
}

void ServerLinks::reap_servers() noexcept {
  for (Link& link : links_) {
    if (!link.gone || link.reaped || !has_ended(link.process)) continue;
    ready_.remove(link.process.number());
    link.process.reset();
    if (link.above == kNone) first_end_ = reap_child(link.pid);
    link.reaped = true;
  }
}

}  // namespace sluice::detail
