// pipelines/entry_line.hpp: an entry of an archive in one line, and names that people can read.
//
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_contents.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::samples {

/// A name or path as text without surprises: printable UTF-8 stays; other bytes, and characters
/// that print nothing or turn the line around, become \n, \t or \ooo (octal), and a backslash
/// becomes two. A blank at either end, or where it could be taken for the arrow of a link, becomes
/// \040. Different names have different texts.
[[nodiscard]] std::string shown_name(std::string_view name);

/// What is told of an entry. Portable.
struct ListedEntry {
  EntryKind kind = EntryKind::implied_directory;
  EntryAttributes attributes{};
  std::uint64_t size_bytes = 0;
  std::string path{};      ///< empty for the root
  std::string leads_to{};  ///< of a link: its target, or the path of what it is another name of
};
[[nodiscard]] ListedEntry listed_entry(const ArchiveContents& contents, std::size_t entry);

/// Mode, size, time of modification (UTC), path; where a link leads.
[[nodiscard]] std::string entry_line(const ListedEntry& entry);

}  // namespace sluice::samples
