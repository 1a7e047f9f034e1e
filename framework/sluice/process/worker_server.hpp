// sluice/process/worker_server.hpp: starts, watches and ends worker processes.
//
//   parent ──▶ standby ──▶ active ──▶ workers ──▶ what user code starts      (forks, from left)
//
// Both servers are single-threaded images of the parent at one moment (fork_now), or of the
// program executed afresh (spawn). Launches go to the *active* one, which is the child of the *standby*: so
// what the active one leaves behind when it dies has a parent that can end and reap it.
//
// (1) Every launch is answered exactly once: failed_to_start, or started and then exited.
// (2) `exited` is proof of death: no thread of that process exists any more. So is failed_to_start,
//     except when both servers were killed at once: then such a process has got its SIGKILL.
// (3) A server that is killed is replaced by the one that is left, any number of times. Its workers
//     die with it; a standby has none, unless it was the active one before. server_lost comes only
//     when both died before one could replace the other.
// (4) Nothing outlives the parent or shut_down(): workers have PR_SET_PDEATHSIG, both servers watch
//     the parent's pidfd and their socket, and are subreapers that kill and reap until nothing is
//     left below them. Only parent and both servers killed at once leave behind what user code had
//     started in its own session.
// (5) A worker sees its standard streams, what it was given and what ServerOptions::keep declares,
//     no other descriptor. It leads a process group of its own, so a terminal's signals go to the
//     parent only; it ignores SIGINT, SIGTERM, SIGPIPE and SIGTTOU, all other signals are as new.
//     A process that lost its parent below a server (user code that daemonises) is ended.
//
// `fork` instead of `forkserver` as start method is one server without the standby.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/child_process.hpp>
#include <sluice/os/descriptor.hpp>
#include <sluice/process/fingerprint.hpp>
#include <sluice/process/worker_spec.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::detail {

struct ServerOptions {
  bool standby = true;
  /// Descriptors of the parent that servers and workers inherit under their numbers; all others
  /// are closed in them. 0, 1 and 2 need not be named.
  std::vector<int> keep{};
};

/// What spawn() needs to know.
struct SpawnRequest {
  std::vector<std::string> argv{};  ///< as this program was started
  Fingerprint fingerprint{};        ///< of the pipeline that the other image has to rebuild
  /// For the program's own code before sluice::main, and for building the pipeline.
  std::chrono::milliseconds patience{30'000};
};

struct ServerEvent {
  enum class Kind : unsigned char { started, exited, failed_to_start, server_lost };

  Kind kind = Kind::started;
  std::uint64_t key = 0;
  int pid = 0;
  Descriptor process{};      ///< started: a pidfd, readable once the process has ended
  Descriptor stderr_pipe{};  ///< started: what it writes there, to be read (LastWords); never waits
  ProcessEnd end{};          ///< exited
  bool with_server = false;  ///< exited: after its server, whose death ends its workers
  std::string error{};       ///< failed_to_start, server_lost: why, one line
};

/// The parent's handle on its servers. Threads  one at a time.
class WorkerServer {
 public:
  /// The calling process must have one thread: process/start_choice.hpp decides that. `serve` is
  /// kept by the servers; the parent's is destroyed. Standard output streams are flushed first.
  /// Blocks  until the servers run.
  /// Throws  std::system_error, with nothing left behind.
  [[nodiscard]] static std::unique_ptr<WorkerServer> fork_now(ServeWorker serve,
                                                              const ServerOptions& options = {});

  /// Executes the running image again; it comes to sluice::main, which serves (serve_spawned).
  /// Threads  also while others run.
  /// Blocks   until that program has built its pipeline.
  /// Throws   std::system_error; std::runtime_error when it did not come to sluice::main, or has
  ///          built another pipeline; nothing is left behind.
  [[nodiscard]] static std::unique_ptr<WorkerServer> spawn(const SpawnRequest& request,
                                                           const ServerOptions& options = {});

  WorkerServer(const WorkerServer&) = delete;
  WorkerServer& operator=(const WorkerServer&) = delete;
  /// As shut_down().
  ~WorkerServer();

  /// Asks for a worker; the descriptors stay the caller's. Never blocks.
  void launch(const WorkerSpec& spec, std::span<const int> descriptors);
  /// SIGKILL for a worker that was started and has not exited; else nothing. Never blocks.
  void kill(std::uint64_t key) noexcept;
  /// Returns  false when there is nothing to tell now. Never blocks.
  [[nodiscard]] bool next(ServerEvent& event);
  /// For poll: readable when next() may have something.
  [[nodiscard]] int descriptor() const noexcept;
  /// Kills all workers, ends the servers. Idempotent. Afterwards next() has nothing.
  /// Blocks  until all are gone.
  void shut_down() noexcept;

  /// How many servers have died and were replaced so far.
  [[nodiscard]] std::size_t takeovers() const noexcept;
  /// Process ids, the active one last; for reports and tests.
  [[nodiscard]] std::vector<int> server_pids() const;

 private:
  class Parts;
  explicit WorkerServer(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::detail
