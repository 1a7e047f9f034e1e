// sluice/sync/turn.hpp: whose turn it is to deliver, when what several threads finish has to leave in order.
//
// Numbers are handed out without gaps, from 0. Who got one finishes it, once. The number that is next has
// the turn; who owns the turn delivers, and goes on with the numbers behind it that others have finished.
//
// One word: next number (63 bits) | owned (1 bit). And a stamp for each number in the window: the number
// plus one, once it is finished by somebody who did not own the turn.
//
// (1) Only the owner moves the word on, and only one owns it: it is taken by compare-and-swap.
// (2) No finished number is left lying, by sync-point turn-or-stamp: who finishes a number stamps it and
//     then looks at the word; who gives up the turn frees the word and then looks at the stamp of the next
//     number. All four steps are seq_cst, so at least one of both sees the other's, and takes the turn.
// (3) At most `window` numbers are handed out and not delivered: admit(). A stamp's slot is used again only
//     for a number `window` further on, so stamps need no clearing.
// (4) It can't block for ever: the number that is next was handed out, and its holder needs nothing of the
//     window to finish it.
// Layer: sync. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/assert.hpp>
#include <sluice/base/cache_line.hpp>
#include <sluice/sync/sync_policy.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace sluice::detail {

template <class Sync>
class BasicTurn {
 public:
  /// `window` numbers at most are handed out and not delivered.
  explicit BasicTurn(std::size_t window)
      : window_(window), stamps_(std::make_unique<Atomic<std::uint64_t>[]>(window)) {}

  [[nodiscard]] std::size_t window() const noexcept { return window_; }

  // ---- handing out ---------------------------------------------------------------------------------

  /// Returns  how many numbers the caller may take from the source of numbers, at most `wanted`; 0 when
  ///          the window is full. Threads  any.
  [[nodiscard]] std::size_t admit(std::size_t wanted) noexcept {
    std::uint64_t admitted = admitted_.load(std::memory_order_relaxed);
    std::uint64_t open = 0;
    std::size_t room = 0;
    do {
      // sync-point turn-slot: acquires what the owner did to the slots of the numbers before.
      const std::uint64_t next = word_.load(std::memory_order_acquire) >> 1;
      // An old count may lie behind the next number; then the exchange fails. An old next number makes
      // the window look fuller than it is.
      open = admitted > next ? admitted - next : 0;
      if (open >= window_) return 0;
      room = window_ - static_cast<std::size_t>(open);
      if (wanted < room) room = wanted;
    } while (!admitted_.compare_exchange_weak(admitted, admitted + room, std::memory_order_relaxed,
                                              std::memory_order_relaxed));
    note_open(open + room);
    return room;
  }
  /// Fewer were taken than admitted. seq_cst because the caller then looks who waits for room.
  void give_back(std::size_t unused) noexcept {
    if (unused != 0) admitted_.fetch_sub(unused, std::memory_order_seq_cst);
  }
  /// A sleeper's look, after it announced itself: seq_cst.
  [[nodiscard]] bool may_admit() const noexcept {
    const std::uint64_t next = word_.load(std::memory_order_seq_cst) >> 1;
    return admitted_.load(std::memory_order_seq_cst) < next + window_;
  }
  /// Numbers admitted and not delivered.
  [[nodiscard]] std::uint64_t open() const noexcept {
    const std::uint64_t next = word_.load(std::memory_order_relaxed) >> 1;
    const std::uint64_t admitted = admitted_.load(std::memory_order_relaxed);
    return admitted > next ? admitted - next : 0;
  }
  /// Most numbers that were admitted and not delivered at once, or a few more: an old next number counts.
  [[nodiscard]] std::uint64_t most_open() const noexcept {
    return most_open_.load(std::memory_order_relaxed);
  }

  // ---- finishing -----------------------------------------------------------------------------------

  [[nodiscard]] std::uint64_t next() const noexcept {
    return word_.load(std::memory_order_seq_cst) >> 1;
  }

  /// Makes the holder of `number`, not yet finished, the owner when it is next. Nobody else can want it.
  [[nodiscard]] bool try_own(std::uint64_t number) noexcept {
    std::uint64_t free = number << 1;
    // sync-point turn-slot: acquires what the last owner did.
    return word_.load(std::memory_order_relaxed) == free &&
           word_.compare_exchange_strong(free, free | kOwned, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }

  /// Of who does not own the turn: `number` is finished, its slot is the turn's.
  /// Returns  whether the caller owns the turn now, at next().
  [[nodiscard]] bool finish(std::uint64_t number) noexcept {
    // sync-point turn-or-stamp: stamps, then looks.
    stamps_[number % window_].store(number + 1, std::memory_order_seq_cst);
    return own_if_stamped();
  }

  /// Of the owner: number next() is delivered.
  /// Returns  whether the one after it is finished by somebody else.
  bool advance() noexcept {
    const std::uint64_t next = (word_.load(std::memory_order_relaxed) >> 1) + 1;
    // sync-point turn-slot: releases the slot. seq_cst because the caller then looks who waits for room
    // in the window.
    word_.store(next << 1 | kOwned, std::memory_order_seq_cst);
    return stamped(next);
  }

  /// Of the owner: gives up the turn, because next() is not finished.
  /// Returns  whether it owns the turn again, because it was finished meanwhile.
  [[nodiscard]] bool leave() noexcept {
    const std::uint64_t next = word_.load(std::memory_order_relaxed) >> 1;
    // sync-point turn-or-stamp: frees, then looks.
    word_.store(next << 1, std::memory_order_seq_cst);
    return own_if_stamped();
  }

  /// Finished by somebody who did not own the turn, and not yet delivered. For who is alone.
  [[nodiscard]] bool finished(std::uint64_t number) const noexcept { return stamped(number); }

 private:
  template <class V>
  using Atomic = typename Sync::template Atomic<V>;
  static constexpr std::uint64_t kOwned = 1;

  void note_open(std::uint64_t open) noexcept {
    std::uint64_t most = most_open_.load(std::memory_order_relaxed);
    while (open > most && !most_open_.compare_exchange_weak(most, open, std::memory_order_relaxed,
                                                            std::memory_order_relaxed)) {
    }
  }
  [[nodiscard]] bool stamped(std::uint64_t number) const noexcept {
    return stamps_[number % window_].load(std::memory_order_seq_cst) == number + 1;
  }
  [[nodiscard]] bool own_if_stamped() noexcept {
    std::uint64_t word = word_.load(std::memory_order_seq_cst);
    while ((word & kOwned) == 0 && stamped(word >> 1)) {
      if (word_.compare_exchange_weak(word, word | kOwned, std::memory_order_seq_cst,
                                      std::memory_order_seq_cst)) {
        return true;
      }
    }
    return false;
  }

  std::size_t window_;
  std::unique_ptr<Atomic<std::uint64_t>[]> stamps_;
  alignas(kCacheLine) Atomic<std::uint64_t> word_{0};
  alignas(kCacheLine) Atomic<std::uint64_t> admitted_{0};
  Atomic<std::uint64_t> most_open_{0};  // written beside admitted_, by the same threads
};

using Turn = BasicTurn<StandardSync>;

}  // namespace sluice::detail
