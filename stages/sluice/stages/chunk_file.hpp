// sluice/stages/chunk_file.hpp: a file that several workers read at places of their own.
// Threads: any.
// Layer: stages. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/file.hpp>
#include <sluice/stages/byte_set.hpp>

#include <cstdint>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

namespace sluice::stages {

class ChunkFile {
 public:
  ChunkFile(std::string path, std::uint64_t size_bytes, sluice::detail::Links links,
            const ByteSet& cut_after)
      : path_(std::move(path)), size_bytes_(size_bytes), links_(links), cut_after_(cut_after) {}

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// When it was found.
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
  [[nodiscard]] const ByteSet& cut_after() const noexcept { return cut_after_; }

  /// Opens it for the caller alone. Throws  std::system_error.
  [[nodiscard]] sluice::detail::Descriptor open() const {
    return sluice::detail::open_to_read(path_, links_);
  }
  /// Opens it once for all; it stays open as long as this object.
  /// Throws  std::system_error, for every caller when it could not be opened for the first.
  [[nodiscard]] const sluice::detail::Descriptor& open_shared();

  /// Returns  true for the first caller only: who reports that the file can't be read.
  [[nodiscard]] bool first_to_fail();

 private:
  const std::string path_;
  const std::uint64_t size_bytes_;
  const sluice::detail::Links links_;
  const ByteSet cut_after_;
  std::mutex mutex_;
  sluice::detail::Descriptor shared_;
  std::error_code open_error_;
  bool failed_ = false;
};

}  // namespace sluice::stages
