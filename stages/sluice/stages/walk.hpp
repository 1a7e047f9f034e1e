// sluice/stages/walk.hpp: a source of the files below some paths.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/flow/callable.hpp>
#include <sluice/stages/paths.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::stages {

class FileWalk;

/// A regular file as a walk found it.
struct FileEntry {
  std::string path;
  std::uint64_t size_bytes = 0;

  friend bool operator==(const FileEntry&, const FileEntry&) = default;
};

/// What walk() makes for a worker.
class WalkSource {
 public:
  using Out = FileEntry;

  explicit WalkSource(std::vector<std::string> roots);
  WalkSource(WalkSource&&) noexcept;
  WalkSource& operator=(WalkSource&&) = delete;
  ~WalkSource();

  void start(Context& context);
  bool next(Emitter<FileEntry>& out);

 private:
  std::vector<std::string> roots_;
  std::unique_ptr<FileWalk> walk_;
};

/// The regular files at and below the paths, directories walked recursively.
///
/// Symbolic links are followed when they are given, not when they are found. Order: the paths as
/// given, below each the byte order of whole paths; a directory with more than 65536 entries is
/// sorted in pieces of that many. One descriptor is open per level of depth.
/// Failure  a directory that can't be opened or listed, a file that vanished, a given path that is
///          neither file nor directory: dead letter, the rest goes on.
[[nodiscard]] inline auto walk(Paths roots) {
  return factory([roots = std::move(roots.list)] { return WalkSource(roots); });
}

}  // namespace sluice::stages
