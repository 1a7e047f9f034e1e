// pipelines/shrink_image.hpp: the bytes of an image file become a small upright image.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <image.hpp>

#include <cstdint>
#include <string_view>

namespace sluice::samples {

/// Decodes, makes it smaller until its longest side has `longest` pixels (never larger) and turns
/// it upright. At most one row of the input is held, where its format allows.
/// Throws   BadImage, std::bad_alloc.
/// Threads  any number.
[[nodiscard]] Image shrink_image(std::string_view bytes, std::uint32_t longest);

}  // namespace sluice::samples
