// sluice/process/channel.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/channel.hpp>

#include <sluice/error.hpp>
#include <sluice/process/channel_setup.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace sluice::detail {
namespace {

ChannelPlan::Kind of_runs = ChannelPlan::Kind::log;
constexpr std::size_t kMostLogBytes = std::size_t{1} << 30;

std::uint64_t log_size(std::size_t wanted) {
  if (wanted > kMostLogBytes) {
    throw UsageError(
        fmt::format("a channel's log of {} bytes: at most {} are possible", wanted, kMostLogBytes));
  }
  return std::bit_ceil(std::max(wanted, page_size()));
}

}  // namespace

ProtocolViolation::ProtocolViolation(const std::string& what, std::uint64_t offset)
    : std::runtime_error(
          fmt::format("a worker's records are damaged at byte {}: {}", offset, what)),
      offset_(offset) {}

PayloadTooLarge::PayloadTooLarge(std::uint64_t size, std::uint64_t limit)
    : std::length_error(fmt::format(
          "an item of {} bytes for a worker process: at most {} are allowed", size, limit)) {}

ParentGone::ParentGone() : std::runtime_error("the process that this worker works for is gone") {}

ChannelSetup setup_from(const ChannelPlan& plan) {
  return {.kind = plan.kind,
          .times = plan.times,
          .down_bytes = log_size(plan.down_bytes),
          .up_bytes = log_size(plan.up_bytes),
          .max_payload = plan.max_payload,
          .spin_ns = plan.spin.count(),
          .slots = std::min(plan.block_slots, kMostSlots)};
}

LeaseChannel::Progress progress_of(const WorkerPage& page) noexcept {
  // sync-point log-started: acquires the time that was stored before.
  const std::uint64_t started = page.started.load(std::memory_order_acquire);
  const std::uint64_t since = page.started_ns.load(std::memory_order_relaxed);
  const std::uint64_t sleeping = page.sleeping.load(std::memory_order_relaxed);
  return {.started = started,
          .started_ns = started == 0 ? 0 : static_cast<std::int64_t>(since),
          .committed_bytes = page.commit.load(std::memory_order_relaxed),
          // sync-point log-ready: acquire.
          .ready = page.ready.load(std::memory_order_acquire) != 0,
          .waits_for_room = SleepMark<StandardSync>::waits_for(sleeping, kForRoom)};
}

NewChannel make_channel(const ChannelPlan& plan, const EventCounter& router) {
  const ChannelSetup setup = setup_from(plan);
  return plan.kind == ChannelPlan::Kind::log ? make_log_channel(setup, router)
                                             : make_packet_channel(setup, router);
}

void set_kind_of_runs(ChannelPlan::Kind kind) noexcept { of_runs = kind; }
ChannelPlan::Kind kind_of_runs() noexcept { return of_runs; }

std::unique_ptr<WorkerChannel> open_worker_channel(std::span<const int> descriptors) {
  WorkerParts parts;
  for (const int number : descriptors) parts.descriptors.emplace_back(number);
  if (parts.descriptors.empty())
    throw UsageError("a worker's channel needs descriptors: none came");
  {
    const MemoryFile file(Descriptor::borrowed(parts.descriptors.front().number()),
                          "a worker's leases");
    if (file.size() >= page_size()) {
      const MemoryMap page(file, page_size(), MapAccess::read);
      std::memcpy(&parts.setup, page.data(), sizeof parts.setup);
    } else {
      parts.setup.magic = 0;
    }
  }
  const bool log = parts.setup.kind == ChannelPlan::Kind::log;
  if (parts.setup.magic != ChannelSetup::kMagic || parts.setup.version != ChannelSetup::kVersion ||
      parts.descriptors.size() != (log ? 5U : 4U)) {
    throw UsageError(
        fmt::format("a worker's channel can't be made of these {} descriptors: another program's?",
                    descriptors.size()));
  }
  return log ? open_log_channel(std::move(parts)) : open_packet_channel(std::move(parts));
}

}  // namespace sluice::detail
