// pipelines/codec_exit.hpp: a way back out of C libraries whose errors must not return.
//
// libjpeg and libpng report an error by a callback that has to leave by longjmp. Invariants:
// (1) The jump goes from the library's callback to completes(), over frames of the library and of
//     `step` alone. None of them owns anything with a destructor, so nothing is lost and the jump
//     is defined.
// (2) What a step changes lies outside its frame, in objects that live on; completes() keeps
//     nothing in locals.
// (3) C++ exceptions are thrown after completes() has returned, never across the library.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace sluice::samples {

/// Where to jump, and why. One per library object.
struct CodecExit {
  static constexpr std::size_t kWordBytes = 256;

  std::jmp_buf jump;
  char words[kWordBytes] = {};

  /// Ends the step in progress. The words are copied, and cut where they are too long.
  [[noreturn]] void leave(const char* why) noexcept {
    const std::size_t size = std::min(std::strlen(why), kWordBytes - 1);
    std::memcpy(words, why, size);
    words[size] = '\0';
    std::longjmp(jump, 1);
  }
};

/// Calls step(), which calls the library. False when the library left; `exit.words` says why.
template <class Step>
[[nodiscard]] bool completes(CodecExit& exit, const Step& step) {
  static_assert(std::is_trivially_destructible_v<Step>);
  if (setjmp(exit.jump) != 0) return false;
  step();
  return true;
}

}  // namespace sluice::samples
