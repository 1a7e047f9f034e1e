// sluice/base/assert.hpp: checks of what must hold inside the engine.
//
// On in debug and sanitizer builds (SLUICE_ASSERTIONS, or NDEBUG not defined), else compiled to
// nothing. Misuse by callers is not asserted, it throws UsageError.
// Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

#if defined(SLUICE_ASSERTIONS) || !defined(NDEBUG)
#include <cstdio>
#include <cstdlib>

namespace sluice::detail {

[[noreturn]] inline void assertion_failed(const char* condition, const char* text, const char* file,
                                          int line) noexcept {
  std::fprintf(stderr, "%s:%d: sluice: %s (%s)\n", file, line, text, condition);
  std::abort();
}

}  // namespace sluice::detail

/// SLUICE_ASSERT(condition, "what must hold"): ends the program when the condition is false.
#define SLUICE_ASSERT(condition, text) \
  ((condition) ? void(0) : ::sluice::detail::assertion_failed(#condition, text, __FILE__, __LINE__))
#else
#define SLUICE_ASSERT(condition, text) static_cast<void>(0)
#endif
