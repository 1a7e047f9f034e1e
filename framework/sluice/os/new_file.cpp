// sluice/os/new_file.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/new_file.hpp>

#include <sluice/error.hpp>
#include <sluice/os/entry_maker.hpp>
#include <sluice/os/file.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

constexpr const char* kOpen = "open for writing";

struct Free {
  void operator()(char* text) const noexcept { std::free(text); }
};

// What a path leads to; the path itself when nothing is there yet.
std::string resolved(const std::string& path) {
  const std::unique_ptr<char, Free> found(realpath(path.c_str(), nullptr));
  return found == nullptr ? path : std::string(found.get());
}

}  // namespace

NewFile::NewFile(const std::string& path, Way way) : name_(output_name(path)) {
  if (path == kStandardStream) {
    in_place_ = open_to_write(path, WriteMode::truncate);
    return;
  }
  struct stat found = {};
  const bool exists = stat(path.c_str(), &found) == 0;
  if (exists && S_ISDIR(found.st_mode)) throw_os_error(EISDIR, kOpen, path);
  if (exists && !S_ISREG(found.st_mode)) {
    in_place_ = open_to_write(path, WriteMode::truncate);
    return;
  }
  open_entry(resolved(path), way);
  if (!exists) return;
  replaced_ = FileIdentity{.device = found.st_dev, .number = found.st_ino};
  // As if the old file were written: refused where that is, and with its permissions.
  if (access(path.c_str(), W_OK) != 0 || fchmod(descriptor().number(), found.st_mode & 0777) != 0) {
    throw_os_error(errno, kOpen, path);
  }
}

// The directory need not be one that may be listed.
void NewFile::open_entry(const std::string& target, Way way) {
  const std::size_t begin = target.rfind('/') + 1;  // 0 without a slash
  const std::string directory = begin == 0 ? "." : target.substr(0, begin);
  std::string name = target.substr(begin);
  directory_ = Descriptor(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory_.valid()) throw_os_error(errno, kOpen, name_);
  if (!is_entry_name(name)) throw_os_error(ENOENT, kOpen, name_);
  try {
    entry_.emplace(directory_, std::move(name), name_, way);
  } catch (const std::system_error& error) {
    throw_os_error(error.code().value(), kOpen, name_);
  }
}

std::vector<FileIdentity> NewFile::identities() const {
  std::vector<FileIdentity> all{inode_of(descriptor(), name_).identity};
  if (replaced_) all.push_back(*replaced_);
  return all;
}

void NewFile::write(std::string_view bytes) {
  is_whole_ = false;
  write_all(descriptor(), bytes, name_);
  is_whole_ = true;
  written_bytes_ += bytes.size();
}

void NewFile::commit() {
  if (!is_whole_) throw UsageError(name_ + ": commit() after a write that failed");
  if (entry_) {
    entry_->commit();
  } else {
    close_written(std::move(in_place_), name_);
  }
}

}  // namespace sluice::detail
