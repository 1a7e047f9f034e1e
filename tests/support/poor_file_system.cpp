// support/poor_file_system.cpp
// SPDX-License-Identifier: MIT
#include <support/poor_file_system.hpp>

#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace {

using sluice::testing_support::Lack;

std::atomic<Lack> now_lacking{Lack::nothing};
std::atomic<int> refused_calls{0};

// Orders nothing: who sets them starts the threads that look, or is the one that looks.
bool refuses(Lack lack, int error) noexcept {
  if (now_lacking.load(std::memory_order_relaxed) != lack) return false;
  refused_calls.fetch_add(1, std::memory_order_relaxed);
  errno = error;
  return true;
}

}  // namespace

extern "C" {

int openat(int directory, const char* name, int flags, ...) {
  const bool is_nameless = (flags & O_TMPFILE) == O_TMPFILE;
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = is_nameless || (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (is_nameless && refuses(Lack::nameless_files, EOPNOTSUPP)) return -1;
  return static_cast<int>(::syscall(SYS_openat, directory, name, flags, mode));
}

// What the C library declares not to throw is defined so.
int linkat(int from_directory, const char* from, int to_directory, const char* to,
           int flags) noexcept {
  if (refuses(Lack::links, EPERM)) return -1;
  return static_cast<int>(::syscall(SYS_linkat, from_directory, from, to_directory, to, flags));
}

}  // extern "C"

namespace sluice::testing_support {

PoorFileSystem::PoorFileSystem(Lack lack) noexcept {
  refused_calls.store(0, std::memory_order_relaxed);
  now_lacking.store(lack, std::memory_order_relaxed);
}

PoorFileSystem::~PoorFileSystem() { now_lacking.store(Lack::nothing, std::memory_order_relaxed); }

int PoorFileSystem::refused() const noexcept {
  return refused_calls.load(std::memory_order_relaxed);
}

bool has_nameless_files(const std::string& directory) {
  const int opened = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (opened < 0) return false;
  ::close(opened);
  return true;
}

}  // namespace sluice::testing_support
