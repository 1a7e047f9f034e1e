// sluice/os/program.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/program.hpp>

#include <sluice/os/file.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

// posix_spawn's two kinds of orders, given back whatever happens.
class Orders {
 public:
  Orders() {
    check(posix_spawn_file_actions_init(&actions_));
    if (const int error = posix_spawnattr_init(&attributes_); error != 0) {
      posix_spawn_file_actions_destroy(&actions_);
      check(error);
    }
  }
  ~Orders() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  Orders(const Orders&) = delete;
  Orders& operator=(const Orders&) = delete;

  // One copied onto itself is no longer closed on exec.
  void inherit(int descriptor) {
    check(posix_spawn_file_actions_adddup2(&actions_, descriptor, descriptor));
  }
  void empty_input() {
    check(posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0));
  }
  void new_signals_and_group() {
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    check(posix_spawnattr_setsigdefault(&attributes_, &all));
    check(posix_spawnattr_setsigmask(&attributes_, &none));
    check(posix_spawnattr_setpgroup(&attributes_, 0));
    check(posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP));
  }

  [[nodiscard]] int start(char* const* argv, char* const* environment) {
    int pid = -1;
    // In the child this name stands for the file that it still runs, and that is ours.
    check(posix_spawn(&pid, "/proc/self/exe", &actions_, &attributes_, argv, environment));
    return pid;
  }

 private:
  static void check(int error) {
    if (error != 0) throw_os_error(error, "start", "this program as a worker server");
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> result;
  for (const std::string& word : words) result.push_back(const_cast<char*>(word.c_str()));
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment_with(const std::string& setting) {
  const std::string name = setting.substr(0, setting.find('=') + 1);
  std::vector<std::string> result = {setting};
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view word = *entry;
    if (!word.starts_with(name)) result.emplace_back(word);
  }
  return result;
}

}  // namespace

int start_same_program(const std::vector<std::string>& argv, const std::string& setting,
                       std::span<const int> descriptors) {
  const std::vector<std::string> environment = environment_with(setting);
  Orders orders;
  orders.new_signals_and_group();
  orders.empty_input();
  for (const int descriptor : descriptors) orders.inherit(descriptor);
  return orders.start(pointers(argv).data(), pointers(environment).data());
}

std::string environment_value(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

void remove_from_environment(const char* name) noexcept { unsetenv(name); }

}  // namespace sluice::detail
