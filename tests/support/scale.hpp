// support/scale.hpp: how much of the release amount of work a test does in this build.
//
// Sanitizers make code 5 to 20 times slower. Counts shrink under them, tests are never skipped.
// SPDX-License-Identifier: MIT
#pragma once

namespace sluice::testing_support {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kUnderSanitizer = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kUnderSanitizer = true;
#else
inline constexpr bool kUnderSanitizer = false;
#endif
#else
inline constexpr bool kUnderSanitizer = false;
#endif

/// Returns  `count` as it is, or a tenth of it (at least 1) under a sanitizer.
template <class Integer>
[[nodiscard]] constexpr Integer scaled(Integer count) noexcept {
  if (!kUnderSanitizer || count <= Integer{0}) {
    return count;
  }
  return count < Integer{10} ? Integer{1} : static_cast<Integer>(count / 10);
}

}  // namespace sluice::testing_support
