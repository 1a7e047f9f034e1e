// sluice/os/process_stat.hpp: what the system tells of a process by its number.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

namespace sluice::detail {

struct ProcessStat {
  char state = 0;  ///< as in proc(5), such as 'T' for stopped; 0: no such process
  int parent = 0;
};

/// Throws std::system_error when nothing can be read for want of descriptors or memory. Threads  any.
[[nodiscard]] ProcessStat process_stat(int pid);

}  // namespace sluice::detail
