// sluice/stages/file_walk.hpp: visits the files below some paths, one at a time.
//
// (1) Symbolic links are followed when they are given, not when they are found.
// (2) Order: the paths as given; below a directory the byte order of whole paths, which is that of
//     `find -type f | LC_ALL=C sort`. A directory with more than kSorted entries is sorted in
//     pieces of that many, so that memory stays bounded.
// (3) One descriptor is open per level of depth.
// (4) Directories that are left out are passed over in silence where they are found, by whatever
//     name.
// Layer: stages. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/directory.hpp>
#include <sluice/os/inode.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice::stages {

class FileWalk {
 public:
  enum class Kind : unsigned char {
    file,        ///< a regular file
    stream,      ///< given, and neither file nor directory: standard input, a FIFO, a terminal
    unreadable,  ///< `reason` says why
    end,
  };
  struct Found {
    Kind kind = Kind::end;
    bool given = false;  ///< a path of the caller, not found in a directory
    std::string path{};
    std::uint64_t size_bytes = 0;
    std::string reason{};
  };

  static constexpr std::size_t kSorted = 65536;

  /// `sorted` is for tests.
  explicit FileWalk(std::vector<std::string> roots, std::size_t sorted = kSorted)
      : roots_(std::move(roots)), sorted_(sorted) {}

  /// Does not go into this directory: the walker's own output, say.
  void leave_out(sluice::detail::FileIdentity directory) { left_out_.push_back(directory); }

  [[nodiscard]] Found next();

 private:
  using Entry = sluice::detail::Directory::Entry;
  struct Level {
    sluice::detail::Directory directory;
    std::string path;
    std::vector<Entry> entries{};  // of the current piece, sorted
    std::size_t at = 0;
    bool listed = false;  // nothing comes after this piece
  };

  [[nodiscard]] Found next_root();
  [[nodiscard]] Found next_below();
  void list_piece(Level& level);
  [[nodiscard]] bool resolve(const Level& level, Entry& entry) const;
  [[nodiscard]] Found visit(Level& level, const Entry& entry);
  [[nodiscard]] bool is_left_out(const sluice::detail::Directory& directory,
                                 const std::string& path) const;

  std::vector<std::string> roots_;
  std::size_t sorted_;
  std::vector<sluice::detail::FileIdentity> left_out_{};
  std::size_t at_ = 0;
  std::vector<Level> levels_;
  std::vector<Found> failed_;  // found while a directory was listed, to be told next
};

}  // namespace sluice::stages
