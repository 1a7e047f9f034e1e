// sluice/os/inode.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/inode.hpp>

#include <cerrno>
#include <cstddef>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

FileTime time_from(const timespec& time) noexcept {
  return {.seconds = time.tv_sec, .nanoseconds = static_cast<std::uint32_t>(time.tv_nsec)};
}

FileKind kind_of(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileKind::regular;
    case S_IFDIR:
      return FileKind::directory;
    case S_IFLNK:
      return FileKind::symlink;
    default:
      return FileKind::other;
  }
}

OtherKind other_kind_of(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFSOCK:
      return OtherKind::socket;
    case S_IFIFO:
      return OtherKind::fifo;
    case S_IFCHR:
    case S_IFBLK:
      return OtherKind::device;
    default:
      return OtherKind::unknown;
  }
}

const char* words_of(OtherKind kind) noexcept {
  switch (kind) {
    case OtherKind::socket:
      return "a socket";
    case OtherKind::fifo:
      return "a FIFO";
    case OtherKind::device:
      return "a device";
    case OtherKind::unknown:
      break;
  }
  return "of no known kind";
}

Inode inode_from(const struct stat& found) noexcept {
  const FileKind kind = kind_of(found.st_mode);
  return {.kind = kind,
          .other = other_kind_of(found.st_mode),
          .mode = static_cast<std::uint32_t>(found.st_mode & 07777),
          .size_bytes = kind == FileKind::regular ? static_cast<std::uint64_t>(found.st_size) : 0,
          .links = static_cast<std::uint64_t>(found.st_nlink),
          .identity = {.device = found.st_dev, .number = found.st_ino},
          .modified = time_from(found.st_mtim),
          .changed = time_from(found.st_ctim)};
}

}  // namespace

const char* Inode::words() const noexcept {
  switch (kind) {
    case FileKind::regular:
      return "a file";
    case FileKind::directory:
      return "a directory";
    case FileKind::symlink:
      return "a symbolic link";
    case FileKind::other:
    case FileKind::unknown:
      break;
  }
  return words_of(other);
}

Inode inode_of(const Descriptor& descriptor, const std::string& name) {
  struct stat found = {};
  if (fstat(descriptor.number(), &found) != 0) throw_os_error(errno, "look at", name);
  return inode_from(found);
}

Inode inode_of_entry(int directory, const std::string& name, const std::string& path) {
  struct stat found = {};
  if (fstatat(directory, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    throw_os_error(errno, "look at", path);
  }
  return inode_from(found);
}

Inode inode_of(const std::string& path) { return inode_of_entry(AT_FDCWD, path, path); }

std::string link_target_of_entry(int directory, const std::string& name, const std::string& path) {
  std::string target(256, '\0');
  for (;;) {
    const ssize_t got = readlinkat(directory, name.c_str(), target.data(), target.size());
    if (got < 0) throw_os_error(errno, "read", path);
    const auto size = static_cast<std::size_t>(got);
    if (size < target.size()) {
      target.resize(size);
      return target;
    }
    target.resize(2 * target.size());  // it may have been cut
  }
}

std::string link_target(const std::string& path) {
  return link_target_of_entry(AT_FDCWD, path, path);
}

}  // namespace sluice::detail
