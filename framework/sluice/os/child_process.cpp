// sluice/os/child_process.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/child_process.hpp>

#include <sluice/os/file.hpp>
#include <sluice/os/process_stat.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// The C library's first version of this header (2.36) does not say itself that it is C.
extern "C" {
#include <sys/pidfd.h>
}

namespace sluice::detail {
namespace {

std::int64_t nanoseconds(const timeval& time) noexcept {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + std::int64_t{time.tv_usec} * 1'000;
}

ProcessEnd end_from(int status, const rusage& used) noexcept {
  ProcessEnd end;
  end.known = true;
  if (WIFEXITED(status)) end.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) {
    end.signal = WTERMSIG(status);
    end.dumped = WCOREDUMP(status);
  }
  end.user_ns = nanoseconds(used.ru_utime);
  end.system_ns = nanoseconds(used.ru_stime);
  end.most_resident_bytes = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
  return end;
}

}  // namespace

std::string text_of(const ProcessEnd& end) {
  if (!end.known) return "status unknown";
  if (end.signal == 0) return fmt::format("exit status {}", end.code);
  const char* const name = sigdescr_np(end.signal);
  return fmt::format("killed by signal {} ({})", end.signal, name == nullptr ? "unknown" : name);
}

int fork_process() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const int pid = fork();
  const int error = errno;
  if (pid != 0) pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) throw_os_error(error, "start", "a process");
  return pid;
}

int parent_process_id() noexcept { return getppid(); }

Descriptor open_process(int pid) {
  const int number = pidfd_open(pid, 0);
  if (number < 0) throw_os_error(errno, "watch", fmt::format("process {}", pid));
  return Descriptor(number);
}

bool has_ended(const Descriptor& process) noexcept {
  pollfd watched = {.fd = process.number(), .events = POLLIN, .revents = 0};
  return poll(&watched, 1, 0) > 0;
}

void wait_ended(const Descriptor& process) noexcept {
  pollfd watched = {.fd = process.number(), .events = POLLIN, .revents = 0};
  while (poll(&watched, 1, -1) < 0 && errno == EINTR) {
  }
}

void send_signal(const Descriptor& process, int signal) noexcept {
  static_cast<void>(pidfd_send_signal(process.number(), signal, nullptr, 0));
}

void kill_process(const Descriptor& process) noexcept { send_signal(process, SIGKILL); }

void stop_process(const Descriptor& process) noexcept { send_signal(process, SIGSTOP); }
// Of an id that was used again meanwhile it tells nothing of ours, so the look at whether ours still lives
// comes last.
bool is_stopped(const Descriptor& process, int pid) noexcept {
  try {
    return process_stat(pid).state == 'T' && !has_ended(process);
  } catch (const std::exception&) {  // no descriptor to look with: the next look may have one
    return false;
  }
}
void continue_process(const Descriptor& process) noexcept { send_signal(process, SIGCONT); }

int ended_child(Look look) noexcept {
  siginfo_t info = {};
  const int options = WEXITED | WNOWAIT | (look == Look::once ? WNOHANG : 0);
  while (waitid(P_ALL, 0, &info, options) != 0) {
    if (errno != EINTR) return kNoChild;
  }
  return info.si_pid;
}

ProcessEnd reap_child(int pid) noexcept {
  int status = 0;
  rusage used = {};
  while (wait4(pid, &status, 0, &used) < 0) {
    if (errno != EINTR) return {};
  }
  return end_from(status, used);
}

bool reap_if_ended(int pid) noexcept {
  int status = 0;
  int result = waitpid(pid, &status, WNOHANG);
  while (result < 0 && errno == EINTR) result = waitpid(pid, &status, WNOHANG);
  return result != 0;  // reaped, or somebody else has
}

bool kill_child(int pid) noexcept { return kill(pid, SIGKILL) == 0; }

void kill_group_of(int pid) noexcept { static_cast<void>(kill(-pid, SIGKILL)); }

}  // namespace sluice::detail
