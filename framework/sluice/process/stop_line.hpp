// sluice/process/stop_line.hpp: a worker process is told that its stage is to stop, also while its function runs.
//
//   supervisor   tell(stop), tell(drop)  ----->  take(), or sleeps at its descriptor    a thread of the worker's
//                is_heeded()             <-----  heed()
//                has_started()           <-----  say_started()                       its first thread
//
// A pair of sockets per process, because the channel belongs to other threads on both sides. Words only rise,
// so a word that is told twice changes nothing, and one that could not be sent is told at the next look. Neither
// end needs memory for a word: a worker whose item took all of it hears that it is to stop.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/byte_socket.hpp>
#include <sluice/os/descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace sluice::detail {

enum class StopWord : std::uint8_t {
  none,
  stop,  ///< what Context::stop_token() tells
  drop,  ///< besides, nobody wants any answer
};

/// The parent's end. Threads  one, the supervisor.
class StopLine {
 public:
  StopLine() noexcept = default;
  /// With the descriptor for the worker. Throws  std::system_error.
  [[nodiscard]] static std::pair<StopLine, Descriptor> make();

  /// Unless it was told that, or more. Never blocks.
  void tell(StopWord word) noexcept;
  /// Whether the worker has somebody who listens; its own word, and no promise. Never blocks.
  [[nodiscard]] bool is_heeded() noexcept;
  /// Whether it has said that it started. Unlike its page, this can't be overwritten later. Never blocks.
  [[nodiscard]] bool has_started() noexcept;

 private:
  explicit StopLine(ByteSocket socket) noexcept : socket_(std::move(socket)) {}

  void hear() noexcept;

  ByteSocket socket_{};
  StopWord told_ = StopWord::none;
  bool heeded_ = false;
  bool started_ = false;
};

/// The worker's end. Threads  one at a time.
class StopLineEnd {
 public:
  explicit StopLineEnd(Descriptor descriptor) noexcept : socket_(std::move(descriptor)) {}

  /// Somebody listens from now on. Never blocks. Threads  any.
  void heed() const noexcept;
  /// After it was published that start() has returned. Never blocks. Threads  any.
  void say_started() const noexcept;
  /// The highest word that was told so far. Never blocks.
  [[nodiscard]] StopWord take() noexcept;
  /// Readable when a word came; -1 once there will be none.
  [[nodiscard]] int number() const noexcept { return ended_ ? -1 : socket_.number(); }

 private:
  ByteSocket socket_;
  StopWord word_ = StopWord::none;
  bool ended_ = false;
};

}  // namespace sluice::detail
