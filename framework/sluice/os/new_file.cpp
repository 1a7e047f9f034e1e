// sluice/os/new_file.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/new_file.hpp>

#include <sluice/error.hpp>
#include <sluice/os/file.hpp>
#include <sluice/os/this_process.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

struct Free {
  void operator()(char* text) const noexcept { std::free(text); }
};

// What a path leads to; the path itself when nothing is there yet.
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, Free> found(realpath(path.c_str(), nullptr));
  return found == nullptr ? path : std::string(found.get());
}

// Ends in a slash, or is empty.
std::string directory_of(const std::string& path) {
  return path.substr(0, path.find_last_of('/') + 1);
}

// Where the system shows an open file, also one without a name.
std::string shown_at(const Descriptor& file) {
  return fmt::format("/proc/self/fd/{}", file.number());
}

// Returns  0, or the error.
int give_name(const Descriptor& file, const std::string& name) {
  const std::string shown = shown_at(file);
  return linkat(AT_FDCWD, shown.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0
                                                                                         : errno;
}

// Some file systems say only when a file is closed what became of the writes.
void close_second(const Descriptor& file, const std::string& name) {
  const int number = fcntl(file.number(), F_DUPFD_CLOEXEC, 0);
  if (number < 0) throw_os_error(errno, "close", name);
  close_written(Descriptor(number), name);
}

}  // namespace

NewFile::NewFile(const std::string& path, Way way) : name_(output_name(path)) {
  if (path == kStandardStream) {
    descriptor_ = open_to_write(path, WriteMode::truncate);
    return;
  }
  struct stat found = {};
  const bool exists = stat(path.c_str(), &found) == 0;
  if (exists && S_ISDIR(found.st_mode)) throw_os_error(EISDIR, "open for writing", path);
  if (exists && !S_ISREG(found.st_mode)) {
    descriptor_ = open_to_write(path, WriteMode::truncate);
    return;
  }
  target_ = resolved(path);
  if (way == Way::beside || !open_unnamed()) open_beside();
  if (!exists) return;
  replaced_ = FileIdentity{.device = found.st_dev, .number = found.st_ino};
  // As if the old file were written: refused where that is, and with its permissions.
  if (access(path.c_str(), W_OK) != 0 || fchmod(descriptor_.number(), found.st_mode & 0777) != 0) {
    const int error = errno;
    if (!temporary_.empty()) unlink(temporary_.c_str());
    throw_os_error(error, "open for writing", path);
  }
}

NewFile::~NewFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

// Whatever the reason why not: open_beside() meets it, too, and tells it, unless only this way is barred.
bool NewFile::open_unnamed() {
  const std::string directory = directory_of(target_);
  const int opened =
      open(directory.empty() ? "." : directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (opened < 0) return false;
  descriptor_ = Descriptor(opened);
  return access(shown_at(descriptor_).c_str(), F_OK) == 0;  // it can be given a name later
}

std::string NewFile::temporary_name(unsigned number) const {
  return fmt::format("{}.sluice-{}-{}.partial", directory_of(target_), process_id(), number);
}

void NewFile::open_beside() {
  for (unsigned number = 0;; ++number) {
    const std::string name = temporary_name(number);
    const int opened =
        open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (opened >= 0) {
      descriptor_ = Descriptor(opened);
      temporary_ = name;
      return;
    }
    if (errno != EEXIST && errno != EINTR) throw_os_error(errno, "open for writing", name_);
  }
}

std::vector<FileIdentity> NewFile::identities() const {
  std::vector<FileIdentity> all{inode_of(descriptor_, name_).identity};
  if (replaced_) all.push_back(*replaced_);
  return all;
}

void NewFile::write(std::string_view bytes) {
  is_whole_ = false;
  write_all(descriptor_, bytes, name_);
  is_whole_ = true;
  written_bytes_ += bytes.size();
}

// A name that is taken can't be linked over, only renamed over.
void NewFile::link_beside() {
  for (unsigned number = 0;; ++number) {
    std::string name = temporary_name(number);
    const int error = give_name(descriptor_, name);
    if (error == 0) {
      temporary_ = std::move(name);
      return;
    }
    if (error != EEXIST && error != EINTR) throw_os_error(error, "link to", name_);
  }
}

void NewFile::commit() {
  if (!is_whole_) throw UsageError(name_ + ": commit() after a write that failed");
  const bool unnamed = !target_.empty() && temporary_.empty();
  if (unnamed) {
    close_second(descriptor_, name_);
    const int error = give_name(descriptor_, target_);
    if (error != 0 && error != EEXIST) throw_os_error(error, "link to", name_);
    if (error == EEXIST) link_beside();
    descriptor_.reset();
  } else {
    close_written(std::move(descriptor_), name_);
  }
  if (temporary_.empty()) return;
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0) {
    throw_os_error(errno, "rename to", name_);
  }
  temporary_.clear();
}

}  // namespace sluice::detail
