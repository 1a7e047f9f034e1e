// sluice/stages/paths.hpp: the paths a source is given, however they are written.
// Layer: stages. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace sluice::stages {

/// One path or several: lines("a.txt"), lines({"a.txt", "b.txt"}), lines(args.paths("files")).
/// "-" is standard input.
struct Paths {
  Paths(const char* path) : list{path} {}
  Paths(std::string path) : list{std::move(path)} {}
  Paths(std::vector<std::string> paths) : list(std::move(paths)) {}
  Paths(std::initializer_list<std::string> paths) : list(paths) {}

  std::vector<std::string> list;
};

}  // namespace sluice::stages
