// bench/process_relay.hpp: from one worker process to another, through the parent.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/process/channel.hpp>
#include <support/crew.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::bench {

/// One worker makes `items` payloads of `size` bytes, another reads them, and this process hands them on, as between
/// two process stages; 8 are under way.
///
/// Throws   WrongResult unless each arrived once.
void relay_items(const std::string& name, const detail::ChannelPlan& plan, std::size_t size,
                 std::uint64_t items, Placement placement);

}  // namespace sluice::bench
