// support/sample_tree.hpp: a tree with something of everything that an archive keeps.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/scratch.hpp>

#include <cstddef>
#include <random>
#include <string>

namespace sluice::testing_support {

[[nodiscard]] std::string random_bytes(std::mt19937_64& random, std::size_t size);

/// Makes the tree below `name` of the scratch directory: files from nothing to several ranges,
/// equal ones, shifted ones, zeros, links of both kinds, names of odd bytes, modes and times.
/// Returns  its path.
std::string make_sample_tree(const Scratch& scratch, const std::string& name,
                             std::mt19937_64& random);

}  // namespace sluice::testing_support
