// sluice/os/inode.hpp: what the system says about a file: kind, permissions, times, identity.
//
// A symbolic link is described itself, never what it leads to.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>
#include <sluice/os/file.hpp>

#include <cstdint>
#include <string>

namespace sluice::detail {

/// Since 1970; before it, seconds are negative and nanoseconds still count forwards.
struct FileTime {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;

  friend bool operator==(const FileTime&, const FileTime&) = default;
};

/// Two paths with the same identity are one file.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t number = 0;

  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// What FileKind::other is.
enum class OtherKind : unsigned char { unknown, socket, fifo, device };

struct Inode {
  FileKind kind = FileKind::unknown;
  OtherKind other = OtherKind::unknown;
  std::uint32_t mode = 0;        ///< permissions and the three special bits, at most 07777
  std::uint64_t size_bytes = 0;  ///< of a regular file
  std::uint64_t links = 1;       ///< how many names it has
  FileIdentity identity{};
  FileTime modified{};
  FileTime changed{};  ///< contents or attributes

  /// What messages call the kind: "a socket".
  [[nodiscard]] const char* words() const noexcept;
};

/// Each throws std::system_error with `path` or `name` in its text.
[[nodiscard]] Inode inode_of(const Descriptor& descriptor, const std::string& name);
[[nodiscard]] Inode inode_of(const std::string& path);
/// Of an entry of an open directory; `path` is for messages.
[[nodiscard]] Inode inode_of_entry(int directory, const std::string& name, const std::string& path);

/// Where a symbolic link leads, as it is written there. Throws  std::system_error.
[[nodiscard]] std::string link_target(const std::string& path);
[[nodiscard]] std::string link_target_of_entry(int directory, const std::string& name,
                                               const std::string& path);

}  // namespace sluice::detail
