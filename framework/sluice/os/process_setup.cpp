// sluice/os/process_setup.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/process_setup.hpp>

#include <sluice/os/file.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

// Weak: there only in a program that is built so.
extern "C" {
void __gcov_dump() __attribute__((weak));
void __asan_init() __attribute__((weak));
void __tsan_init() __attribute__((weak));
void __msan_init() __attribute__((weak));
}

namespace sluice::detail {
namespace {

constexpr int kFirstOwn = 3;

void set_action(int signal, void (*action)(int)) noexcept {
  struct sigaction wanted = {};
  wanted.sa_handler = action;
  sigemptyset(&wanted.sa_mask);
  static_cast<void>(sigaction(signal, &wanted, nullptr));
}

sigset_t child_signal() noexcept {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  return children;
}

// Fails for the two that can't be changed and those that the C library keeps.
void reset_actions() noexcept {
  for (int signal = 1; signal < NSIG; ++signal) set_action(signal, SIG_DFL);
}

void close_numbers(unsigned first, unsigned last) noexcept {
  if (first <= last) static_cast<void>(close_range(first, last, 0));
}

int read_number(const char* path, int otherwise) noexcept {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return otherwise;
  char text[16] = {};
  const ssize_t got = read(file, text, sizeof(text));
  close(file);
  int number = otherwise;
  if (got > 0) std::from_chars(text, text + got, number);
  return number;
}

void write_number(const char* path, int number) noexcept {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  char text[16] = {};
  const auto end = std::to_chars(text, text + sizeof(text), number).ptr;
  [[maybe_unused]] const ssize_t put = write(file, text, static_cast<std::size_t>(end - text));
  close(file);
}

}  // namespace

void become_subreaper() noexcept { prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL); }

bool die_with_parent(int parent) noexcept {
  prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(SIGKILL), 0UL, 0UL, 0UL);
  return getppid() == parent;
}

void lead_own_group() noexcept { static_cast<void>(setpgid(0, 0)); }

void give_own_group(int child) noexcept { static_cast<void>(setpgid(child, child)); }

Descriptor server_signals() {
  reset_actions();
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2,
                           SIGTSTP, SIGTTIN, SIGTTOU, SIGVTALRM, SIGPROF, SIGIO}) {
    set_action(signal, SIG_IGN);
  }
  server_mask();
  const sigset_t children = child_signal();
  const int number = signalfd(-1, &children, SFD_NONBLOCK | SFD_CLOEXEC);
  if (number < 0) throw_os_error(errno, "make", "a descriptor for signals");
  return Descriptor(number);
}

void server_mask() noexcept {
  const sigset_t children = child_signal();
  pthread_sigmask(SIG_SETMASK, &children, nullptr);
}

void worker_signals() noexcept {
  reset_actions();
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGTTOU}) set_action(signal, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

void discard_signals(const Descriptor& signals) noexcept {
  signalfd_siginfo info;
  while (read(signals.number(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
  }
}

void limit_memory(std::uint64_t bytes) noexcept {
  if (bytes == 0 || has_sanitizer()) return;
  rlimit limit = {};
  if (getrlimit(RLIMIT_DATA, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(bytes, limit.rlim_max);
  limit.rlim_max = limit.rlim_cur;
  setrlimit(RLIMIT_DATA, &limit);
}

bool has_sanitizer() noexcept {
  return __asan_init != nullptr || __tsan_init != nullptr || __msan_init != nullptr;
}

void forbid_core_files() noexcept {
  const rlimit none = {};
  setrlimit(RLIMIT_CORE, &none);
}

void prefer_when_memory_runs_out() noexcept {
  constexpr const char* kPath = "/proc/self/oom_score_adj";
  constexpr int kMore = 500;
  constexpr int kMost = 1000;
  write_number(kPath, std::min(read_number(kPath, 0) + kMore, kMost));
}

void close_descriptors_except(std::span<const int> kept) noexcept {
  // Selection instead of sorting: nothing is allocated, and there are few.
  unsigned first = kFirstOwn;
  for (;;) {
    unsigned next = ~0U;
    for (const int number : kept) {
      if (number >= 0 && static_cast<unsigned>(number) >= first) {
        next = std::min(next, static_cast<unsigned>(number));
      }
    }
    if (next == ~0U) break;
    if (next > first) close_numbers(first, next - 1);
    first = next + 1;
  }
  close_numbers(first, ~0U);
}

void fill_standard_streams() noexcept {
  for (int number = 0; number < kFirstOwn; ++number) {
    if (fcntl(number, F_GETFD) != -1) continue;
    const int opened = open("/dev/null", O_RDWR);  // takes the lowest free number, which is this
    if (opened > number) close(opened);
  }
}

Descriptor open_null_device() {
  const int number = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (number < 0) throw_os_error(errno, "open", "/dev/null");
  return Descriptor(number);
}

void redirect(int number, const Descriptor& to) noexcept {
  while (dup2(to.number(), number) < 0 && errno == EINTR) {
  }
}

Descriptor beside_standard_streams(Descriptor descriptor) {
  if (descriptor.number() >= kFirstOwn) return descriptor;
  return second_descriptor(descriptor.number());
}

Descriptor second_descriptor(int number) {
  const int second = fcntl(number, F_DUPFD_CLOEXEC, kFirstOwn);
  if (second < 0) throw_os_error(errno, "copy", "a descriptor");
  return Descriptor(second);
}

void close_on_exec(int number) noexcept { fcntl(number, F_SETFD, FD_CLOEXEC); }

void flush_streams() noexcept {
  std::fflush(nullptr);
  try {
    std::cout.flush();
    std::clog.flush();
  } catch (...) {  // a stream that throws on errors has told its owner before
  }
}

void end_process_now(int status) noexcept {
  if (__gcov_dump != nullptr) __gcov_dump();
  _exit(status);
}

void die_by_kill() noexcept {
  for (;;) static_cast<void>(kill(getpid(), SIGKILL));
}

void say_on_stderr(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t put = write(STDERR_FILENO, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

}  // namespace sluice::detail
