// pipelines/content_comparer.cpp
// SPDX-License-Identifier: MIT
#include <content_comparer.hpp>

#include <sluice/os/file.hpp>
#include <sluice/os/inode.hpp>

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace sluice::samples {

using sluice::detail::Descriptor;
using sluice::detail::Links;

namespace {

// Blocks that are compared with each other stay in the cache of one core.
constexpr std::size_t kBlocksBytes = std::size_t{512} << 10;
constexpr std::size_t kLeastBlock = 4096;
constexpr std::size_t kMostBlock = std::size_t{128} << 10;
// So few are compared each with each: that costs less than hashing.
constexpr std::size_t kFew = 8;

constexpr const char* kReplaced = "changed or was replaced since it was found";
constexpr const char* kChanged = "changed while it was read";

std::size_t block_bytes(std::size_t files, std::uint64_t rest) {
  const std::size_t fair = kBlocksBytes / files / kLeastBlock * kLeastBlock;
  const std::size_t block = std::clamp(fair, kLeastBlock, kMostBlock);
  return static_cast<std::size_t>(std::min<std::uint64_t>(block, rest));
}

}  // namespace

ContentHash content_hash(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {.low = hash.low64, .high = hash.high64};
}

ContentClasses ContentComparer::compare(const FoundFiles& files, std::span<const FileId> members,
                                        std::uint64_t size, Undecided undecided) {
  files_ = &files;
  members_ = members;
  size_ = size;
  classes_ = {};
  opened_ = 0;
  open_.clear();
  open_.resize(members.size());
  slots_.resize(members.size());

  Places all(members.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto head = static_cast<std::size_t>(std::min<std::uint64_t>(size, kHeadBytes));
  std::vector<Alike> alike;
  for (Places& places : read_and_part(all, 0, head)) alike.push_back({std::move(places), head});
  std::uint64_t to_read = 0;
  for (const Alike& one : alike) to_read += one.places.size() * (size - head);
  if (undecided == Undecided::allowed && alike.size() > 1 && to_read > options_.most_bytes) {
    for (const Alike& one : alike) classes_.alike.push_back(ids(one.places));
    alike.clear();
  }
  while (!alike.empty()) {
    const Alike next = std::move(alike.back());
    alike.pop_back();
    if (next.offset == size) {
      classes_.equal.push_back(ids(next.places));
      close(next.places);
      continue;
    }
    const std::size_t block = block_bytes(next.places.size(), size - next.offset);
    for (Places& places : read_and_part(next.places, next.offset, block)) {
      alike.push_back({std::move(places), next.offset + block});
    }
  }
  open_.clear();
  return std::move(classes_);
}

void ContentComparer::open(std::size_t place, Descriptor& file) {
  files_->path_into(members_[place], path_);
  file = sluice::detail::open_to_read(path_, Links::refuse);
}

// Reads a block; false when the file has failed. `check`: also that it is what was found.
bool ContentComparer::read(std::size_t place, std::uint64_t offset, std::span<char> to,
                           bool check) {
  const char* verb = "open";
  try {
    Descriptor here;
    Descriptor* file = &open_[place];
    if (!file->valid()) {
      const bool keep = offset + to.size() < size_ && opened_ < options_.open_files;
      if (!keep) file = &here;
      open(place, *file);
      if (keep) ++opened_;
    }
    verb = "read";
    const bool whole = sluice::detail::read_at(*file, offset, to, path_) == to.size();
    if (check || !whole) {
      const FoundFile& found = (*files_)[members_[place]];
      if (!found.is(sluice::detail::inode_of(*file, path_))) {
        fail(place, offset == 0 ? kReplaced : kChanged);
        return false;
      }
      if (!whole) {
        fail(place, kChanged);
        return false;
      }
      if (size_ == 0) {  // the files of /proc say that they are empty and are not
        char more = 0;
        if (sluice::detail::read_at(*file, 0, {&more, 1}, path_) > 0) {
          fail(place, "says that it is empty, and is not");
          return false;
        }
      }
    }
    return true;
  } catch (const std::system_error& error) {
    fail(place, sluice::detail::reason(verb, error.code()));
    return false;
  }
}

// Classes of two and more that have the same block there.
std::vector<ContentComparer::Places> ContentComparer::read_and_part(const Places& places,
                                                                    std::uint64_t offset,
                                                                    std::size_t block) {
  blocks_.reserve(1);  // empty files have a place too
  blocks_.resize(places.size() * block);
  const bool check = offset == 0 || offset + block == size_;
  Places live;
  for (const std::size_t place : places) {
    char* const to = blocks_.data() + live.size() * block;
    if (!read(place, offset, {to, block}, check)) continue;
    slots_[place] = live.size();
    live.push_back(place);
  }
  const Places before = live;
  std::vector<Places> parts = part(live, block);
  std::size_t kept = 0;
  for (const Places& one : parts) kept += one.size();
  if (kept < before.size()) {
    Places lone = before;
    for (const Places& one : parts) {
      for (const std::size_t place : one) lone[slots_[place]] = members_.size();
    }
    std::erase(lone, members_.size());
    close(lone);
  }
  return parts;
}

// Each with the first one of those that are left, while they are few or most are equal.
std::vector<ContentComparer::Places> ContentComparer::part(Places& places, std::size_t block) {
  std::vector<Places> parts;
  while (places.size() > 1) {
    Places same{places.front()};
    Places others;
    const char* const first = block_of(slots_[places.front()], block);
    for (std::size_t i = 1; i < places.size(); ++i) {
      const bool equal = std::memcmp(first, block_of(slots_[places[i]], block), block) == 0;
      (equal ? same : others).push_back(places[i]);
    }
    if (same.size() > 1) parts.push_back(std::move(same));
    places = std::move(others);
    if (places.size() > kFew) {
      part_by_hash(places, block, parts);
      break;
    }
  }
  return parts;
}

// Only blocks with equal hashes are compared, and those always.
void ContentComparer::part_by_hash(const Places& places, std::size_t block,
                                   std::vector<Places>& to) {
  std::vector<std::pair<ContentHash, std::size_t>> hashed;
  hashed.reserve(places.size());
  for (const std::size_t place : places) {
    hashed.emplace_back(options_.hash({block_of(slots_[place], block), block}), place);
  }
  std::sort(hashed.begin(), hashed.end());
  for (std::size_t begin = 0; begin < hashed.size();) {
    std::size_t end = begin + 1;
    while (end < hashed.size() && hashed[end].first == hashed[begin].first) ++end;
    Places rest;
    for (std::size_t i = begin; i < end; ++i) rest.push_back(hashed[i].second);
    while (rest.size() > 1) {
      const char* const first = block_of(slots_[rest.front()], block);
      const auto others = std::stable_partition(rest.begin(), rest.end(), [&](std::size_t place) {
        return std::memcmp(first, block_of(slots_[place], block), block) == 0;
      });
      if (others - rest.begin() > 1) to.emplace_back(rest.begin(), others);
      rest.erase(rest.begin(), others);
    }
    begin = end;
  }
}

ContentHash ContentComparer::hash(const FoundFiles& files, FileId id, std::uint64_t bytes) {
  files.path_into(id, path_);
  const char* verb = "open";
  try {
    const Descriptor file = sluice::detail::open_to_read(path_, Links::refuse);
    verb = "read";
    ContentHash chained;
    std::uint64_t offset = 0;
    do {  // each block with the hash of those before it
      const std::size_t block = block_bytes(2, bytes - offset);
      constexpr std::size_t kBefore = sizeof chained;
      blocks_.resize(kBefore + block);
      std::memcpy(blocks_.data(), &chained, kBefore);
      if (sluice::detail::read_at(file, offset, {blocks_.data() + kBefore, block}, path_) !=
          block) {
        throw std::runtime_error(kChanged);
      }
      chained = options_.hash(blocks_.view());
      offset += block;
    } while (offset < bytes);
    if (!files[id].is(sluice::detail::inode_of(file, path_))) {
      throw std::runtime_error(kReplaced);
    }
    return chained;
  } catch (const std::system_error& error) {
    throw std::runtime_error(sluice::detail::reason(verb, error.code()));
  }
}

std::vector<FileId> ContentComparer::ids(const Places& places) const {
  std::vector<FileId> ids;
  ids.reserve(places.size());
  for (const std::size_t place : places) ids.push_back(members_[place]);
  return ids;
}

void ContentComparer::close(const Places& places) noexcept {
  for (const std::size_t place : places) {
    if (open_[place].valid()) --opened_;
    open_[place].reset();
  }
}

void ContentComparer::fail(std::size_t place, std::string reason) {
  close({place});
  classes_.failed.push_back({members_[place], std::move(reason)});
}

}  // namespace sluice::samples
