// sluice/os/exception_type.hpp: the names of exceptions' types, from the C++ runtime.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace sluice::detail {

/// The mangled name of the type of the exception being handled; empty when it is not C++'s.
[[nodiscard]] std::string current_exception_type();

/// A mangled name as people write it; as it is when it is none.
[[nodiscard]] std::string demangled(const std::string& name);

}  // namespace sluice::detail
