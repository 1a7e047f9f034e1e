// sluice/os/temporary_file.hpp: a file without a name, for what does not fit into memory.
//
// It has no name from the start, or loses it before the constructor returns, so it goes away with
// the process, whatever ends that. Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sluice::detail {

/// Returns  what TMPDIR says, or "/tmp".
[[nodiscard]] std::string temporary_directory();

class TemporaryFile {
 public:
  /// How the file is made: `unnamed` falls back to `unlinked` where the file system can't.
  enum class Way : unsigned char { unnamed, unlinked };

  /// Throws  std::system_error that names the directory, as everything here does.
  explicit TemporaryFile(std::string directory, Way way = Way::unnamed);

  /// Writes all of it. A limit on the size of files is an error like a full disk, not a signal.
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  /// Fills `to`. A file that ends before is an error.
  void read_at(std::uint64_t offset, std::span<std::byte> to) const;
  /// Gives the space behind `size` back.
  void truncate(std::uint64_t size);

  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
  [[nodiscard]] const Descriptor& descriptor() const noexcept { return descriptor_; }

 private:
  std::string directory_;
  Descriptor descriptor_{};
};

}  // namespace sluice::detail
