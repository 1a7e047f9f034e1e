// sluice/process/spawned_server.hpp: what WorkerServer::spawn finds in the other image.
//
//     if (auto spawned = SpawnedServer::here()) { build the pipeline; spawned->serve(...); }
//
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/control_socket.hpp>
#include <sluice/process/entry_guard.hpp>
#include <sluice/process/fingerprint.hpp>
#include <sluice/process/worker_spec.hpp>

#include <optional>
#include <string>

namespace sluice::detail {

class SpawnedServer {
 public:
  /// Empty when this program was not started by spawn().
  /// Throws  std::runtime_error when the environment says so and it is not true.
  [[nodiscard]] static std::optional<SpawnedServer> here();

  /// Tells the parent what was built, and serves. Never returns: the process ends with its parent,
  /// or when that finds another pipeline.
  [[noreturn]] void serve(const Fingerprint& built, ServeWorker serve);
  /// Tells the parent why that can't be.
  void refuse(const std::string& why) noexcept;

 private:
  explicit SpawnedServer(SpawnTicket ticket);

  SpawnTicket ticket_;
  ControlSocket socket_;
  Descriptor parent_;
};

}  // namespace sluice::detail
