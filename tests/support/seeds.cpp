// support/seeds.cpp: where the seed comes from.
// SPDX-License-Identifier: MIT
#include <support/seeds.hpp>

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace sluice::testing_support {
namespace {

std::atomic<bool> used{false};

std::uint64_t chosen_seed() {
  if (const char* text = std::getenv("SLUICE_SEED"); text != nullptr && *text != '\0') {
    try {
      std::size_t length = 0;
      const std::uint64_t value = std::stoull(text, &length);
      if (text[length] == '\0') {
        return value;
      }
    } catch (const std::logic_error&) {  // not a number, or too large: the same message below
    }
    throw std::invalid_argument("SLUICE_SEED is '" + std::string{text} + "'; give a number");
  }
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace

std::uint64_t seed() {
  static const std::uint64_t value = chosen_seed();
  used.store(true, std::memory_order_relaxed);  // only read on the main thread after joining
  return value;
}

std::mt19937_64 random_engine(std::uint64_t stream) {
  const std::uint64_t base = seed();
  std::seed_seq sequence{base & 0xffffffffU, base >> 32U, stream & 0xffffffffU, stream >> 32U};
  return std::mt19937_64{sequence};
}

bool seed_was_used() noexcept { return used.load(std::memory_order_relaxed); }

void forget_seed_use() noexcept { used.store(false, std::memory_order_relaxed); }

}  // namespace sluice::testing_support
