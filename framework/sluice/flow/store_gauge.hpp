// sluice/flow/store_gauge.hpp: how much waits in a worker's store, for who looks from outside.
//
// One writer, the worker; any number of readers, who see some recent value of each.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::detail {

class StoreGauge {
 public:
  struct Level {
    std::uint64_t items = 0;       ///< that wait
    std::uint64_t spilled = 0;     ///< of these: in the file
    std::uint64_t file_bytes = 0;  ///< taken by these
  };

  void set(const Level& now, const Level& most) noexcept {
    now_.set(now);
    most_.set(most);
  }
  /// Whether nothing more can be taken, because the file would grow too large.
  void set_full(bool full) noexcept { full_.store(full, std::memory_order_relaxed); }
  [[nodiscard]] bool full() const noexcept { return full_.load(std::memory_order_relaxed); }
  /// The store is gone.
  void end() noexcept {
    now_.set({});
    set_full(false);
  }

  [[nodiscard]] Level now() const noexcept { return now_.get(); }
  /// The most there ever was of each at one time.
  [[nodiscard]] Level most() const noexcept { return most_.get(); }

 private:
  class Shown {
   public:
    void set(const Level& level) noexcept {
      items_.store(level.items, std::memory_order_relaxed);
      spilled_.store(level.spilled, std::memory_order_relaxed);
      file_bytes_.store(level.file_bytes, std::memory_order_relaxed);
    }
    [[nodiscard]] Level get() const noexcept {
      return {.items = items_.load(std::memory_order_relaxed),
              .spilled = spilled_.load(std::memory_order_relaxed),
              .file_bytes = file_bytes_.load(std::memory_order_relaxed)};
    }

   private:
    std::atomic<std::uint64_t> items_{0};
    std::atomic<std::uint64_t> spilled_{0};
    std::atomic<std::uint64_t> file_bytes_{0};
  };

  Shown now_;
  Shown most_;
  std::atomic<bool> full_{false};
};

}  // namespace sluice::detail
