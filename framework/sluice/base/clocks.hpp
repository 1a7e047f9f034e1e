// sluice/base/clocks.hpp: durations, points of time and the clocks, without the calendars.
//
// <chrono> also has calendars and the streams that read and write them: a twentieth of <sluice/sluice.hpp>. A
// header of the standard's whose functions take durations has what is needed here; of libstdc++ that is known.
// Layer: base. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <version>

#if defined(__GLIBCXX__)
#include <semaphore>
#else
#include <chrono>
#endif

static_assert(std::chrono::steady_clock::is_steady);
