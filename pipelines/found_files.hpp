// pipelines/found_files.hpp: very many files in little memory, as find_duplicates keeps them.
//
// Files of one directory stand together and share its path; their names lie one behind the other. A file costs
// 48 bytes and its name, 24 bytes more once all are grouped by size.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/inode.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::samples {

struct FoundFile {
  std::uint64_t size_bytes = 0;
  sluice::detail::FileIdentity identity{};
  sluice::detail::FileTime modified{};
  std::uint32_t name_begin = 0;  // in names of the batch
  std::uint32_t name_size = 0;

  /// Whether `now` is still this file, with the size and time it had.
  [[nodiscard]] bool is(const sluice::detail::Inode& now) const noexcept {
    return now.kind == sluice::detail::FileKind::regular && now.identity == identity &&
           now.size_bytes == size_bytes && now.modified == modified;
  }
};

/// Some files of one directory.
struct FileBatch {
  sluice::detail::FileIdentity directory{};
  std::string prefix{};  ///< of their paths: ends in a slash, or is empty
  std::string names{};
  std::vector<FoundFile> files{};

  void add(std::string_view name, const sluice::detail::Inode& inode) {
    files.push_back({.size_bytes = inode.size_bytes,
                     .identity = inode.identity,
                     .modified = inode.modified,
                     .name_begin = static_cast<std::uint32_t>(names.size()),
                     .name_size = static_cast<std::uint32_t>(name.size())});
    names += name;
  }
  [[nodiscard]] std::string_view name(const FoundFile& file) const noexcept {
    return std::string_view(names).substr(file.name_begin, file.name_size);
  }
};

struct FileId {
  std::uint32_t batch = 0;
  std::uint32_t at = 0;

  friend auto operator<=>(const FileId&, const FileId&) = default;
};

/// Threads  one while it is filled; then any number.
class FoundFiles {
 public:
  void add(FileBatch batch) { batches_.push_back(std::move(batch)); }

  [[nodiscard]] const std::vector<FileBatch>& batches() const noexcept { return batches_; }
  [[nodiscard]] const FileBatch& batch(FileId id) const noexcept { return batches_[id.batch]; }
  [[nodiscard]] const FoundFile& operator[](FileId id) const noexcept {
    return batches_[id.batch].files[id.at];
  }
  [[nodiscard]] std::string_view name(FileId id) const noexcept {
    return batch(id).name((*this)[id]);
  }
  [[nodiscard]] std::string path(FileId id) const {
    std::string path;
    path_into(id, path);
    return path;
  }
  /// The same into memory that is used again.
  void path_into(FileId id, std::string& to) const {
    to = batch(id).prefix;
    to += name(id);
  }

  /// With --hard-links: further names of files, sorted by the file they belong to.
  std::vector<std::pair<FileId, FileId>> aliases{};
  [[nodiscard]] std::vector<FileId> aliases_of(FileId file) const {
    std::vector<FileId> names;
    const auto less = [](const std::pair<FileId, FileId>& alias, FileId id) {
      return alias.first < id;
    };
    auto at = std::lower_bound(aliases.begin(), aliases.end(), file, less);
    for (; at != aliases.end() && at->first == file; ++at) names.push_back(at->second);
    return names;
  }

 private:
  std::vector<FileBatch> batches_{};
};

}  // namespace sluice::samples
