// sluice/os/child_list.hpp: the children of a process, also those that it has inherited.
//
// A server that can't see whom a dead one has left behind would take them for gone. So the list is opened
// before there is anybody in it, and reading it takes no descriptor.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <vector>

namespace sluice::detail {

/// Of the thread that makes it, which is to be its process's only one; a forked process needs a list of its own.
/// Threads  that one only.
class ChildList {
 public:
  /// Throws  std::system_error: no descriptor is left, or there is no /proc.
  ChildList();

  /// Returns  all children, also those that have ended and are not reaped. Where the kernel keeps no such
  ///          lists, all processes are looked at.
  /// Throws   std::system_error when the system does not tell.
  [[nodiscard]] std::vector<int> read() const;

  [[nodiscard]] const Descriptor& file() const noexcept { return file_; }

 private:
  Descriptor file_{};  // none where all processes have to be searched
};

}  // namespace sluice::detail
