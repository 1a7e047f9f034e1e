// sluice/process/server_loop.hpp: a server process: forks workers, reaps and ends them.
//
// One thread, one poll over {socket to the parent, pidfd of the parent, pidfd of the server above,
// SIGCHLD}. All state is the process's own; what is shared with others is in the kernel.
//
// (1) The server that no other server is above keeps one below it, which it forks from itself. It
//     was forked while the program had one thread, and so has all that comes of it.
// (2) A child is reaped here and nowhere else. Until then its id can't be used again, so what is
//     killed by its id is that child. The group of a worker is killed before the worker is reaped.
// (3) A child that is neither a worker nor the server below is an orphan of one of these: killed.
//     A process that dies gives its children to us *before* we get to know of its death, so a look
//     at the list of children after reaping sees all of them; and every death makes us look.
// (4) It ends only when it has no child left, or none that it is allowed to kill.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/control_socket.hpp>
#include <sluice/os/descriptor.hpp>
#include <sluice/process/worker_spec.hpp>

#include <vector>

namespace sluice::detail {

/// What a server begins with. Descriptors have numbers from 3 on.
struct ServerSeat {
  ControlSocket socket{};
  Descriptor parent{};  ///< its pidfd
  bool standby = true;  ///< whether to keep a server below
  std::vector<int> keep{};
};

/// Makes this process a server and never returns. Call it in a process with one thread.
[[noreturn]] void be_server(ServeWorker serve, ServerSeat seat) noexcept;

}  // namespace sluice::detail
