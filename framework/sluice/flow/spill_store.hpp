// sluice/flow/spill_store.hpp: items that wait, in memory as far as they may, the rest in a file.
//
// The oldest items are in memory as they are; once `memory_items` wait, later ones are encoded and
// go to a temporary file in blocks (flow/spill_log.hpp), until all of those have been taken. Memory
// is bounded by memory_items items and two blocks. One owner: no locking.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/assert.hpp>
#include <sluice/codec.hpp>
#include <sluice/flow/item_fifo.hpp>
#include <sluice/flow/spill_log.hpp>
#include <sluice/flow/store_gauge.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace sluice::detail {

struct SpillOptions {
  std::size_t memory_items = 16384;  ///< that wait in memory as they are
  std::string directory{};           ///< for the file; empty: TMPDIR, or /tmp
  std::uint64_t max_bytes = 0;       ///< that the file may ever have; 0: any number
  bool compressed = false;           ///< what is in the file
};

/// The most there ever was at one time.
struct SpillHighWater {
  std::size_t items = 0;
  std::size_t spilled = 0;
  std::uint64_t spilled_bytes = 0;
  std::uint64_t file_bytes = 0;
};

template <class T>
class SpillStore {
 public:
  explicit SpillStore(SpillOptions options = {})
      : memory_items_(options.memory_items),
        log_({.directory = std::move(options.directory),
              .max_bytes = options.max_bytes,
              .compressed = options.compressed}) {}

  /// Whether items can go to a file at all; else all of them wait in memory.
  [[nodiscard]] static constexpr bool spills() noexcept { return portable<T>; }

  [[nodiscard]] std::size_t size() const noexcept { return memory_.size() + log_.size(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /// The oldest item is in memory as it is.
  [[nodiscard]] bool next_is_in_memory() const noexcept { return !memory_.empty(); }
  /// Items in the file now, and their bytes before they were compressed.
  [[nodiscard]] std::size_t spilled() const noexcept { return log_.spilled(); }
  [[nodiscard]] std::uint64_t spilled_bytes() const noexcept { return log_.spilled_bytes(); }
  [[nodiscard]] const SpillHighWater& high_water() const noexcept { return high_water_; }
  /// False when one more item might make the file larger than it may be. True when empty().
  [[nodiscard]] bool has_room() const noexcept {
    return (memory_.size() < memory_items_ && log_.empty()) || log_.has_room();
  }
  void show(StoreGauge& gauge) const noexcept {
    gauge.set({.items = size(), .spilled = spilled(), .file_bytes = log_.file_bytes()},
              {.items = high_water_.items,
               .spilled = high_water_.spilled,
               .file_bytes = high_water_.file_bytes});
  }

  /// `to_file`: memory is short, so the item goes to the file, if that may grow, although there may be
  /// room for it in memory.
  /// Returns  whether the item is in the file now.
  /// Throws  std::system_error when the file can't be made or written, and the directory is named;
  ///         EncodeError, std::bad_alloc, what a move or a codec of T throws. The item is then
  ///         still in `item`, the store as it was, and may be put again.
  bool put(T&& item, bool to_file = false) {
    if constexpr (portable<T>) {
      if ((to_file && log_.has_room()) || memory_.size() >= memory_items_ || !log_.empty()) {
        put_encoded(item);
        forget(item);
        count();
        return true;
      }
    }
    memory_.push(std::move(item));
    count();
    return false;
  }

  /// Requires  not empty(). Returns  the oldest item.
  /// Throws  std::system_error when the file can't be read, what a move or a codec of T throws: the
  ///         item is then still the oldest of the store.
  [[nodiscard]] T take() {
    SLUICE_ASSERT(!empty(), "nothing to take");
    if constexpr (portable<T>) {
      if (memory_.empty()) return take_encoded();
    }
    T item(std::move(memory_.front()));
    memory_.pop();
    return item;
  }

 private:
  void put_encoded(const T& item) {
    Bytes& to = log_.open_record();
    try {
      encode(item, to);
    } catch (...) {
      log_.abandon_record();
      throw;
    }
    log_.close_record();
  }

  T take_encoded() {
    T item = decode<T>(log_.front());
    log_.pop();
    return item;
  }

  // The item was copied out: what it owns must not outlive its stay here.
  static void forget(T& item) noexcept {
    if constexpr (std::is_nothrow_move_constructible_v<T> && !std::is_trivially_destructible_v<T>) {
      [[maybe_unused]] const T gone(std::move(item));
    }
  }

  void count() noexcept {
    if (size() > high_water_.items) high_water_.items = size();
    if (spilled() > high_water_.spilled) high_water_.spilled = spilled();
    if (spilled_bytes() > high_water_.spilled_bytes) {
      high_water_.spilled_bytes = spilled_bytes();
    }
    if (log_.file_bytes() > high_water_.file_bytes) high_water_.file_bytes = log_.file_bytes();
  }

  std::size_t memory_items_;
  ItemFifo<T> memory_{};
  SpillLog log_;
  SpillHighWater high_water_{};
};

}  // namespace sluice::detail
