// tests/pipelines/child_program.cpp
// SPDX-License-Identifier: MIT
#include <pipelines/child_program.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::testing_support {
namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

// The near end stays with us, the far end goes to the program.
struct Ends {
  int near = -1;
  int far = -1;
};

Ends open_pipe() {
  std::array<int, 2> ends{};
  checked(::pipe2(ends.data(), O_CLOEXEC), "pipe");
  return {ends[0], ends[1]};
}

Ends open_terminal() {
  Ends ends;
  ends.near = checked(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt");
  checked(::grantpt(ends.near), "grantpt");
  checked(::unlockpt(ends.near), "unlockpt");
  ends.far = checked(::open(::ptsname(ends.near), O_RDWR | O_NOCTTY | O_CLOEXEC), "open terminal");
  winsize size{};
  size.ws_col = 100;
  size.ws_row = 25;
  checked(::ioctl(ends.far, TIOCSWINSZ, &size), "TIOCSWINSZ");
  return ends;
}

// Up to the last byte, for who writes and waits.
Ends open_full_pipe() {
  const Ends ends = open_pipe();
  const std::array<char, 4096> bytes{};
  checked(::fcntl(ends.far, F_SETFL, O_NONBLOCK), "fcntl");
  while (::write(ends.far, bytes.data(), bytes.size()) > 0) {
  }
  while (::write(ends.far, bytes.data(), 1) > 0) {
  }
  checked(::fcntl(ends.far, F_SETFL, 0), "fcntl");
  return ends;
}

// Signals as a shell would start the program: none blocked, none ignored.
pid_t spawn(std::vector<std::string>& words, int in, int out, int err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), words[0]);
  return pid;
}

void close_and_forget(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

}  // namespace

ChildProgram::ChildProgram(std::vector<std::string> words)
    : ChildProgram(std::move(words), Streams()) {}

ChildProgram::ChildProgram(std::vector<std::string> words, const Streams& streams) {
  const std::string& input = streams.input.empty() ? "/dev/null" : streams.input;
  int in = checked(::open(input.c_str(), O_RDONLY | O_CLOEXEC), input.c_str());
  Ends out;
  if (streams.out_file.empty()) {
    out = open_pipe();
  } else {
    out.far = checked(::open(streams.out_file.c_str(), O_WRONLY | O_CLOEXEC), "output file");
  }
  if (streams.out_is_closed) close_and_forget(out.near);
  Ends err = streams.err_is_terminal ? open_terminal()
             : streams.err_is_full   ? open_full_pipe()
                                     : open_pipe();
  pid_ = spawn(words, in, out.far, err.far);
  close_and_forget(in);
  close_and_forget(out.far);
  close_and_forget(err.far);
  out_fd_ = out.near;
  (streams.err_is_full ? unread_fd_ : err_fd_) = err.near;
}

ChildProgram::~ChildProgram() {
  close_and_forget(out_fd_);
  close_and_forget(err_fd_);
  close_and_forget(unread_fd_);
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void ChildProgram::send(int signal) const { checked(::kill(pid_, signal), "kill"); }

void ChildProgram::begin_to_read_err() { err_fd_ = std::exchange(unread_fd_, -1); }

void ChildProgram::close_out() { close_and_forget(out_fd_); }

// One poll, one read per readable stream. Returns false when both have ended. The end of a terminal
// is an error (EIO) instead of an empty read.
bool ChildProgram::read_some() {
  std::array<pollfd, 2> streams = {{{out_fd_, POLLIN, 0}, {err_fd_, POLLIN, 0}}};
  if (out_fd_ < 0 && err_fd_ < 0) return false;
  if (::poll(streams.data(), streams.size(), -1) < 0 && errno != EINTR) checked(-1, "poll");
  const auto take = [](const pollfd& stream, int& fd, std::string& text) {
    if (fd < 0 || stream.revents == 0) return;
    std::array<char, 4096> bytes{};
    const ssize_t count = ::read(fd, bytes.data(), bytes.size());
    if (count > 0) {
      text.append(bytes.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      close_and_forget(fd);
    }
  };
  take(streams[0], out_fd_, out_);
  take(streams[1], err_fd_, err_);
  return true;
}

bool ChildProgram::wait_for(const std::string& stream, const std::string& text, std::size_t from) {
  while (stream.find(text, from) == std::string::npos) {
    if (!read_some()) return false;
  }
  return true;
}

bool ChildProgram::wait_for_err(const std::string& text, std::size_t from) {
  return wait_for(err_, text, from);
}
bool ChildProgram::wait_for_out(const std::string& text) { return wait_for(out_, text, 0); }

Ended ChildProgram::wait() {
  while (read_some()) {
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  Ended ended{.out = out_, .err = err_};
  if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
  return ended;
}

Ended run_program(std::vector<std::string> words) { return ChildProgram(std::move(words)).wait(); }

Ended run_program(std::vector<std::string> words, const ChildProgram::Streams& streams) {
  return ChildProgram(std::move(words), streams).wait();
}

}  // namespace sluice::testing_support
