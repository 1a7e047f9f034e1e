// support/serial_archive.hpp: packs and unpacks in one thread, through the parts of `pack`.
// SPDX-License-Identifier: MIT
#pragma once

#include <archive_reader.hpp>
#include <archive_writer.hpp>

#include <map>
#include <string>
#include <vector>

namespace sluice::testing_support {

struct Packed {
  samples::ArchiveWriter::Summary summary{};
  std::vector<std::string> notes{};    ///< "path: words"
  std::vector<std::string> skipped{};  ///< the same, of what is not in the archive
};

Packed pack_serially(const std::vector<std::string>& roots, const std::string& archive,
                     int level = 3);
void unpack_serially(const std::string& archive, const std::string& output);
/// Everything that can be checked. Throws  ArchiveError.
void verify_serially(const std::string& archive);

/// Paths below a directory and all that an archive keeps of each; files with several names say
/// which is the first. The directory itself is ".".
[[nodiscard]] std::map<std::string, std::string> snapshot(const std::string& directory);

/// Sets the time of an entry itself, links not followed.
void set_time(const std::string& path, long seconds, long nanoseconds);

}  // namespace sluice::testing_support
