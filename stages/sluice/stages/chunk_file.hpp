// sluice/stages/chunk_file.hpp: a file that several workers read at places of their own.
//
// (1) Opened once, by the first who reads; so all chunks see one file even if its name is given to
//     another one meanwhile.
// (2) Closed with the last chunk. As chunks are taken in order, the files open at once are as many
//     as there are workers, or one more.
// Threads: any.
// Layer: stages. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/file.hpp>
#include <sluice/stages/byte_set.hpp>

#include <mutex>
#include <string>
#include <system_error>
#include <utility>

namespace sluice::stages {

class ChunkFile {
 public:
  ChunkFile(std::string path, sluice::detail::Links links, const ByteSet& cut_after)
      : path_(std::move(path)), links_(links), cut_after_(cut_after) {}

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const ByteSet& cut_after() const noexcept { return cut_after_; }

  /// Throws  std::system_error, the same one every time.
  const sluice::detail::Descriptor& open();

  /// Returns  true for the first caller only: who reports that the file can't be read.
  [[nodiscard]] bool first_to_fail();

 private:
  const std::string path_;
  const sluice::detail::Links links_;
  const ByteSet cut_after_;
  std::mutex mutex_;
  sluice::detail::Descriptor descriptor_;
  std::error_code open_error_;
  bool failed_ = false;
};

}  // namespace sluice::stages
