// sluice/base/config.hpp: the version of the library.
//
// The number is written once, in project() of the root CMakeLists.txt, and compiled into the library.
// So version() tells which library a program was linked with, not which headers it saw.
// Layer: base.
// SPDX-License-Identifier: MIT
#pragma once

namespace sluice {

/// Returns  the version of the linked library as "major.minor.patch".
/// Throws   nothing.
[[nodiscard]] const char* version() noexcept;

}  // namespace sluice
