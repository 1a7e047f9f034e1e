// sluice/process/channel_setup.hpp: what the worker's end has to know, and the two pages of words.
//
// Both kinds of channel have both pages: the parent's, which no worker can write to, tells the worker
// what was planned; the worker's, which the parent maps read-only, has what a Progress is made of.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/memory_map.hpp>
#include <sluice/os/packet_socket.hpp>
#include <sluice/process/block_exchange.hpp>
#include <sluice/process/channel.hpp>
#include <sluice/process/log_ends.hpp>
#include <sluice/sync/sync_policy.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::detail {

/// The beginning of the parent's page; never changes once the worker can see it.
struct ChannelSetup {
  static constexpr std::uint64_t kMagic = 0x6c656e6e61684373;
  static constexpr std::uint32_t kVersion = 2;

  std::uint64_t magic = kMagic;
  std::uint32_t version = kVersion;
  ChannelPlan::Kind kind = ChannelPlan::Kind::log;
  bool times = true;
  std::uint64_t down_bytes = 0;
  std::uint64_t up_bytes = 0;
  std::uint64_t max_payload = 0;
  std::int64_t spin_ns = 0;
  std::uint64_t slots = 0;  ///< of each table of block files; 0: payloads are copied
};

struct ParentPage {
  ChannelSetup setup{};
  ParentWords<StandardSync> words{};
  BlockWords blocks{};
};
using WorkerPage = WorkerWords<StandardSync>;
static_assert(sizeof(ParentPage) <= 4096 && sizeof(WorkerPage) <= 4096);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Whether a record's bytes go into the log itself, where `staged` bytes of its transaction are
/// already, or into a file of its own: large ones do, and all that would make one transaction fill
/// more than half of the log. A small one takes no more than a reference would.
[[nodiscard]] constexpr bool goes_inline(std::uint64_t size, std::uint64_t staged,
                                         std::uint64_t log_bytes) noexcept {
  return size <= record_size(sizeof(LeaseHead) + sizeof(Elsewhere)) ||
         (size <= log_bytes / 8 * 3 && staged + size <= log_bytes / 2);
}

/// The plan with sizes that a log can have.
[[nodiscard]] ChannelSetup setup_from(const ChannelPlan& plan);

[[nodiscard]] LeaseChannel::Progress progress_of(const WorkerPage& page) noexcept;

/// What the worker's side of open_worker_channel() works with; descriptors in their order.
struct WorkerParts {
  std::vector<Descriptor> descriptors{};
  ChannelSetup setup{};
};

[[nodiscard]] NewChannel make_log_channel(const ChannelSetup& setup, const EventCounter& router);
[[nodiscard]] NewChannel make_packet_channel(const ChannelSetup& setup, const EventCounter& router);
[[nodiscard]] std::unique_ptr<WorkerChannel> open_log_channel(WorkerParts parts);
[[nodiscard]] std::unique_ptr<WorkerChannel> open_packet_channel(WorkerParts parts);

}  // namespace sluice::detail
