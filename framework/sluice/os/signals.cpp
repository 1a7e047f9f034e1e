// sluice/os/signals.cpp: signalfd for the signals, eventfd for wake-ups, one poll for both.
// SPDX-License-Identifier: MIT
#include <sluice/os/signals.hpp>

#include <sluice/os/descriptor.hpp>
#include <sluice/os/event_counter.hpp>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <system_error>

namespace sluice::detail {
namespace {

[[noreturn]] void throw_errno(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&set, signal);
  return set;
}

Descriptor checked(int number, const char* what) {
  if (number < 0) throw_errno(errno, what);
  return Descriptor(number);
}

// The signals that came, and none that come later, are taken away; else unblocking them would end
// the process after the run they were meant for.
void discard_pending(int signals) noexcept {
  signalfd_siginfo info;
  while (::read(signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
  }
}

// Milliseconds for poll(), rounded up so that a deadline has passed when poll says so; -1 = never.
int poll_time(const Deadline& deadline) {
  if (deadline.is_never()) return -1;
  if (deadline.passed()) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.time() - Clock::now());
  constexpr int kLongest = std::numeric_limits<int>::max();
  return left.count() > kLongest ? kLongest
                                 : static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

}  // namespace

// The mask is set first and restored last, so that no signal finds a gap.
struct SignalGate::Parts {
  struct Mask {
    Mask() {
      const sigset_t blocked = our_signals();
      if (const int error = pthread_sigmask(SIG_BLOCK, &blocked, &before)) {
        throw_errno(error, "blocking SIGINT, SIGTERM and SIGUSR1");
      }
    }
    ~Mask() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    Mask(const Mask&) = delete;
    Mask& operator=(const Mask&) = delete;
    sigset_t before{};
  };

  Mask mask;
  sigset_t ours = our_signals();
  Descriptor signals =
      checked(::signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC), "no descriptor for signals");
  Descriptor wakes = checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "no descriptor to wake by");

  [[nodiscard]] std::optional<Event> next_signal() const {
    signalfd_siginfo info;
    if (::read(signals.number(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
      return std::nullopt;
    }
    return info.ssi_signo == SIGUSR1 ? Event::explain : Event::end;
  }
  [[nodiscard]] bool take_wake() const {
    std::uint64_t count = 0;
    return ::read(wakes.number(), &count, sizeof count) == static_cast<ssize_t>(sizeof count);
  }
};

SignalGate::SignalGate() : parts_(std::make_unique<Parts>()) {}

SignalGate::~SignalGate() { discard_pending(parts_->signals.number()); }

SignalGate::Event SignalGate::wait(const Deadline& deadline) {
  for (;;) {
    if (const auto event = parts_->next_signal()) return *event;
    if (parts_->take_wake()) return Event::woken;
    std::array<pollfd, 2> watched = {
        {{parts_->signals.number(), POLLIN, 0}, {parts_->wakes.number(), POLLIN, 0}}};
    const int ready = ::poll(watched.data(), watched.size(), poll_time(deadline));
    if (ready < 0 && errno != EINTR) throw_errno(errno, "waiting for signals");
    if (ready == 0 && deadline.passed()) return Event::late;
  }
}

void SignalGate::wake() noexcept { raise_event(parts_->wakes.number()); }

struct IgnoredSigpipe::Before {
  struct sigaction action {};
};

IgnoredSigpipe::IgnoredSigpipe() : before_(std::make_unique<Before>()) {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  if (::sigaction(SIGPIPE, &ignore, &before_->action) != 0) {
    throw_errno(errno, "ignoring SIGPIPE");
  }
}

IgnoredSigpipe::~IgnoredSigpipe() { ::sigaction(SIGPIPE, &before_->action, nullptr); }

}  // namespace sluice::detail
