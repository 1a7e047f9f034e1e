// process/channel_scene.hpp: a channel with somebody at its other end: a thread, or a process that was
// forked before the channel existed and got its descriptors over a socket.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/off_thread_checks.hpp>

#include <sluice/process/channel.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::process_tests {

using detail::ChannelPlan;
using detail::EventCounter;
using detail::Lease;
using detail::LeaseChannel;
using detail::Record;
using detail::RecordType;
using detail::WorkerChannel;
using testing_support::OffThreadChecks;

using Bytes = std::vector<std::byte>;

enum class Host : std::uint8_t { thread, process };

/// One of the combinations under test.
struct Setting {
  ChannelPlan::Kind kind;
  Host host;
  [[nodiscard]] ChannelPlan plan(std::size_t bytes) const {
    return {.kind = kind, .down_bytes = bytes, .up_bytes = bytes};
  }
  /// "logs, a process".
  [[nodiscard]] std::string name() const;
};

/// What a worker does. Runs in a thread or in a process of its own; no assertions of Catch2 there.
using WorkerBody = std::function<void(WorkerChannel&, OffThreadChecks&)>;

/// An event that one side waits for and the other lets happen; make it before the scene.
class Signal {
 public:
  void give() const { counter_.raise(); }
  /// Blocks  until it was given since the last wait.
  void wait() const;

 private:
  EventCounter counter_{};
};

/// Who runs the body.
class WorkerHost {
 public:
  WorkerHost() = default;
  WorkerHost(const WorkerHost&) = delete;
  WorkerHost& operator=(const WorkerHost&) = delete;
  virtual ~WorkerHost() = default;
  /// Hands the descriptors over; the body begins.
  virtual void start(std::vector<detail::Descriptor> descriptors) = 0;
  /// Waits for its end. Returns  what was wrong.
  virtual std::string join() = 0;
  /// The thread or process, once it has said hello.
  [[nodiscard]] virtual int id() const = 0;
};

[[nodiscard]] std::unique_ptr<WorkerHost> make_host(Host host, WorkerBody body);

class Scene {
 public:
  Scene(Host host, const ChannelPlan& plan, WorkerBody body);
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  /// Ends the worker by hanging up, unless join() was called.
  ~Scene();

  [[nodiscard]] LeaseChannel& parent() { return *channel_; }
  [[nodiscard]] WorkerHost& host() { return *host_; }

  /// Lends and publishes one. Waits for room as a router does.
  void lend(std::uint64_t ticket, std::span<const std::byte> bytes);
  /// Waits as a router does. Returns  false when the worker is gone and nothing is left.
  [[nodiscard]] bool wait(Record& record);
  /// Sleeps until the worker commits something, or is gone.
  void sleep();
  void hang_up() { channel_.reset(); }
  /// Waits for the worker's end. Returns  what was wrong there.
  std::string join();

 private:
  EventCounter router_{};
  std::unique_ptr<WorkerHost> host_;
  std::unique_ptr<LeaseChannel> channel_{};
  bool joined_ = false;
};

/// Bytes that are a function of the ticket, the output and the place.
[[nodiscard]] Bytes pattern(std::uint64_t ticket, std::uint64_t output, std::size_t size);
/// Whether they are those.
[[nodiscard]] bool has_pattern(std::span<const std::byte> bytes, std::uint64_t ticket,
                               std::uint64_t output);

}  // namespace sluice::process_tests
