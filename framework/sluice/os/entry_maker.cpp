// sluice/os/entry_maker.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/entry_maker.hpp>

#include <sluice/error.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <exception>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

void require_entry_name(const std::string& name, const std::string& path) {
  if (is_entry_name(name)) return;
  throw UsageError(fmt::format("{}: '{}' is no name of an entry", path, name));
}

timespec time_from(const FileTime& time) noexcept {
  return {.tv_sec = time.seconds, .tv_nsec = static_cast<long>(time.nanoseconds)};
}

struct CloseDirectory {
  void operator()(DIR* stream) const noexcept { closedir(stream); }
};
using Stream = std::unique_ptr<DIR, CloseDirectory>;

// A second descriptor, because closing the stream closes its own.
Stream stream_of(const Descriptor& directory) noexcept {
  const int copy = openat(directory.number(), ".", kDirectoryFlags);
  if (copy < 0) return nullptr;
  DIR* const stream = fdopendir(copy);
  if (stream == nullptr) close(copy);
  return Stream(stream);
}

bool is_dot(std::string_view name) noexcept { return name == "." || name == ".."; }

}  // namespace

bool is_entry_name(std::string_view name) noexcept {
  return !name.empty() && !is_dot(name) && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

Descriptor open_directory(const std::string& path) {
  const int number = open(path.c_str(), kDirectoryFlags);
  if (number < 0) throw_os_error(errno, "open", path);
  return Descriptor(number);
}

Descriptor copy_of(const Descriptor& directory, const std::string& path) {
  const int number = fcntl(directory.number(), F_DUPFD_CLOEXEC, 0);
  if (number < 0) throw_os_error(errno, "open", path);
  return Descriptor(number);
}

bool make_directory(const std::string& path) {
  if (mkdir(path.c_str(), 0777) == 0) return true;
  if (errno != EEXIST) throw_os_error(errno, "make", path);
  return false;
}

void remove_directory(const std::string& path) noexcept { static_cast<void>(rmdir(path.c_str())); }

std::vector<std::string> names_in(const Descriptor& directory, const std::string& path) {
  const Stream stream = stream_of(directory);
  if (stream == nullptr) throw_os_error(errno, "list", path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* found = readdir(stream.get())) {
    if (!is_dot(found->d_name)) names.emplace_back(found->d_name);
    errno = 0;
  }
  if (errno != 0) throw_os_error(errno, "list", path);
  return names;
}

Descriptor open_entry_directory(const Descriptor& parent, const std::string& name,
                                const std::string& path) {
  require_entry_name(name, path);
  const int number = openat(parent.number(), name.c_str(), kDirectoryFlags | O_NOFOLLOW);
  if (number < 0) throw_os_error(errno, "open", path);
  return Descriptor(number);
}

void make_entry_directory(const Descriptor& parent, const std::string& name, bool is_private,
                          const std::string& path) {
  require_entry_name(name, path);
  if (mkdirat(parent.number(), name.c_str(), is_private ? 0700 : 0777) != 0) {
    throw_os_error(errno, "make", path);
  }
}

Descriptor make_entry_file(const Descriptor& parent, const std::string& name,
                           const std::string& path, bool is_private) {
  require_entry_name(name, path);
  const int number =
      openat(parent.number(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
             is_private ? 0600 : 0666);
  if (number < 0) throw_os_error(errno, "make", path);
  return Descriptor(number);
}

void make_entry_symlink(const Descriptor& parent, const std::string& name,
                        const std::string& target, const std::string& path) {
  require_entry_name(name, path);
  if (symlinkat(target.c_str(), parent.number(), name.c_str()) != 0) {
    throw_os_error(errno, "make", path);
  }
}

void link_entry(EntryPlace from, EntryPlace to, const std::string& path) {
  require_entry_name(from.name, path);
  require_entry_name(to.name, path);
  if (linkat(from.parent.number(), from.name.c_str(), to.parent.number(), to.name.c_str(), 0) !=
      0) {
    throw_os_error(errno, "make", path);
  }
}

void move_entry(EntryPlace from, EntryPlace to, const std::string& path) {
  require_entry_name(from.name, path);
  require_entry_name(to.name, path);
  const auto move = [&](unsigned flags) {
    return renameat2(from.parent.number(), from.name.c_str(), to.parent.number(), to.name.c_str(),
                     flags);
  };
  if (move(RENAME_NOREPLACE) == 0) return;
  if (errno != EINVAL || move(0) != 0) throw_os_error(errno, "move to", path);
}

void replace_entry(EntryPlace from, EntryPlace to, const std::string& path) {
  require_entry_name(from.name, path);
  require_entry_name(to.name, path);
  if (renameat(from.parent.number(), from.name.c_str(), to.parent.number(), to.name.c_str()) != 0) {
    throw_os_error(errno, "rename to", path);
  }
}

void set_attributes(const Descriptor& descriptor, std::uint32_t mode, const FileTime& modified,
                    const std::string& path) {
  if (fchmod(descriptor.number(), static_cast<mode_t>(mode)) != 0) {
    throw_os_error(errno, "set the permissions of", path);
  }
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, time_from(modified)};
  if (futimens(descriptor.number(), times) != 0) throw_os_error(errno, "set the time of", path);
}

void set_entry_time(const Descriptor& parent, const std::string& name, const FileTime& modified,
                    const std::string& path) {
  require_entry_name(name, path);
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, time_from(modified)};
  if (utimensat(parent.number(), name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    throw_os_error(errno, "set the time of", path);
  }
}

void remove_entry(const Descriptor& parent, const std::string& name) noexcept {
  static_cast<void>(unlinkat(parent.number(), name.c_str(), 0));
}

namespace {

// Removes a tree: goes down one directory at a time and comes back by "..", so that depth costs no
// descriptors and no stack. A directory that somebody moved elsewhere meanwhile is noticed by the
// identity of its parent, and the removal ends there.
class TreeRemoval {
 public:
  TreeRemoval(const Descriptor& parent, const std::string& name) : name_(name) {
    const FileIdentity identity = inode_of(parent, name).identity;
    enter(opened(parent, name), name, identity);
  }

  /// Empties the directory. Throws  std::system_error where that can't go on.
  void run() {
    for (;;) {
      std::vector<std::string>& below = levels_.back().directories;
      if (!below.empty()) {
        const std::string next = std::move(below.back());
        below.pop_back();
        const FileIdentity identity = inode_of(here_, name_).identity;
        enter(opened(here_, next), next, identity);
      } else if (levels_.size() > 1) {
        leave();
      } else {
        return;
      }
    }
  }

 private:
  struct Level {
    std::string name;
    FileIdentity parent;
    std::vector<std::string> directories{};  // still to be removed
  };

  // Also where its permissions are in the way: it is found without them, then they are set through
  // that descriptor, because no call sets those of an entry and refuses a link.
  [[nodiscard]] Descriptor opened(const Descriptor& parent, const std::string& name) const {
    constexpr int kFind = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const Descriptor found(openat(parent.number(), name.c_str(), kFind));
    if (!found.valid()) throw_os_error(errno, "open", name_);
    int number = openat(found.number(), ".", kDirectoryFlags);
    if (number < 0 && errno == EACCES) {
      const std::string path = fmt::format("/proc/self/fd/{}", found.number());
      if (chmod(path.c_str(), 0700) == 0) number = openat(found.number(), ".", kDirectoryFlags);
    }
    if (number < 0) throw_os_error(errno, "open", name_);
    return Descriptor(number);
  }

  // Removes all but the directories at once.
  void enter(Descriptor directory, const std::string& name, const FileIdentity& parent) {
    here_ = std::move(directory);
    levels_.push_back({.name = name, .parent = parent});
    static_cast<void>(fchmod(here_.number(), 0700));
    for (std::string& entry : names_in(here_, name_)) {
      if (unlinkat(here_.number(), entry.c_str(), 0) != 0) {
        levels_.back().directories.push_back(std::move(entry));
      }
    }
  }

  void leave() {
    const int up = openat(here_.number(), "..", kDirectoryFlags);
    if (up < 0) throw_os_error(errno, "open", name_);
    here_ = Descriptor(up);
    const Level& level = levels_.back();
    if (inode_of(here_, name_).identity != level.parent) throw_os_error(ESTALE, "open", name_);
    if (unlinkat(here_.number(), level.name.c_str(), AT_REMOVEDIR) != 0) {
      throw_os_error(errno, "remove", name_);
    }
    levels_.pop_back();
  }

  const std::string& name_;  // for messages
  Descriptor here_{};
  std::vector<Level> levels_{};
};

}  // namespace

void remove_entry_tree(const Descriptor& parent, const std::string& name) noexcept {
  if (!is_entry_name(name)) return;
  try {
    if (inode_of_entry(parent.number(), name, name).kind != FileKind::directory) {
      remove_entry(parent, name);
      return;
    }
    TreeRemoval(parent, name).run();
    static_cast<void>(unlinkat(parent.number(), name.c_str(), AT_REMOVEDIR));
  } catch (const std::exception&) {
    // What can't be removed stays; its name says that it is unfinished.
  }
}

}  // namespace sluice::detail
