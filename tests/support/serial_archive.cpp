// support/serial_archive.cpp
// SPDX-License-Identifier: MIT
#include <support/serial_archive.hpp>

#include <archive_restore.hpp>
#include <digest.hpp>
#include <file_cutter.hpp>
#include <frame_grouper.hpp>
#include <support/frame_cache.hpp>
#include <tree_walk.hpp>

#include <sluice/os/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace sluice::testing_support {

using namespace sluice::samples;

namespace {

class SerialPacker {
 public:
  SerialPacker(const std::string& archive, int level)
      : writer_(archive, level), compressor_(level) {}

  Packed pack(const std::vector<std::string>& roots) {
    TreeWalk walk(roots, writer_.identities());
    for (;;) {
      TreeWalk::Found found = walk.next();
      if (found.kind == TreeWalk::Kind::end) break;
      if (found.kind == TreeWalk::Kind::entry) {
        take(found.entry);
      } else {
        auto& list = found.kind == TreeWalk::Kind::note ? packed_.notes : packed_.skipped;
        list.push_back(found.subject + ": " + found.words);
      }
    }
    append(grouper_.finish());
    packed_.summary = writer_.commit();
    return std::move(packed_);
  }

 private:
  void take(const TreeEntry& entry) {
    NewEntry added{.kind = entry.kind,
                   .path = entry.stored,
                   .attributes = entry.attributes(),
                   .target = entry.target};
    if (entry.kind == EntryKind::file && !read(entry, added)) return;
    if (entry.kind == EntryKind::hard_link) {
      const auto first = numbers_.find(entry.link_to);
      if (first == numbers_.end()) return skip(entry, "what it names was skipped");
      added.link_to = first->second;
    }
    const ArchiveIndex::Added stored = writer_.add(added);
    if (!stored.refusal.empty()) return skip(entry, stored.refusal);
    numbers_.emplace(entry.number, stored.number);
  }

  bool read(const TreeEntry& entry, NewEntry& added) {
    RunList runs;
    std::uint64_t offset = 0;
    do {
      const FileRange range = FileRange::at(offset, entry.inode.size_bytes);
      offset = range.end();
      ChunkGroup group;
      // What fails here is a matter of that file; what fails at the archive is not caught.
      try {
        cutter_.append(entry.path, entry.inode, range, group);
      } catch (const ChangedFile& changed) {
        skip(entry, changed.what());
        return false;
      } catch (const std::system_error& error) {
        skip(entry, sluice::detail::reason("read", error.code()));
        return false;
      }
      std::size_t at = 0;
      for (const ChunkMark& chunk : group.chunks) {
        append(grouper_.add(chunk, group.bytes.view().substr(at, chunk.size_bytes), runs));
        at += chunk.size_bytes;
      }
    } while (offset < entry.inode.size_bytes);
    added.runs = runs.runs();
    return true;
  }

  void append(std::optional<RawFrame> frame) {
    if (frame) writer_.append(compressor_.compress(std::move(*frame)));
  }
  void skip(const TreeEntry& entry, const std::string& words) {
    packed_.skipped.push_back(entry.path + ": " + words);
  }

  ArchiveWriter writer_;
  FrameCompressor compressor_;
  FrameGrouper grouper_;
  FileCutter cutter_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
  Packed packed_;
};

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct stat stat_of(const std::filesystem::path& path) {
  struct stat found = {};
  if (::lstat(path.c_str(), &found) != 0) throw std::runtime_error("no " + path.string());
  return found;
}

}  // namespace

Packed pack_serially(const std::vector<std::string>& roots, const std::string& archive, int level) {
  return SerialPacker(archive, level).pack(roots);
}

void unpack_serially(const std::string& archive, const std::string& output) {
  const ArchiveReader reader(archive);
  const ArchiveContents& contents = reader.contents();
  ArchiveRestore restore(contents, output);
  FrameCache cache(reader, 2);
  for (std::size_t number = 0; number < contents.entries().size(); ++number) {
    const ArchiveEntry& entry = contents.entries()[number];
    restore.make(number);
    if (entry.kind != EntryKind::file) continue;
    cache.read(entry, [&](std::string_view bytes) { restore.write(bytes); });
    restore.end_file();
  }
  restore.commit();
}

void verify_serially(const std::string& archive) {
  const ArchiveReader reader(archive);
  FrameLoader loader;
  for (std::size_t frame = 0; frame < reader.contents().frames().size(); ++frame) {
    const FetchedFrame fetched = reader.fetch(frame);
    const std::string wrong = loader.verify(fetched, digests_of(reader.contents(), fetched.record));
    if (!wrong.empty()) throw ArchiveError(archive + ": " + fetched.fault(wrong));
  }
}

std::map<std::string, std::string> snapshot(const std::string& directory) {
  namespace fs = std::filesystem;
  std::vector<fs::path> paths{fs::path(directory)};
  for (const auto& entry : fs::recursive_directory_iterator(directory)) paths.push_back(entry);
  std::sort(paths.begin(), paths.end());
  std::map<std::string, std::string> found;
  std::map<ino_t, std::string> first;
  for (const fs::path& path : paths) {
    const struct stat now = stat_of(path);
    const std::string name = path.lexically_relative(directory).string();
    std::string text = "mode " + std::to_string(now.st_mode) + " time " +
                       std::to_string(now.st_mtim.tv_sec) + '.' +
                       std::to_string(now.st_mtim.tv_nsec);
    if (S_ISLNK(now.st_mode)) text += " to " + fs::read_symlink(path).string();
    if (S_ISREG(now.st_mode)) {
      text += " size " + std::to_string(now.st_size) + " digest " + digest_of(content(path)).text();
    }
    if (!S_ISDIR(now.st_mode))
      text += " first " + first.try_emplace(now.st_ino, name).first->second;
    found[name] = text;
  }
  return found;
}

void set_time(const std::string& path, long seconds, long nanoseconds) {
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                             {.tv_sec = seconds, .tv_nsec = nanoseconds}};
  if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    throw std::runtime_error("no time for " + path);
  }
}

}  // namespace sluice::testing_support
