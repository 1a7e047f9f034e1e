// tests/process/failing_calls.cpp
// SPDX-License-Identifier: MIT
#include <process/failing_calls.hpp>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace {

enum Call : int {
  kNone,
  kFork,
  kPipe,
  kSocketpair,
  kPidfdOpen,
  kSendmsg,
  kRecvmsg,
  kEpollCreate,
  kEpollCtl,
  kEventfd,
  kSignalfd,
  kFcntl,
  kOpen,
  kMemfdCreate,
  kMmap,
  kFallocate,
  kFtruncate,
  kEventfdWrite,
  kPthreadCreate,
  kSeal,
  kMemoryWrite
};

struct Shared {
  std::atomic<int> call{kNone};
  std::atomic<int> left{0};
  std::atomic<int> error{0};
};

template <class Function>
Function* next(const char* name) {
  void* const found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function*>(found);
}

using Map = void*(void*, std::size_t, int, int, int, off_t);
Map* real_mmap() {
  static auto* const real = next<Map>("mmap");
  return real;
}

Shared& shared() {
  static Shared* const page = [] {
    void* const memory =
        real_mmap()(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    return new (memory) Shared;
  }();
  return *page;
}

bool is_planned(Call call) noexcept {
  return shared().call.load(std::memory_order_relaxed) == call;
}

// Whether this call is the one that fails; errno is set then.
bool fails(Call call) noexcept {
  Shared& state = shared();
  if (!is_planned(call)) return false;
  if (state.left.fetch_sub(1, std::memory_order_relaxed) != 1) return false;
  errno = state.error.load(std::memory_order_relaxed);
  return true;
}

bool is_a(const char* kind, int number) noexcept {
  char path[32];
  char target[32] = {};
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", number);
  return ::readlink(path, target, sizeof target - 1) > 0 &&
         std::strncmp(target, kind, std::strlen(kind)) == 0;
}
bool is_event_counter(int number) noexcept { return is_a("anon_inode:[eventfd]", number); }
bool is_memory_file(int number) noexcept { return is_a("/memfd:", number); }

}  // namespace

// What the C library declares not to throw is defined so.
extern "C" {

pid_t fork() noexcept {
  static auto* const real = next<pid_t()>("fork");
  return fails(kFork) ? -1 : real();
}
int pipe2(int* ends, int flags) noexcept {
  static auto* const real = next<int(int*, int)>("pipe2");
  return fails(kPipe) ? -1 : real(ends, flags);
}
int socketpair(int domain, int type, int protocol, int* ends) noexcept {
  static auto* const real = next<int(int, int, int, int*)>("socketpair");
  return fails(kSocketpair) ? -1 : real(domain, type, protocol, ends);
}
int pidfd_open(pid_t pid, unsigned flags) noexcept {
  static auto* const real = next<int(pid_t, unsigned)>("pidfd_open");
  return fails(kPidfdOpen) ? -1 : real(pid, flags);
}
ssize_t sendmsg(int socket, const msghdr* message, int flags) {
  static auto* const real = next<ssize_t(int, const msghdr*, int)>("sendmsg");
  return fails(kSendmsg) ? -1 : real(socket, message, flags);
}
ssize_t recvmsg(int socket, msghdr* message, int flags) {
  static auto* const real = next<ssize_t(int, msghdr*, int)>("recvmsg");
  return fails(kRecvmsg) ? -1 : real(socket, message, flags);
}
int epoll_create1(int flags) noexcept {
  static auto* const real = next<int(int)>("epoll_create1");
  return fails(kEpollCreate) ? -1 : real(flags);
}
int epoll_ctl(int set, int operation, int number, epoll_event* event) noexcept {
  static auto* const real = next<int(int, int, int, epoll_event*)>("epoll_ctl");
  return operation == EPOLL_CTL_ADD && fails(kEpollCtl) ? -1 : real(set, operation, number, event);
}
int eventfd(unsigned value, int flags) noexcept {
  static auto* const real = next<int(unsigned, int)>("eventfd");
  return fails(kEventfd) ? -1 : real(value, flags);
}
int signalfd(int number, const sigset_t* signals, int flags) noexcept {
  static auto* const real = next<int(int, const sigset_t*, int)>("signalfd");
  return fails(kSignalfd) ? -1 : real(number, signals, flags);
}
// Every argument that a command of fcntl can have fits a pointer.
int fcntl(int number, int command, ...) {
  static auto* const real = next<int(int, int, ...)>("fcntl");
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (command == F_ADD_SEALS && fails(kSeal)) return -1;
  const bool counts = command == F_DUPFD_CLOEXEC || command == F_SETFL;
  return counts && fails(kFcntl) ? -1 : real(number, command, argument);
}
int open(const char* path, int flags, ...) {
  static auto* const real = next<int(const char*, int, ...)>("open");
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return fails(kOpen) ? -1 : real(path, flags, mode);
}
int memfd_create(const char* name, unsigned flags) noexcept {
  static auto* const real = next<int(const char*, unsigned)>("memfd_create");
  return fails(kMemfdCreate) ? -1 : real(name, flags);
}
void* mmap(void* where, std::size_t size, int access, int flags, int number, off_t at) noexcept {
  return fails(kMmap) ? MAP_FAILED : real_mmap()(where, size, access, flags, number, at);
}
int fallocate(int number, int mode, off_t at, off_t size) {
  static auto* const real = next<int(int, int, off_t, off_t)>("fallocate");
  return fails(kFallocate) ? -1 : real(number, mode, at, size);
}
int ftruncate(int number, off_t size) noexcept {
  static auto* const real = next<int(int, off_t)>("ftruncate");
  return fails(kFtruncate) ? -1 : real(number, size);
}
// Says why by what it returns.
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* argument) noexcept {
  using Create = int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static auto* const real = next<Create>("pthread_create");
  return fails(kPthreadCreate) ? errno : real(thread, attributes, run, argument);
}
// Of all writes only those that wake somebody, and those that fill a memory file.
ssize_t write(int number, const void* bytes, std::size_t size) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t)>("write");
  const bool wakes = is_planned(kEventfdWrite) && is_event_counter(number);
  const bool fills = is_planned(kMemoryWrite) && is_memory_file(number);
  if ((wakes && fails(kEventfdWrite)) || (fills && fails(kMemoryWrite))) return -1;
  return real(number, bytes, size);
}

}  // extern "C"

namespace sluice::testing_support {

const std::vector<std::string>& failing_calls() {
  static const std::vector<std::string> names = {
      "fork",      "pipe2",         "socketpair",     "pidfd_open", "sendmsg",
      "recvmsg",   "epoll_create1", "epoll_ctl",      "eventfd",    "signalfd",
      "fcntl",     "open",          "memfd_create",   "mmap",       "fallocate",
      "ftruncate", "eventfd write", "pthread_create", "seal",       "memory write"};
  return names;
}

void fail_call(const std::string& name, int n, int error) {
  const std::vector<std::string>& names = failing_calls();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw std::logic_error("no such call: " + name);
  Shared& state = shared();
  state.left.store(n, std::memory_order_relaxed);
  state.error.store(error, std::memory_order_relaxed);
  state.call.store(static_cast<int>(found - names.begin()) + 1, std::memory_order_relaxed);
}

bool stop_failing() {
  Shared& state = shared();
  state.call.store(kNone, std::memory_order_relaxed);
  return state.left.load(std::memory_order_relaxed) <= 0;
}

}  // namespace sluice::testing_support
