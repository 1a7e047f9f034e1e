// sluice/os/thread_list.hpp: which other threads this process has, by name.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace sluice::detail {

struct ThreadInfo {
  int id = 0;
  std::string name{};  ///< as named by pthread_setname_np, else that of the program
};

/// All threads but the calling one, in the order of their ids. Not listed are threads that will
/// never run again (std::thread::join() returns a moment before the system has taken its thread
/// away), nor the race detector's own.
/// Throws  std::system_error when the system does not tell.
[[nodiscard]] std::vector<ThreadInfo> other_threads();

}  // namespace sluice::detail
