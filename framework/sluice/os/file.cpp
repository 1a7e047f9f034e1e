// sluice/os/file.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/file.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

template <class Call>
auto retry_interrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

FileStatus status_from(const struct stat& found) noexcept {
  FileStatus status;
  switch (found.st_mode & S_IFMT) {
    case S_IFREG:
      status.kind = FileKind::regular;
      status.size_bytes = static_cast<std::uint64_t>(found.st_size);
      break;
    case S_IFDIR:
      status.kind = FileKind::directory;
      break;
    case S_IFLNK:
      status.kind = FileKind::symlink;
      break;
    default:
      status.kind = FileKind::other;
      break;
  }
  return status;
}

// Keeps a write to a closed pipe from ending the program: the signal of this thread is blocked, and
// taken back when the write raised it. A handler or SIG_IGN of the program is left alone.
class NoPipeSignal {
 public:
  NoPipeSignal() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    if (!was_pending_) pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;
  ~NoPipeSignal() {
    if (was_pending_) return;
    if (raised_) {
      const timespec now = {};
      retry_interrupted([&] { return sigtimedwait(&pipe_, nullptr, &now); });
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  void raised() noexcept { raised_ = true; }

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
  bool raised_ = false;
};

void wait_writable(int number) noexcept {
  pollfd waited = {.fd = number, .events = POLLOUT, .revents = 0};
  retry_interrupted([&] { return poll(&waited, 1, -1); });
}

}  // namespace

void Descriptor::reset() noexcept {
  const bool close_it = owned_ && valid();
  const int number = release();
  // After EINTR Linux has closed the descriptor all the same.
  if (close_it) close(number);
}

std::string input_name(const std::string& path) {
  return path == kStandardStream ? "standard input" : path;
}
std::string output_name(const std::string& path) {
  return path == kStandardStream ? "standard output" : path;
}

void throw_os_error(int error, std::string_view verb, const std::string& object) {
  throw std::system_error(error, std::generic_category(),
                          fmt::format("cannot {} {} (errno {})", verb, object, error));
}

std::string reason(std::string_view verb, const std::error_code& error) {
  return fmt::format("cannot {}: {} (errno {})", verb, error.message(), error.value());
}

Descriptor open_to_read(const std::string& path, Links links) {
  if (path == kStandardStream) return Descriptor::borrowed(STDIN_FILENO);
  const int flags =
      O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (links == Links::refuse ? O_NOFOLLOW : 0);
  const int number = retry_interrupted([&] { return open(path.c_str(), flags); });
  if (number < 0) throw_os_error(errno, "open", path);
  return Descriptor(number);
}

Descriptor open_to_write(const std::string& path, WriteMode mode) {
  if (path == kStandardStream) return Descriptor::borrowed(STDOUT_FILENO);
  const int flags =
      O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (mode == WriteMode::append ? O_APPEND : O_TRUNC);
  const int number = retry_interrupted([&] { return open(path.c_str(), flags, 0666); });
  if (number < 0) throw_os_error(errno, "open for writing", path);
  return Descriptor(number);
}

FileStatus status_of(const std::string& path) {
  if (path == kStandardStream) return status_of(Descriptor::borrowed(STDIN_FILENO), path);
  struct stat found = {};
  if (stat(path.c_str(), &found) != 0) throw_os_error(errno, "open", path);
  return status_from(found);
}

FileStatus status_of(const Descriptor& descriptor, const std::string& name) {
  struct stat found = {};
  if (fstat(descriptor.number(), &found) != 0) throw_os_error(errno, "look at", name);
  return status_from(found);
}

FileStatus status_of_entry(int directory, const std::string& name, const std::string& path) {
  struct stat found = {};
  if (fstatat(directory, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    throw_os_error(errno, "open", path);
  }
  return status_from(found);
}

std::size_t read_some(const Descriptor& descriptor, std::span<char> to, const std::string& name) {
  const ssize_t got =
      retry_interrupted([&] { return read(descriptor.number(), to.data(), to.size()); });
  if (got >= 0) return static_cast<std::size_t>(got);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return kWouldBlock;
  throw_os_error(errno, "read", name);
}

std::size_t read_at(const Descriptor& descriptor, std::uint64_t offset, std::span<char> to,
                    const std::string& name) {
  std::size_t have = 0;
  while (have < to.size()) {
    const ssize_t got = retry_interrupted([&] {
      return pread(descriptor.number(), to.data() + have, to.size() - have,
                   static_cast<off_t>(offset + have));
    });
    if (got < 0) throw_os_error(errno, "read", name);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  return have;
}

void write_all(const Descriptor& descriptor, std::string_view bytes, const std::string& name) {
  NoPipeSignal guard;
  while (!bytes.empty()) {
    const ssize_t put =
        retry_interrupted([&] { return write(descriptor.number(), bytes.data(), bytes.size()); });
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      wait_writable(descriptor.number());
      continue;
    }
    if (error == EPIPE) guard.raised();
    throw_os_error(error, "write", name);
  }
}

void close_written(Descriptor descriptor, const std::string& name) {
  if (!descriptor.owned()) return;
  if (close(descriptor.release()) != 0 && errno != EINTR) throw_os_error(errno, "close", name);
}

void advise_sequential(const Descriptor& descriptor) noexcept {
  static_cast<void>(posix_fadvise(descriptor.number(), 0, 0, POSIX_FADV_SEQUENTIAL));
}

}  // namespace sluice::detail
