// support/watchdog.cpp: timer, signal handler, list of dumps.
// SPDX-License-Identifier: MIT
#include <support/scale.hpp>
#include <support/seeds.hpp>
#include <support/watchdog.hpp>

#include <dlfcn.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace sluice::testing_support {
namespace {

constexpr long kSecondsForDumps = 5;
constexpr int kMostExtensions = 5;  // a test that spins for ever must end, too

StateDump* first_dump = nullptr;
std::string* current_test = nullptr;
timer_t timer;
double cpu_at_start = 0;
int extensions = 0;

int watchdog_signal() { return SIGRTMAX - 1; }

void say(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) {
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

long guard_seconds() {
  if (const char* text = std::getenv("SLUICE_TEST_GUARD_S"); text != nullptr) {
    if (const long seconds = std::strtol(text, nullptr, 10); seconds > 0) {
      return seconds;
    }
  }
  return kUnderSanitizer ? 300 : 60;
}

// Of the test, and of the programs that it has run to their end.
double cpu_seconds() noexcept {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  rusage programs{};
  ::getrusage(RUSAGE_CHILDREN, &programs);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec) +
         seconds(programs.ru_utime) + seconds(programs.ru_stime);
}

void set_timer(long seconds) noexcept {
  itimerspec when{};
  when.it_value.tv_sec = seconds;
  ::timer_settime(timer, 0, &when, nullptr);
}

// Starts one more period, with the processor time it begins at.
void watch_for(long seconds) noexcept {
  cpu_at_start = cpu_seconds();
  set_timer(seconds);
}

// Whether the test computes: then the machine is busy, or it is a long test, and it gets another period.
bool is_computing() noexcept {
  const bool worked = cpu_seconds() - cpu_at_start >= 0.1 * static_cast<double>(guard_seconds());
  return worked && extensions++ < kMostExtensions;
}

// The C library's own function. The race detector would put one of its own before it that holds the
// signal back while the thread sleeps in a system call it does not know, such as our futex wait.
int plain_sigaction(int signal, const struct sigaction& action) {
  using Function = int (*)(int, const struct sigaction*, struct sigaction*);
  void* const library = ::dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  const auto function = reinterpret_cast<Function>(::dlsym(library, "sigaction"));
  return function(signal, &action, nullptr);
}

// The signal goes to the thread that calls this (the main thread), whatever the others block.
void make_timer(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_NODEFER | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = watchdog_signal();
  event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
  if (plain_sigaction(watchdog_signal(), action) != 0 ||
      ::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
    throw std::system_error(errno, std::generic_category(), "test watchdog timer");
  }
}

std::string first_line(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  return line;
}

// Each thread's name and what it waits for in the kernel: known even without any dump.
void say_threads() {
  for (const auto& task : std::filesystem::directory_iterator{"/proc/self/task"}) {
    say("thread " + task.path().filename().string() + " " + first_line(task.path() / "comm") +
        ": " + first_line(task.path() / "wchan") + "\n");
  }
}

}  // namespace

StateDump::StateDump(std::string name, std::function<std::string()> dump)
    : name_{std::move(name)}, dump_{std::move(dump)}, next_{first_dump} {
  first_dump = this;
}

StateDump::~StateDump() {
  for (StateDump** link = &first_dump; *link != nullptr; link = &(*link)->next_) {
    if (*link == this) {
      *link = next_;
      return;
    }
  }
}

void Watchdog::arm(const std::string& test_name) {
  static const bool made = (make_timer(&Watchdog::fire), true);
  static std::string name;
  static_cast<void>(made);
  name = test_name;
  current_test = &name;
  extensions = 0;
  watch_for(guard_seconds());
}

void Watchdog::disarm() noexcept { set_timer(0); }

void Watchdog::fire(int signal) noexcept {
  if (is_computing()) {
    watch_for(guard_seconds());
    return;
  }
  // From here on the same signal kills, at once and from within whatever a dump waits for.
  struct sigaction kill {};
  kill.sa_handler = SIG_DFL;
  plain_sigaction(signal, kill);
  set_timer(kSecondsForDumps);

  say("\nwatchdog: the test hangs: " + *current_test + "\n");
  if (seed_was_used()) {
    say("repeat with SLUICE_SEED=" + std::to_string(seed()) + "\n");
  }
  say("its state, cut off by signal " + std::to_string(signal) + " if a dump hangs too:\n");
  say_threads();
  try {
    for (const StateDump* dump = first_dump; dump != nullptr; dump = dump->next_) {
      say("--- " + dump->name_ + "\n" + dump->dump_() + "\n");
    }
  } catch (const std::exception& error) {
    say("watchdog: a state dump failed: " + std::string{error.what()} + "\n");
  }
  // Straight to the core dump: Catch2's own handler would add nothing and might hang.
  struct sigaction abort_now {};
  abort_now.sa_handler = SIG_DFL;
  plain_sigaction(SIGABRT, abort_now);
  std::abort();
}

}  // namespace sluice::testing_support
