// sluice/os/entry_maker.hpp: makes, names and removes entries of an open directory.
//
// Every name is that of one entry: a function given one that is empty, ".", ".." or holds a slash
// throws UsageError before it asks the system. No function follows a symbolic link in the last
// place, so what is made lies in the directory that was opened, whatever somebody does to the tree
// meanwhile. `path` is for messages only. Failures are std::system_error with that path.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>
#include <sluice/os/inode.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::detail {

/// Whether `name` can be that of one entry of a directory.
[[nodiscard]] bool is_entry_name(std::string_view name) noexcept;

/// Opens a directory, also through a symbolic link: for paths that the user gave.
[[nodiscard]] Descriptor open_directory(const std::string& path);
/// A second descriptor for the same open directory.
[[nodiscard]] Descriptor copy_of(const Descriptor& directory, const std::string& path);
/// Makes a directory with the usual permissions. Returns  false when something is there already.
[[nodiscard]] bool make_directory(const std::string& path);
/// Removes an empty directory; says nothing.
void remove_directory(const std::string& path) noexcept;
/// Names in a directory, without . and .., in no order.
[[nodiscard]] std::vector<std::string> names_in(const Descriptor& directory,
                                                const std::string& path);

/// Opens a subdirectory; a symbolic link is refused.
[[nodiscard]] Descriptor open_entry_directory(const Descriptor& parent, const std::string& name,
                                              const std::string& path);
/// Makes a directory of the usual permissions or, with `is_private`, one for its owner alone.
void make_entry_directory(const Descriptor& parent, const std::string& name, bool is_private,
                          const std::string& path);
/// Makes a file, for its owner alone or of the usual permissions, and opens it for writing; refuses
/// any name that is taken.
[[nodiscard]] Descriptor make_entry_file(const Descriptor& parent, const std::string& name,
                                         const std::string& path, bool is_private = true);
void make_entry_symlink(const Descriptor& parent, const std::string& name,
                        const std::string& target, const std::string& path);

/// An entry, by the directory it lies in and its name there.
struct EntryPlace {
  const Descriptor& parent;
  const std::string& name;
};
/// Gives the file (or symbolic link) `from` a second name.
void link_entry(EntryPlace from, EntryPlace to, const std::string& path);
/// Moves an entry; refuses a name that is taken (a file system without that ability replaces it).
void move_entry(EntryPlace from, EntryPlace to, const std::string& path);
/// Moves a file to a name that may be taken: what had it (a file, a link, no directory) is gone in
/// one step.
void replace_entry(EntryPlace from, EntryPlace to, const std::string& path);

/// Permissions, then the time of last modification, of an open file or directory.
void set_attributes(const Descriptor& descriptor, std::uint32_t mode, const FileTime& modified,
                    const std::string& path);
/// The time of an entry, of a symbolic link itself.
void set_entry_time(const Descriptor& parent, const std::string& name, const FileTime& modified,
                    const std::string& path);

/// Removes an entry that is no directory, whatever the system says.
void remove_entry(const Descriptor& parent, const std::string& name) noexcept;
/// Removes an entry with all that is below it, as far as that is allowed. Links are not followed.
void remove_entry_tree(const Descriptor& parent, const std::string& name) noexcept;

}  // namespace sluice::detail
