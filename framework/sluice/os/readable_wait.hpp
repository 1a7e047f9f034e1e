// sluice/os/readable_wait.hpp: waits until a descriptor can be read or a stop is requested.
//
// A read that waits for a terminal or a pipe can't be ended from another thread without a signal.
// So the wait is a poll on the descriptor and on an event that the stop request raises; the read
// that follows finds data.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <memory>
#include <stop_token>
#include <string>

namespace sluice::detail {

enum class Readable : unsigned char { ready, stopped };

class ReadableWait {
 public:
  /// Throws  std::system_error when there is no descriptor left for the event.
  explicit ReadableWait(std::stop_token token);

  /// Blocks   until a read would not wait (data, end or error), or a stop is requested.
  [[nodiscard]] Readable wait(const Descriptor& descriptor, const std::string& name);

  /// Returns  whether a read would not wait right now.
  [[nodiscard]] static bool ready(const Descriptor& descriptor) noexcept;

 private:
  struct Raise {
    int event;
    void operator()() const noexcept;
  };

  Descriptor event_;
  // After event_, so that it is gone before the event is closed.
  std::unique_ptr<std::stop_callback<Raise>> on_stop_;
};

}  // namespace sluice::detail
