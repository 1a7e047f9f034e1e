// sluice/base/cpu_pause.hpp: tells the core that this thread is only waiting for memory to change.
//
// One pause takes between 10 and 150 cycles, depending on the core, so nothing may measure time in
// pauses.
// Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

namespace sluice::detail {

inline void cpu_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

}  // namespace sluice::detail
