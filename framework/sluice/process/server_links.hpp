// sluice/process/server_links.hpp: the parent's view of its servers and of the workers they run.
//
// A *link* is one server: its socket, its pidfd, the workers it was asked for. Links are never
// erased, so a link's index is its name. A message of a server tells of its own workers, or (as
// the server above) of what a dead server below it has left.
//
// Owner of each worker's record: the link it was asked from. It goes away with the one event that
// ends it: exited or failed_to_start. Of a server that died, these events come
// - from the server above, which has become the parent of the workers and reaps them; or, when that
//   one is dead as well,
// - from the workers' pidfds: then how they ended stays unknown.
// Nothing is told of a dead server's workers before all that it had sent was read.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/control_socket.hpp>
#include <sluice/os/descriptor.hpp>
#include <sluice/os/wait_set.hpp>
#include <sluice/process/server_message.hpp>
#include <sluice/process/worker_server.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::detail {

class ServerLinks {
 public:
  ServerLinks();
  ~ServerLinks() { shut_down(); }
  ServerLinks(const ServerLinks&) = delete;
  ServerLinks& operator=(const ServerLinks&) = delete;

  /// The server that is a child of this process. `expected`: of a spawned program.
  void add_first(int pid, ControlSocket socket, Descriptor process,
                 std::optional<Fingerprint> expected = {});
  /// Blocks  until a server takes launches; no `patience` is no limit.
  /// Throws  std::runtime_error with the reason when none will.
  void await_ready(std::optional<std::chrono::milliseconds> patience);
  /// The first server is not to have another below it.
  void expect_no_standby() noexcept { standby_ = false; }

  void launch(const WorkerSpec& spec, std::span<const int> descriptors);
  void kill(std::uint64_t key) noexcept;
  [[nodiscard]] bool next(ServerEvent& event);
  [[nodiscard]] int descriptor() const noexcept { return ready_.number(); }
  void shut_down() noexcept;

  [[nodiscard]] std::size_t takeovers() const noexcept { return takeovers_; }
  [[nodiscard]] std::vector<int> pids() const;

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  struct WorkerRecord {
    int pid = 0;  // 0: asked for, not yet answered
    Descriptor process{};
    bool refused = false;  // was told as failed_to_start: its end is nobody's business
  };
  using Workers = std::map<std::uint64_t, WorkerRecord>;

  struct Link {
    int pid = 0;
    std::size_t above = kNone;  // the server that forked it; none: this process
    bool takes_launches = false;
    bool gone = false;           // its socket has ended
    bool reaped = false;         // child of this process only
    bool by_descriptor = false;  // nobody reaps its workers for us
    bool wants_write = false;
    ControlSocket socket{};
    Descriptor process{};
    Workers workers{};
  };

  struct Launch {
    WorkerSpec spec{};
    std::vector<Descriptor> descriptors{};
  };

  void raise() noexcept;
  void watch(const Descriptor& process) noexcept;
  void emit(ServerEvent event);
  void emit_failed(std::uint64_t key, const std::string& why);
  void collect();
  void drain(std::size_t index);
  void handle(std::size_t index, ControlSocket::Packet& packet);
  void meet_standby(std::size_t index, const ServerMessage& message, ControlSocket::Packet& packet);
  void meet_worker(std::size_t index, const ServerMessage& message, ControlSocket::Packet& packet);
  void refuse_worker(std::size_t index, std::uint64_t key, int pid, const std::string& why);
  enum class EndedBy : unsigned char { itself, server };
  void end_worker(Workers& workers, Workers::iterator worker, const ProcessEnd& end, EndedBy by);
  void settle_orphan(std::size_t above, int pid, const ProcessEnd& end);
  void settle_fallen(std::size_t above, int server);
  void drain_below(std::size_t above);
  void lose(std::size_t index);
  void lose_all();
  void watch_workers_of(Link& link);
  void look_at_watched();
  void reap_servers() noexcept;
  void flush();
  [[nodiscard]] bool hand_over(Link& link, Launch& launch);
  [[nodiscard]] Link* active() noexcept;
  [[nodiscard]] std::string end_of_first();

  WaitSet ready_{};
  bool raised_ = false;
  std::deque<Link> links_{};
  std::deque<ServerEvent> inbox_{};
  std::deque<Launch> waiting_{};  // launches that no server has taken yet
  std::optional<Fingerprint> expected_{};
  bool serves_ = true;      // false: a program that was started again and is still on its way
  ProcessEnd first_end_{};  // of the first server, once it is reaped
  std::string why_lost_{};
  std::size_t takeovers_ = 0;
  int owner_ = 0;  // the process that made this: a fork of it must not end our servers
  bool standby_ = true;
  bool lost_ = false;
  bool shut_ = false;
};

}  // namespace sluice::detail
