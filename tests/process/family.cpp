// tests/process/family.cpp
// SPDX-License-Identifier: MIT
#include <process/family.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace sluice::testing_support {
namespace {

namespace fs = std::filesystem;
using detail::ServerEvent;
using detail::WorkerServer;

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

}  // namespace

Adoption::Adoption() {
  checked(::prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL), "PR_SET_CHILD_SUBREAPER");
}
Adoption::~Adoption() { ::prctl(PR_SET_CHILD_SUBREAPER, 0UL, 0UL, 0UL, 0UL); }

int Adoption::reap_all() {
  int count = 0;
  for (;;) {
    if (::waitpid(-1, nullptr, 0) > 0) {
      ++count;
    } else if (errno == ECHILD) {
      return count;
    }
  }
}

Victim::Victim(const std::function<void(const Say&)>& life) {
  std::array<int, 2> ends{};
  checked(::pipe2(ends.data(), O_CLOEXEC), "pipe");
  std::fflush(nullptr);
  pid_ = checked(::fork(), "fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(SIGKILL), 0UL, 0UL, 0UL);
    ::close(ends[0]);
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);  // Catch2 has handlers
    try {
      life([&](const std::string& line) { write_text(ends[1], line + '\n'); });
    } catch (const std::exception& error) {
      std::fprintf(stderr, "victim: %s\n", error.what());
      ::_exit(99);
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  said_ = ends[0];
}

Victim::~Victim() {
  ::close(said_);
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string Victim::line() {
  for (;;) {
    if (const auto end = text_.find('\n'); end != std::string::npos) {
      std::string line = text_.substr(0, end);
      text_.erase(0, end + 1);
      return line;
    }
    std::array<char, 256> bytes{};
    const ssize_t got = ::read(said_, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return {};
    text_.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

std::vector<int> Victim::numbers() {
  std::istringstream words(line());
  std::vector<int> found;
  for (int number = 0; words >> number;) found.push_back(number);
  return found;
}

void Victim::kill(int signal) const { ::kill(pid_, signal); }

detail::ProcessEnd Victim::wait() { return detail::reap_child(std::exchange(pid_, -1)); }

void sleep_for_ever() {
  for (;;) ::pause();
}

ServerEvent next_event(WorkerServer& server) {
  ServerEvent event;
  while (!server.next(event)) {
    pollfd watched = {server.descriptor(), POLLIN, 0};
    ::poll(&watched, 1, -1);
  }
  return event;
}

ServerEvent await(WorkerServer& server, ServerEvent::Kind kind) {
  for (;;) {
    ServerEvent event = next_event(server);
    if (event.kind == kind) return event;
  }
}

ServerEvent start_worker(WorkerServer& server, const detail::WorkerSpec& spec,
                         std::initializer_list<int> descriptors) {
  server.launch(spec, std::span<const int>(descriptors.begin(), descriptors.size()));
  ServerEvent event = next_event(server);
  if (event.kind != ServerEvent::Kind::started) {
    throw std::runtime_error("no worker was started: " + event.error);
  }
  return event;
}

Told tell(WorkerServer& server, const detail::WorkerSpec& spec,
          std::initializer_list<int> descriptors) {
  const ServerEvent started = start_worker(server, spec, descriptors);
  Told told;
  told.err = read_to_end(started.stderr_pipe.number());
  told.end = await(server, ServerEvent::Kind::exited).end;
  return told;
}

Told tell_of(detail::ServeWorker serve, const detail::WorkerSpec& spec) {
  const auto server = WorkerServer::fork_now(std::move(serve));
  return tell(*server, spec);
}

std::string read_to_end(int descriptor) {
  std::string text;
  for (;;) {
    std::array<char, 4096> bytes{};
    const ssize_t got = ::read(descriptor, bytes.data(), bytes.size());
    if (got == 0) return text;
    if (got > 0) {
      text.append(bytes.data(), static_cast<std::size_t>(got));
    } else if (errno == EAGAIN) {
      pollfd watched = {descriptor, POLLIN, 0};
      ::poll(&watched, 1, -1);
    } else if (errno != EINTR) {
      checked(-1, "read");
    }
  }
}

void write_text(int descriptor, const std::string& text) {
  [[maybe_unused]] const ssize_t put = ::write(descriptor, text.data(), text.size());
}

bool is_running(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(in, stat);
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos || stat.size() < name_end + 3) return false;
  const char state = stat[name_end + 2];
  return state != 'Z' && state != 'X';
}

namespace {

template <class Visit>
void for_each_process(Visit visit) {
  std::error_code error;
  for (fs::directory_iterator at{"/proc", error}, end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos) visit(at->path());
  }
}

bool holds(const fs::path& process, const std::string& part_of_name) {
  std::error_code error;
  for (fs::directory_iterator fd{process / "fd", error}, end; !error && fd != end;
       fd.increment(error)) {
    std::error_code unreadable;
    const std::string target = fs::read_symlink(fd->path(), unreadable).string();
    if (target.find(part_of_name) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

int marked_processes(const std::string& setting) {
  int found = 0;
  for_each_process([&](const fs::path& process) {
    std::ifstream in(process / "environ");
    for (std::string entry; std::getline(in, entry, '\0');) found += entry == setting ? 1 : 0;
  });
  return found;
}

int holders_of(const std::string& part_of_name) {
  int found = 0;
  for_each_process([&](const fs::path& process) { found += holds(process, part_of_name) ? 1 : 0; });
  return found;
}

}  // namespace sluice::testing_support
