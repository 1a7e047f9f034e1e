// sluice/os/process_stat.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/process_stat.hpp>

#include <sluice/os/descriptor.hpp>
#include <sluice/os/file.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace sluice::detail {
namespace {

// State and parent stand behind the name, which may hold anything: ") S 4711 ...".
ProcessStat stat_in(std::string_view text) noexcept {
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || text.size() < name_end + 5) return {};
  ProcessStat stat{.state = text[name_end + 2]};
  std::from_chars(text.data() + name_end + 4, text.data() + text.size(), stat.parent);
  return stat;
}

}  // namespace

ProcessStat process_stat(int pid) {
  const int number = open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC);
  if (number < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
    throw_os_error(errno, "look at", fmt::format("process {}", pid));
  }
  if (number < 0) return {};  // it has ended
  const Descriptor file(number);
  char bytes[512];
  const ssize_t got = pread(number, bytes, sizeof(bytes), 0);
  return got <= 0 ? ProcessStat{} : stat_in({bytes, static_cast<std::size_t>(got)});
}

}  // namespace sluice::detail
