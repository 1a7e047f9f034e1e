// sluice/os/directory.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/directory.hpp>

#include <cerrno>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <fcntl.h>

namespace sluice::detail {
namespace {

constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

DIR* as_dir(void* stream) noexcept { return static_cast<DIR*>(stream); }

Descriptor opened(int number, const std::string& path) {
  if (number < 0) throw_os_error(errno, "open", path);
  return Descriptor(number);
}

FileKind kind_from(unsigned char type) noexcept {
  switch (type) {
    case DT_REG:
      return FileKind::regular;
    case DT_DIR:
      return FileKind::directory;
    case DT_LNK:
      return FileKind::symlink;
    case DT_UNKNOWN:
      return FileKind::unknown;
    default:
      return FileKind::other;
  }
}

}  // namespace

Directory::Directory(Descriptor descriptor, const std::string& path)
    : stream_(fdopendir(descriptor.number())) {
  if (stream_ == nullptr) throw_os_error(errno, "open", path);
  descriptor.release();  // the stream closes it
}

Directory::Directory(const std::string& path, Links links)
    : Directory(
          opened(open(path.c_str(), kFlags | (links == Links::refuse ? O_NOFOLLOW : 0)), path),
          path) {}

Directory::Directory(const Directory& parent, const std::string& name, const std::string& path)
    : Directory(
          opened(openat(dirfd(as_dir(parent.stream_)), name.c_str(), kFlags | O_NOFOLLOW), path),
          path) {}

Directory::Directory(Directory&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
Directory& Directory::operator=(Directory&& other) noexcept {
  std::swap(stream_, other.stream_);
  return *this;
}
Directory::~Directory() {
  if (stream_ != nullptr) closedir(as_dir(stream_));
}

bool Directory::next(Entry& entry, const std::string& path) {
  for (;;) {
    errno = 0;
    const dirent* found = readdir(as_dir(stream_));
    if (found == nullptr) {
      if (errno != 0) throw_os_error(errno, "list", path);
      return false;
    }
    const std::string_view name = found->d_name;
    if (name == "." || name == "..") continue;
    entry.name = name;
    entry.kind = kind_from(found->d_type);
    return true;
  }
}

FileStatus Directory::status(const std::string& name, const std::string& path) const {
  return status_of_entry(dirfd(as_dir(stream_)), name, path);
}

Inode Directory::inode(const std::string& name, const std::string& path) const {
  return inode_of_entry(dirfd(as_dir(stream_)), name, path);
}

Inode Directory::own_inode(const std::string& path) const {
  return inode_of(Descriptor::borrowed(dirfd(as_dir(stream_))), path);
}

std::string Directory::target(const std::string& name, const std::string& path) const {
  return link_target_of_entry(dirfd(as_dir(stream_)), name, path);
}

}  // namespace sluice::detail
