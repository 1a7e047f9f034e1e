// sluice/os/thread_list.cpp: reads /proc/self/task.
// SPDX-License-Identifier: MIT
#include <sluice/os/thread_list.hpp>

#include <sluice/os/file.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

extern "C" void __tsan_init() __attribute__((weak));

namespace sluice::detail {
namespace {

// PF_EXITING of the kernel: the thread has left user code for good.
constexpr std::uint64_t kIsExiting = 4;

std::string text_of_file(const std::string& path) {
  const int number = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (number < 0) return {};
  const Descriptor file(number);
  char bytes[4096];
  const ssize_t got = read(number, bytes, sizeof(bytes));
  return got <= 0 ? std::string() : std::string(bytes, static_cast<std::size_t>(got));
}

std::string_view field(std::string_view text, int index) noexcept {
  for (; index > 0; --index) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return {};
    text.remove_prefix(space + 1);
  }
  return text.substr(0, text.find(' '));
}

// stat: id (name) state parent group session terminal foreground flags ...
bool will_run_again(std::string_view stat) noexcept {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return false;  // vanished while we looked
  const std::string_view flags = field(stat.substr(std::min(name_end + 2, stat.size())), 6);
  std::uint64_t value = 0;
  std::from_chars(flags.data(), flags.data() + flags.size(), value);
  return (value & kIsExiting) == 0;
}

// The race detector has a thread that blocks all signals, which a thread of a program hardly does
// with those of faults, too.
bool is_race_detectors(const std::string& folder) {
  if (__tsan_init == nullptr) return false;
  const std::string status = text_of_file(folder + "status");
  const std::size_t at = status.find("SigBlk:\t");
  if (at == std::string::npos) return false;
  const std::string_view mask = std::string_view(status).substr(at + 8, 16);
  std::uint64_t blocked = 0;
  std::from_chars(mask.data(), mask.data() + mask.size(), blocked, 16);
  constexpr std::uint64_t kFaults = (1ULL << 3) | (1ULL << 6) | (1ULL << 10);  // ILL, BUS, SEGV
  return (blocked & kFaults) == kFaults;
}

}  // namespace

std::vector<ThreadInfo> other_threads() {
  DIR* const tasks = opendir("/proc/self/task");
  if (tasks == nullptr) throw_os_error(errno, "list", "the threads of this process");
  std::vector<ThreadInfo> threads;
  try {
    const int self = gettid();
    while (const dirent* const entry = readdir(tasks)) {
      const std::string_view word = entry->d_name;
      int id = 0;
      std::from_chars(word.data(), word.data() + word.size(), id);
      if (id == 0 || id == self) continue;
      const std::string folder = "/proc/self/task/" + std::string(word) + '/';
      if (!will_run_again(text_of_file(folder + "stat")) || is_race_detectors(folder)) continue;
      std::string name = text_of_file(folder + "comm");
      while (!name.empty() && name.back() == '\n') name.pop_back();
      threads.push_back({id, std::move(name)});
    }
  } catch (...) {
    closedir(tasks);
    throw;
  }
  closedir(tasks);
  std::sort(threads.begin(), threads.end(),
            [](const ThreadInfo& a, const ThreadInfo& b) { return a.id < b.id; });
  return threads;
}

}  // namespace sluice::detail
