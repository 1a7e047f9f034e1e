// support/seeds.hpp: randomness that can be repeated.
//
// One seed a process: the environment variable SLUICE_SEED, or a random number. A test that fails
// after asking for it prints the seed and the command that repeats the run.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <random>

namespace sluice::testing_support {

/// Returns  the seed of this process; the current test counts as one that used it.
[[nodiscard]] std::uint64_t seed();

/// Returns  an engine for one stream of random numbers; a thread or worker takes a stream each.
[[nodiscard]] std::mt19937_64 random_engine(std::uint64_t stream = 0);

/// Returns  whether seed() was called since the last forget_seed_use(). For the listener in main.cpp.
[[nodiscard]] bool seed_was_used() noexcept;
void forget_seed_use() noexcept;

}  // namespace sluice::testing_support
