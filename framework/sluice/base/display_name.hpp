// sluice/base/display_name.hpp: a type's name as people write it.
// Layer: base. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace sluice::detail {

/// The compiler's spelling without the library's own detours: std::string instead of
/// std::__cxx11::basic_string<char>, no name for the anonymous namespace.
[[nodiscard]] std::string display_name(std::string type);

}  // namespace sluice::detail
