// sluice/process/server_links.cpp: how links begin and end, and what is asked of servers.
// SPDX-License-Identifier: MIT
#include <sluice/process/server_links.hpp>

#include <sluice/error.hpp>
#include <sluice/os/process_setup.hpp>
#include <sluice/os/this_process.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace sluice::detail {

ServerLinks::ServerLinks() : owner_(process_id()) {}

void ServerLinks::add_first(int pid, ControlSocket socket, Descriptor process,
                            std::optional<Fingerprint> expected) {
  expected_ = std::move(expected);
  serves_ = !expected_.has_value();
  Link& link = links_.emplace_back();
  link.pid = pid;
  link.socket = std::move(socket);
  link.process = std::move(process);
  link.takes_launches = false;
  ready_.add(link.socket.number());
}

void ServerLinks::await_ready(std::optional<std::chrono::milliseconds> patience) {
  using std::chrono::steady_clock;
  const auto limit = steady_clock::now() + patience.value_or(std::chrono::milliseconds{0});
  for (;;) {
    collect();
    if (lost_ || !why_lost_.empty()) throw std::runtime_error("worker server: " + end_of_first());
    if (active() != nullptr) return;
    if (!patience) {
      ready_.wait(-1);
      continue;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - steady_clock::now());
    if (left.count() <= 0) {
      throw std::runtime_error(
          fmt::format("worker server: the program that was started again (process {}) did not "
                      "come to sluice::main within {} ms; call it first in main",
                      links_.front().pid, patience->count()));
    }
    ready_.wait(static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000)));
  }
}

// Why the first server is no server. It may still run: code of the program that goes its own way.
std::string ServerLinks::end_of_first() {
  if (!why_lost_.empty()) return why_lost_;
  Link& first = links_.front();
  if (!first.reaped) {
    kill_process(first.process);
    first_end_ = reap_child(first.pid);
    first.reaped = true;
  }
  const ProcessEnd& end = first_end_;
  if (end.known && end.code == kExitUnguarded && end.signal == 0) {
    return "main of the program that was started again came to run() before sluice::main; let "
           "main call sluice::main first";
  }
  return fmt::format("the process ended before it could serve ({})", text_of(end));
}

void ServerLinks::raise() noexcept {
  if (!std::exchange(raised_, true)) ready_.raise();
}

// What can't be watched is looked at with every next(), so there has to be one.
void ServerLinks::watch(const Descriptor& process) noexcept {
  try {
    ready_.add(process.number());
  } catch (const std::exception&) {
    raise();
  }
}

void ServerLinks::emit(ServerEvent event) {
  inbox_.push_back(std::move(event));
  raise();
}

void ServerLinks::emit_failed(std::uint64_t key, const std::string& why) {
  emit({.kind = ServerEvent::Kind::failed_to_start, .key = key, .error = why});
}

void ServerLinks::launch(const WorkerSpec& spec, std::span<const int> descriptors) {
  if (descriptors.size() > kMostLaunchDescriptors) {
    throw UsageError(fmt::format("worker server: {} descriptors for one launch; the most is {}",
                                 descriptors.size(), kMostLaunchDescriptors));
  }
  if (lost_ || shut_) {
    emit_failed(spec.key, "no worker server is left");
    return;
  }
  try {
    Launch launch{.spec = spec};
    for (const int number : descriptors) {
      launch.descriptors.push_back(second_descriptor(number));
    }
    waiting_.push_back(std::move(launch));
  } catch (const std::exception& error) {
    emit_failed(spec.key, error.what());
    return;
  }
  flush();
}

void ServerLinks::kill(std::uint64_t key) noexcept {
  for (const Link& link : links_) {
    const auto worker = link.workers.find(key);
    if (worker == link.workers.end() || !worker->second.process.valid()) continue;
    kill_process(worker->second.process);
  }
}

bool ServerLinks::next(ServerEvent& event) {
  if (shut_) return false;
  if (inbox_.empty()) {
    if (std::exchange(raised_, false)) ready_.lower();
    collect();
  }
  if (inbox_.empty()) return false;
  event = std::move(inbox_.front());
  inbox_.pop_front();
  return true;
}

ServerLinks::Link* ServerLinks::active() noexcept {
  const auto found = std::find_if(links_.rbegin(), links_.rend(),
                                  [](const Link& link) { return link.takes_launches; });
  return found == links_.rend() ? nullptr : &*found;
}

void ServerLinks::flush() {
  while (!waiting_.empty()) {
    Link* const link = active();
    if (link == nullptr || !hand_over(*link, waiting_.front())) return;
    waiting_.pop_front();
  }
}

// Returns  false when the launch has to wait: for room, or for another server.
bool ServerLinks::hand_over(Link& link, Launch& launch) {
  std::vector<int> numbers;
  for (const Descriptor& descriptor : launch.descriptors) numbers.push_back(descriptor.number());
  ControlSocket::Sent sent = ControlSocket::Sent::gone;
  try {
    sent = send(link.socket, {.word = ServerWord::launch, .spec = launch.spec}, numbers);
  } catch (const std::exception& error) {
    emit_failed(launch.spec.key, error.what());
    return true;
  }
  const bool full = sent == ControlSocket::Sent::full;
  if (full != link.wants_write) {
    ready_.change(link.socket.number(), full ? WaitSet::For::read_or_write : WaitSet::For::read);
    link.wants_write = full;
  }
  if (sent == ControlSocket::Sent::gone)
    link.takes_launches = false;  // its end is still to be read
  if (sent == ControlSocket::Sent::sent) link.workers.emplace(launch.spec.key, WorkerRecord{});
  return sent == ControlSocket::Sent::sent;
}

std::vector<int> ServerLinks::pids() const {
  std::vector<int> result;
  for (const Link& link : links_) {
    if (!link.gone) result.push_back(link.pid);
  }
  return result;
}

void ServerLinks::shut_down() noexcept {
  if (std::exchange(shut_, true)) return;
  if (process_id() != owner_ || links_.empty()) return;
  // A program that has not come to serving does not know that it should end.
  if (!serves_ && !links_.front().reaped) kill_process(links_.front().process);
  for (Link& link : links_) {
    link.socket.shut_down();
    if (!link.reaped) continue_process(link.process);  // a stopped one could not end
  }
  for (Link& link : links_) {
    if (link.reaped) continue;
    wait_ended(link.process);
    if (link.above == kNone) reap_child(link.pid);
    link.reaped = true;
  }
  for (const Link& link : links_) {
    for (const auto& [key, worker] : link.workers) {
      if (!worker.process.valid()) continue;
      kill_process(worker.process);
      wait_ended(worker.process);
    }
  }
  links_.clear();
  inbox_.clear();
  waiting_.clear();
}

}  // namespace sluice::detail
