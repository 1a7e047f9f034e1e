// support/memory_file.hpp: a file in memory that has a path, for tests that need thousands.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::testing_support {

class MemoryFile {
 public:
  MemoryFile() : number_(::memfd_create("sluice-test", MFD_CLOEXEC)) {
    if (number_ < 0) throw std::runtime_error("no memory file");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(number_); }

  /// As long as the object lives.
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(number_); }

  /// Replaces what is in the file.
  void set(std::string_view content) const {
    if (::ftruncate(number_, static_cast<off_t>(content.size())) != 0 ||
        ::pwrite(number_, content.data(), content.size(), 0) !=
            static_cast<ssize_t>(content.size())) {
      throw std::runtime_error("no room in a memory file");
    }
  }

 private:
  int number_;
};

}  // namespace sluice::testing_support
