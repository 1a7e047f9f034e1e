// pipelines/thumbnail_names.cpp
// SPDX-License-Identifier: MIT
#include <thumbnail_names.hpp>

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace sluice::samples {
namespace {

constexpr std::string_view kDirectoryMark = ".d";

// The last component; a dot at the end says nothing about the name.
std::string_view base_of(std::string_view path) {
  while (!path.empty()) {
    if (path.ends_with('/')) {
      path.remove_suffix(1);
    } else if (path == "." || path.ends_with("/.")) {
      path.remove_suffix(1);
    } else {
      break;
    }
  }
  const std::string_view base = path.substr(path.rfind('/') + 1);  // 0 without a slash
  return base.empty() || base == ".." ? "root" : base;
}

bool fits(std::string_view name) {
  while (name.size() > ThumbnailNames::kMostNameBytes) {
    const std::size_t slash = name.substr(0, ThumbnailNames::kMostNameBytes + 1).find('/');
    if (slash == std::string_view::npos) return false;
    name.remove_prefix(slash + 1);
  }
  return true;
}

std::optional<std::string> if_it_fits(std::string name) {
  if (!fits(name)) return std::nullopt;
  return name;
}

}  // namespace

ThumbnailNames::ThumbnailNames(const std::vector<std::string>& paths, std::string suffix)
    : suffix_(std::move(suffix)) {
  std::unordered_set<std::string> taken;
  for (const std::string& path : paths) {
    const std::string base(base_of(path));
    std::string name = base;
    for (std::size_t number = 2; !taken.insert(name).second; ++number) {
      name = base + '~' + std::to_string(number);
    }
    bases_.push_back(std::move(name));
  }
}

std::optional<std::string> ThumbnailNames::of_given(std::size_t path) const {
  return if_it_fits(bases_[path] + suffix_);
}

std::optional<std::string> ThumbnailNames::of_found(std::size_t path,
                                                    std::string_view below) const {
  std::string name;
  if (bases_.size() > 1) name = directory(bases_[path]) + '/';
  for (;;) {
    const std::size_t slash = below.find('/');
    if (slash == std::string_view::npos) break;
    name += directory(below.substr(0, slash)) + '/';
    below.remove_prefix(slash + 1);
  }
  name += below;
  return if_it_fits(name + suffix_);
}

std::string ThumbnailNames::directory(std::string_view name) const {
  std::string_view bare = name;
  while (bare.ends_with(kDirectoryMark)) bare.remove_suffix(kDirectoryMark.size());
  std::string made(name);
  if (bare.ends_with(suffix_)) made += kDirectoryMark;
  return made;
}

}  // namespace sluice::samples
