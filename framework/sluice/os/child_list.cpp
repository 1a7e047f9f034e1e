// sluice/os/child_list.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/child_list.hpp>

#include <sluice/os/file.hpp>
#include <sluice/os/process_stat.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

constexpr char kWhat[] = "the list of this process's children";

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

// A file of /proc, which has no size, from its beginning; what is read at 0 is made anew.
std::string text_in(const Descriptor& file) {
  std::string text;
  char bytes[4096];
  for (;;) {
    const ssize_t got = pread(file.number(), bytes, sizeof(bytes), static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_os_error(errno, "read", kWhat);
    if (got == 0) return text;
    text.append(bytes, static_cast<std::size_t>(got));
  }
}

std::vector<int> children_by_search() {
  struct Close {
    void operator()(DIR* directory) const noexcept { closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> processes(opendir("/proc"));
  if (processes == nullptr) throw_os_error(errno, "read", kWhat);
  std::vector<int> found;
  const int self = getpid();
  while (const dirent* const entry = readdir(processes.get())) {
    const int pid = number_at(entry->d_name);
    if (pid > 0 && process_stat(pid).parent == self) found.push_back(pid);
  }
  return found;
}

}  // namespace

ChildList::ChildList() {
  const int number =
      open(fmt::format("/proc/self/task/{}/children", gettid()).c_str(), O_RDONLY | O_CLOEXEC);
  if (number < 0 && errno != ENOENT) throw_os_error(errno, "open", kWhat);
  if (number >= 0) file_ = Descriptor(number);
}

std::vector<int> ChildList::read() const {
  return file_.valid() ? numbers_in(text_in(file_)) : children_by_search();
}

}  // namespace sluice::detail
