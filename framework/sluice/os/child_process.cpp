// sluice/os/child_process.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/child_process.hpp>

#include <sluice/os/file.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
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

// The whole of a file of /proc, which has no size; empty when it can't be read.
std::string proc_text(const char* path) {
  const int number = open(path, O_RDONLY | O_CLOEXEC);
  if (number < 0) return {};
  const Descriptor file(number);
  std::string text;
  char bytes[4096];
  for (;;) {
    const ssize_t got = read(number, bytes, sizeof(bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(bytes, static_cast<std::size_t>(got));
  }
}

int number_at(std::string_view text) noexcept {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::vector<int> numbers_in(std::string_view text) {
  std::vector<int> numbers;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    if (const int number = number_at(text.substr(0, space)); number > 0) numbers.push_back(number);
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return numbers;
}

// The parent's id stands behind the name, which may hold anything, and the state.
int parent_in_stat(std::string_view stat) noexcept {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos || stat.size() < name_end + 5) return 0;
  return number_at(stat.substr(name_end + 4));
}

// For kernels that keep no list of children.
std::vector<int> children_by_search() {
  std::vector<int> found;
  DIR* const processes = opendir("/proc");
  if (processes == nullptr) return found;
  const int self = getpid();
  while (const dirent* const entry = readdir(processes)) {
    const int pid = number_at(entry->d_name);
    if (pid <= 0) continue;
    const std::string stat = proc_text(fmt::format("/proc/{}/stat", pid).c_str());
    if (parent_in_stat(stat) == self) found.push_back(pid);
  }
  closedir(processes);
  return found;
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
// The state stands behind the name. Of an id that was used again meanwhile it tells nothing of ours, so the look
// at whether ours still lives comes last.
bool is_stopped(const Descriptor& process, int pid) {
  const std::string stat = proc_text(fmt::format("/proc/{}/stat", pid).c_str());
  const std::size_t name_end = stat.rfind(')');
  const bool stopped =
      name_end != std::string::npos && stat.size() > name_end + 2 && stat[name_end + 2] == 'T';
  return stopped && !has_ended(process);
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

std::vector<int> child_processes() {
  const std::string path = fmt::format("/proc/self/task/{}/children", gettid());
  if (access(path.c_str(), R_OK) != 0) return children_by_search();
  return numbers_in(proc_text(path.c_str()));
}

bool kill_child(int pid) noexcept { return kill(pid, SIGKILL) == 0; }

void kill_group_of(int pid) noexcept { static_cast<void>(kill(-pid, SIGKILL)); }

}  // namespace sluice::detail
