// sluice/base/config.cpp: the version text, given by the build.
// SPDX-License-Identifier: MIT
#include <sluice/base/config.hpp>

namespace sluice {

const char* version() noexcept { return SLUICE_VERSION_TEXT; }

}  // namespace sluice
