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

}  // namespace

NewFile::NewFile(const std::string& path) : name_(output_name(path)) {
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
  open_beside(resolved(path));
  if (!exists) return;
  replaced_ = FileIdentity{.device = found.st_dev, .number = found.st_ino};
  // As if the old file were written: refused where that is, and with its permissions.
  if (access(path.c_str(), W_OK) != 0 || fchmod(descriptor_.number(), found.st_mode & 0777) != 0) {
    const int error = errno;
    unlink(temporary_.c_str());
    throw_os_error(error, "open for writing", path);
  }
}

NewFile::~NewFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void NewFile::open_beside(const std::string& target) {
  const std::string directory = target.substr(0, target.find_last_of('/') + 1);
  for (unsigned number = 0;; ++number) {
    const std::string name =
        fmt::format("{}.sluice-{}-{}.partial", directory, process_id(), number);
    const int opened =
        open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (opened >= 0) {
      descriptor_ = Descriptor(opened);
      temporary_ = name;
      target_ = target;
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

void NewFile::commit() {
  if (!is_whole_) throw UsageError(name_ + ": commit() after a write that failed");
  close_written(std::move(descriptor_), name_);
  if (temporary_.empty()) return;
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0) {
    throw_os_error(errno, "rename to", name_);
  }
  temporary_.clear();
}

}  // namespace sluice::detail
