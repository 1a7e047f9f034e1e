// sluice/os/new_entry_file.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/new_entry_file.hpp>

#include <sluice/error.hpp>
#include <sluice/os/entry_maker.hpp>
#include <sluice/os/file.hpp>
#include <sluice/os/inode.hpp>
#include <sluice/os/this_process.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

constexpr std::size_t kCopiedAtOnce = std::size_t{128} << 10U;

// Where the system shows an open file, also one without a name.
std::string shown_at(const Descriptor& file) {
  return fmt::format("/proc/self/fd/{}", file.number());
}

// Some file systems say only when a file is closed what became of the writes.
void close_second(const Descriptor& file, const std::string& path) {
  const int number = fcntl(file.number(), F_DUPFD_CLOEXEC, 0);
  if (number < 0) throw_os_error(errno, "close", path);
  close_written(Descriptor(number), path);
}

void copy_file(const Descriptor& from, const Descriptor& to, const std::string& path) {
  std::string memory(kCopiedAtOnce, '\0');
  std::uint64_t offset = 0;
  std::size_t got = kCopiedAtOnce;
  while (got == kCopiedAtOnce) {
    got = read_at(from, offset, memory, path);
    write_all(to, std::string_view(memory).substr(0, got), path);
    offset += got;
  }
  const auto mode = static_cast<mode_t>(inode_of(from, path).mode);
  if (fchmod(to.number(), mode) != 0) throw_os_error(errno, "set the permissions of", path);
}

}  // namespace

NewEntryFile::NewEntryFile(const Descriptor& directory, std::string name, std::string path, Way way)
    : directory_(directory), name_(std::move(name)), path_(std::move(path)) {
  if (!is_entry_name(name_)) {
    throw UsageError(fmt::format("{}: '{}' is no name of an entry", path_, name_));
  }
  if (way == Way::beside || !open_unnamed()) open_beside();
}

NewEntryFile::~NewEntryFile() {
  if (!temporary_.empty()) remove_entry(directory_, temporary_);
}

// Whatever the reason why not: open_beside() meets it, too, and tells it, unless only this way is barred. It can be
// read, because commit() may have to copy it.
bool NewEntryFile::open_unnamed() {
  const int opened = openat(directory_.number(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (opened < 0) return false;
  descriptor_ = Descriptor(opened);
  return access(shown_at(descriptor_).c_str(), F_OK) == 0;  // without /proc it gets no name later
}

// Tries names until one is free. Returns  0, or the error.
template <class Take>
int NewEntryFile::take_temporary_name(Take take) {
  for (unsigned number = 0;; ++number) {
    std::string name = fmt::format(".sluice-{}-{}.partial", process_id(), number);
    const int error = take(name);
    if (error == 0) temporary_ = std::move(name);
    if (error != EEXIST) return error;
  }
}

void NewEntryFile::open_beside() {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int opened = -1;
  const int error = take_temporary_name([&](const std::string& name) {
    do opened = openat(directory_.number(), name.c_str(), kFlags, 0666);
    while (opened < 0 && errno == EINTR);
    return opened < 0 ? errno : 0;
  });
  if (error != 0) throw_os_error(error, "make", path_);
  descriptor_ = Descriptor(opened);
}

// Returns  0, or the error.
int NewEntryFile::link_as(const std::string& name) const {
  const std::string shown = shown_at(descriptor_);
  int error = 0;
  do {
    const int status =
        linkat(AT_FDCWD, shown.c_str(), directory_.number(), name.c_str(), AT_SYMLINK_FOLLOW);
    error = status == 0 ? 0 : errno;
  } while (error == EINTR);
  return error;
}

// Its own or a temporary one. Why a link is refused does not matter: the copy meets the reason, too, and tells it,
// unless only links are barred.
void NewEntryFile::give_some_name() {
  int error = link_as(name_);
  if (error == EEXIST) {
    error = take_temporary_name([&](const std::string& name) { return link_as(name); });
  }
  if (error != 0) copy_beside();
}

void NewEntryFile::copy_beside() {
  const Descriptor unnamed = std::move(descriptor_);
  open_beside();
  copy_file(unnamed, descriptor_, path_);
  close_second(descriptor_, path_);
}

// Closed at the very end, because that may take time, which a kill must not find between link and rename.
void NewEntryFile::commit() {
  close_second(descriptor_, path_);
  if (temporary_.empty()) give_some_name();
  if (!temporary_.empty()) {
    replace_entry({directory_, temporary_}, {directory_, name_}, path_);
    temporary_.clear();
  }
  descriptor_.reset();
}

}  // namespace sluice::detail
