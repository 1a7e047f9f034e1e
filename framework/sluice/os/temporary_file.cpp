// sluice/os/temporary_file.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/temporary_file.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

constexpr std::string_view kAdvice =
    "; free space there, or set TMPDIR to a directory with more of it";

[[noreturn]] void fail(int error, std::string_view verb, const std::string& directory,
                       std::string_view advice = "") {
  throw std::system_error(
      error, std::generic_category(),
      fmt::format("cannot {} a temporary file in {} (errno {}){}", verb, directory, error, advice));
}

template <class Call>
auto retry_interrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// Keeps a write past the limit on the size of files from ending the program: the signal of this
// thread is blocked, and taken back when the write raised it.
class NoSizeSignal {
 public:
  NoSizeSignal() noexcept {
    sigemptyset(&size_);
    sigaddset(&size_, SIGXFSZ);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGXFSZ) == 1;
    if (!was_pending_) pthread_sigmask(SIG_BLOCK, &size_, &before_);
  }
  NoSizeSignal(const NoSizeSignal&) = delete;
  NoSizeSignal& operator=(const NoSizeSignal&) = delete;
  ~NoSizeSignal() {
    if (was_pending_) return;
    if (raised_) {
      const timespec now = {};
      retry_interrupted([&] { return sigtimedwait(&size_, nullptr, &now); });
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  void raised() noexcept { raised_ = true; }

 private:
  sigset_t size_;
  sigset_t before_;
  bool was_pending_ = false;
  bool raised_ = false;
};

int open_unnamed(const std::string& directory) noexcept {
  return retry_interrupted(
      [&] { return open(directory.c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600); });
}

int open_unlinked(const std::string& directory) {
  std::string name = directory + "/.sluice-XXXXXX";
  const int number = mkostemp(name.data(), O_CLOEXEC);
  if (number >= 0) unlink(name.c_str());
  return number;
}

}  // namespace

std::string temporary_directory() {
  const char* const named = std::getenv("TMPDIR");
  return named == nullptr || *named == '\0' ? "/tmp" : named;
}

TemporaryFile::TemporaryFile(std::string directory, Way way) : directory_(std::move(directory)) {
  int number = way == Way::unnamed ? open_unnamed(directory_) : -1;
  if (number < 0) number = open_unlinked(directory_);
  if (number < 0) {
    fail(errno, "make", directory_, "; set TMPDIR to a directory that may be written");
  }
  descriptor_ = Descriptor(number);
}

void TemporaryFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  NoSizeSignal guard;
  while (!bytes.empty()) {
    const ssize_t put = retry_interrupted([&] {
      return pwrite(descriptor_.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    });
    if (put < 0) {
      const int error = errno;
      if (error == EFBIG) guard.raised();
      fail(error, "write", directory_, kAdvice);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
}

void TemporaryFile::read_at(std::uint64_t offset, std::span<std::byte> to) const {
  while (!to.empty()) {
    const ssize_t got = retry_interrupted([&] {
      return pread(descriptor_.number(), to.data(), to.size(), static_cast<off_t>(offset));
    });
    if (got < 0) fail(errno, "read", directory_);
    if (got == 0) fail(EIO, "read", directory_, "; it is shorter than what was written");
    to = to.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

void TemporaryFile::truncate(std::uint64_t size) {
  const int status =
      retry_interrupted([&] { return ftruncate(descriptor_.number(), static_cast<off_t>(size)); });
  if (status != 0) fail(errno, "shorten", directory_);
}

}  // namespace sluice::detail
