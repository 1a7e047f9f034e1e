// pipelines/thumbnail_names.hpp: where the thumbnail of a file goes.
//
// A function of the paths that were given and of the file's path alone, so that names do not depend
// on what else is found, or when. No two files get the same name, no file that of a directory:
// (1) A file's name is kept whole and gets a suffix: photo.jpg and photo.png become photo.jpg.jpg,
//     photo.png.jpg.
// (2) A directory keeps its name, unless that ends in the suffix and any number of ".d": then it
//     gets one more ".d". So what ends in the suffix is a file, and taking one ".d" away gives the
//     directory's name back.
// (3) With one path, what is below it goes straight into the output. Each of several paths goes by
//     its last component, or "root" where it has none (/, ., ..); one that is taken already gets
//     "~2", "~3" and so on.
// (4) A name is made of components that the file system handed out and of those above, so it has no
//     "..", no empty component and no slash in front: it can't leave the directory it is used in.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::samples {

/// Threads  any number.
class ThumbnailNames {
 public:
  static constexpr std::size_t kMostNameBytes = 255;  // of a component; no file system takes more

  /// `suffix` is that of files, with its dot.
  ThumbnailNames(const std::vector<std::string>& paths, std::string suffix);

  /// Of a path that was given and is a file, by its position. Nothing, when the name would be too
  /// long.
  [[nodiscard]] std::optional<std::string> of_given(std::size_t path) const;
  /// Of a file below it, by what follows its path and a slash.
  [[nodiscard]] std::optional<std::string> of_found(std::size_t path, std::string_view below) const;

 private:
  [[nodiscard]] std::string directory(std::string_view name) const;

  std::string suffix_;
  std::vector<std::string> bases_{};  // unique, one a path
};

}  // namespace sluice::samples
