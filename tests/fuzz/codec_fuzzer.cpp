// tests/fuzz/codec_fuzzer.cpp: libFuzzer's entry for one kind; SLUICE_FUZZ_KIND is its type's name.
//
// The first bytes of every run may be anything; an escaping exception or a sanitizer ends it.
// SPDX-License-Identifier: MIT
#include <fuzz/target.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace {

/// Blocks that references may lead to.
sluice::testing_support::BlockShelf& shelf() {
  static sluice::testing_support::BlockShelf shelf = [] {
    sluice::testing_support::BlockShelf made;
    for (std::size_t size = 1; size < 4; ++size) {
      sluice::BlockReference reference{};
      made.take(
          sluice::SharedBytes::make(size, [](std::span<std::byte> to) { to[0] = std::byte{1}; }),
          reference);
    }
    return made;
  }();
  return shelf;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(sluice::fuzz::try_decode<sluice::fuzz::SLUICE_FUZZ_KIND>(
      std::as_bytes(std::span(data, size)), &shelf()));
  return 0;
}
