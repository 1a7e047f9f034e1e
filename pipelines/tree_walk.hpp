// pipelines/tree_walk.hpp: everything at and below some paths, as an archive keeps it.
//
// (1) Order: the paths as given; below each the byte order of whole paths, where a directory's ends
//     in a slash and comes before what is in it. Nothing else decides, so equal trees are equal
//     walks.
// (2) Symbolic links are never followed, given or found: they are entries themselves.
// (3) A file with several names is an entry once; its later names are hard links to it.
// (4) Paths are kept as tar does: without a leading slash, and without anything up to the last
//     "..".
// (5) One descriptor is open per level of depth, and one directory's names per level are in memory.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_format.hpp>

#include <sluice/os/directory.hpp>
#include <sluice/os/inode.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sluice::samples {

struct TreeEntry {
  EntryKind kind = EntryKind::file;
  std::string path{};    ///< where it is
  std::string stored{};  ///< where it will be in an archive; empty: its root
  sluice::detail::Inode inode{};
  std::string target{};       ///< symlink: where it leads
  std::uint64_t number = 0;   ///< entries are numbered as they come
  std::uint64_t link_to = 0;  ///< hard link: number of the entry it names

  [[nodiscard]] EntryAttributes attributes() const noexcept {
    return {.mode = inode.mode, .modified = inode.modified};
  }
};

/// What becomes of a path that was given.
struct StoredPath {
  std::string stored{};
  std::string removed{};  ///< the beginning that is left out: "/" or "../x/../"; empty: nothing is
};
[[nodiscard]] StoredPath stored_path(std::string_view given);

/// Threads  one at a time.
class TreeWalk {
 public:
  enum class Kind : unsigned char {
    entry,
    skipped,  ///< something is not kept: it can't be read, or is of a kind that is never kept
    note,     ///< nothing is lost, but the user should know
    end,
  };
  struct Found {
    Kind kind = Kind::end;
    TreeEntry entry{};
    std::string subject{};  ///< skipped, note: a path
    std::string words{};    ///< what is to be said of it, in one line
  };

  /// `left_out` are files that are passed over in silence: the archive being written, and the one
  /// it will replace.
  explicit TreeWalk(std::vector<std::string> roots,
                    std::vector<sluice::detail::FileIdentity> left_out = {});

  /// Blocks   while the file system reads. What fails is told as skipped, and the walk goes on.
  [[nodiscard]] Found next();

 private:
  struct Level {
    sluice::detail::Directory directory;
    std::string path;
    std::string stored;
    std::vector<std::string> names{};  // sorted; a directory's ends in a slash
    std::size_t at = 0;
  };
  struct IdentityHash {
    [[nodiscard]] std::size_t operator()(
        const sluice::detail::FileIdentity& identity) const noexcept {
      return static_cast<std::size_t>(identity.number * 0x9e37'79b9'7f4a'7c15 ^ identity.device);
    }
  };

  void visit_root(const std::string& given);
  [[nodiscard]] std::string stored_through(const std::string& given) const;
  void visit(const std::string& listed);
  void keep(TreeEntry entry);
  void enter(sluice::detail::Directory directory, const std::string& path, std::string stored);
  void list(Level& level);
  void skip(const std::string& path, std::string words);
  void skip(const std::string& path, std::string_view verb, const std::system_error& error);

  std::vector<std::string> roots_;
  std::unordered_set<std::string> clean_roots_{};
  std::vector<sluice::detail::FileIdentity> left_out_;
  std::unordered_set<std::string> seen_roots_{};
  std::unordered_map<sluice::detail::FileIdentity, std::uint64_t, IdentityHash> first_names_{};
  std::size_t at_root_ = 0;
  std::uint64_t entries_ = 0;
  std::vector<Level> levels_{};
  std::vector<Found> found_{};  // to be told, the last one first
};

}  // namespace sluice::samples
