// support/poor_file_system.hpp: files as they are where the file system can't do everything.
//
// The functions of the C library are replaced in this executable; what else they are asked goes to the system.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace sluice::testing_support {

/// What it can't do.
enum class Lack {
  nothing,
  nameless_files,  ///< O_TMPFILE, as on FAT and NFS
  links,           ///< linkat(), as where hard links are forbidden
};

/// While it lives, such calls fail in this process. Threads  one object at a time; the calls may come from any.
class PoorFileSystem {
 public:
  explicit PoorFileSystem(Lack lack) noexcept;
  PoorFileSystem(const PoorFileSystem&) = delete;
  PoorFileSystem& operator=(const PoorFileSystem&) = delete;
  ~PoorFileSystem();

  /// How many calls have failed for it.
  [[nodiscard]] int refused() const noexcept;
};

/// Whether files in that directory can be nameless: not on every file system that tests run on.
[[nodiscard]] bool has_nameless_files(const std::string& directory);

}  // namespace sluice::testing_support
