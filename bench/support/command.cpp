// bench/support/command.cpp: see the header.
// SPDX-License-Identifier: MIT
#include <support/command.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace sluice::bench {
namespace {

[[noreturn]] void throw_system(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

int spawn(const std::vector<std::string>& words, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t pid = -1;
  const int error =
      ::posix_spawnp(&pid, arguments.front(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw_system(error, words.front());
  return pid;
}

}  // namespace

Command::Command(const std::vector<std::string>& words) : name_(words.at(0)) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system(errno, "pipe");
  output_ = ends[0];
  try {
    pid_ = spawn(words, ends[1]);
  } catch (...) {
    ::close(ends[0]);
    ::close(ends[1]);
    throw;
  }
  ::close(ends[1]);
}

Command::Command(Command&& other) noexcept
    : name_(std::move(other.name_)),
      pid_(std::exchange(other.pid_, -1)),
      output_(std::exchange(other.output_, -1)) {}

Command::~Command() {
  if (output_ >= 0) ::close(output_);
  if (pid_ >= 0) ::waitpid(pid_, nullptr, 0);
}

std::string Command::finish() {
  std::string text;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = ::read(output_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system(errno, name_);
    if (got == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw std::runtime_error(fmt::format("{} failed with status {}", name_, status));
  }
  return text;
}

std::string run_command(const std::vector<std::string>& words) { return Command(words).finish(); }

std::string sibling(const std::string& name) {
  const std::filesystem::path path =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
  return std::filesystem::exists(path) ? path.string() : "";
}

}  // namespace sluice::bench
