// support/resource_guard.cpp: reads /proc and /dev/shm.
// SPDX-License-Identifier: MIT
#include <support/resource_guard.hpp>
#include <support/scale.hpp>

#include <oneapi/tbb/global_control.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <sstream>
#include <system_error>
#include <thread>

namespace sluice::testing_support {
namespace {

namespace fs = std::filesystem;
using Held = std::map<std::string, std::string>;

// How long something that is just ending may take. SLUICE_TEST_PATIENCE_MS is for tests of the guard.
std::chrono::milliseconds time_to_end() {
  if (const char* text = std::getenv("SLUICE_TEST_PATIENCE_MS"); text != nullptr) {
    return std::chrono::milliseconds{std::strtol(text, nullptr, 10)};
  }
  return std::chrono::seconds{kUnderSanitizer ? 30 : 5};
}

std::string first_line(const fs::path& file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  return line;
}

// Entries of a directory of /proc may vanish while we read; then they are not there.
template <class Visit>
void for_each_entry(const fs::path& folder, Visit visit) {
  std::error_code error;
  for (fs::directory_iterator at{folder, error}, end; !error && at != end; at.increment(error)) {
    visit(at->path());
  }
}

std::string link_target(const fs::path& link) {
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  return error ? std::string{} : target.string();
}

void add_threads(Held& held) {
  for_each_entry("/proc/self/task", [&](const fs::path& task) {
    held["thread " + task.filename().string()] = first_line(task / "comm");
  });
}

void add_descriptors(Held& held) {
  for_each_entry("/proc/self/fd", [&](const fs::path& fd) {
    if (std::string target = link_target(fd); !target.empty()) {
      held["descriptor " + fd.filename().string()] = std::move(target);
    }
  });
  // The listing's own descriptor is closed by now; its entry leads nowhere.
  std::erase_if(held, [](const auto& item) {
    return item.first.starts_with("descriptor ") &&
           link_target("/proc/self/fd/" + item.first.substr(11)).empty();
  });
}

void add_children(Held& held) {
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) {
    return;  // no child at all: spares reading all of /proc
  }
  const std::string self = std::to_string(::getpid());
  for_each_entry("/proc", [&](const fs::path& process) {
    const std::string stat = first_line(process / "stat");  // pid (name) state parent ...
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos) {
      return;
    }
    std::istringstream rest{stat.substr(name_end + 1)};
    std::string state;
    std::string parent;
    rest >> state >> parent;
    if (parent == self) {
      held["child " + process.filename().string()] =
          stat.substr(0, name_end + 1) + " state " + state;
    }
  });
}

bool uses_file(const fs::path& process, const std::string& file) {
  bool found = false;
  for_each_entry(process / "fd", [&](const fs::path& fd) { found |= link_target(fd) == file; });
  std::ifstream maps{process / "maps"};
  for (std::string line; !found && std::getline(maps, line);) {
    found = line.ends_with(' ' + file);
  }
  return found;
}

bool used_by_another_process(const std::string& file) {
  const std::string self = std::to_string(::getpid());
  bool found = false;
  for_each_entry("/proc", [&](const fs::path& process) {
    const std::string name = process.filename();
    const bool is_process = name.find_first_not_of("0123456789") == std::string::npos;
    found = found || (is_process && name != self && uses_file(process, file));
  });
  return found;
}

void add_shared_memory(Held& held) {
  for_each_entry("/dev/shm", [&](const fs::path& entry) {
    struct stat status {};
    if (::lstat(entry.c_str(), &status) == 0 && status.st_uid == ::geteuid()) {
      held["shared memory " + entry.string()] = std::to_string(status.st_size) + " bytes";
    }
  });
}

bool is_kept_by_tbb(const std::string& key, const std::string& description) {
  return key.starts_with("thread ") && description == "sluice-pool";
}

bool is_anothers_shared_memory(const std::string& key) {
  constexpr std::string_view kKind = "shared memory ";
  return key.starts_with(kKind) && used_by_another_process(key.substr(kKind.size()));
}

void end_tbb_workers() {
  tbb::task_scheduler_handle scheduler{tbb::attach{}};
  tbb::finalize(scheduler, std::nothrow);
}

}  // namespace

Resources Resources::now() {
  if (kUnderSanitizer) {
    // The race detector starts a thread of its own along with the first of ours.
    static const bool started = (std::thread{[] {}}.join(), true);
    static_cast<void>(started);
  }
  Resources resources;
  add_descriptors(resources.held_);
  add_threads(resources.held_);
  add_children(resources.held_);
  add_shared_memory(resources.held_);
  return resources;
}

std::string Resources::missing_in(const Resources& before) const {
  std::string text;
  for (const auto& [key, description] : held_) {
    const auto known = before.held_.find(key);
    const bool is_new = known == before.held_.end() ||
                        (key.starts_with("descriptor ") && known->second != description);
    if (is_new && !is_kept_by_tbb(key, description) && !is_anothers_shared_memory(key)) {
      text += key + ": " + description + '\n';
    }
  }
  return text;
}

std::string Resources::leaked_since(const Resources& before) {
  using Clock = std::chrono::steady_clock;
  bool tbb_was_asked = false;
  for (const auto limit = Clock::now() + time_to_end();;) {
    std::string leaked = now().missing_in(before);
    if (leaked.empty() || Clock::now() > limit) {
      return leaked;
    }
    if (!tbb_was_asked && leaked.find("thread ") != std::string::npos) {
      end_tbb_workers();
      tbb_was_asked = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

}  // namespace sluice::testing_support
