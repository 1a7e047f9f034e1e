// sluice/sync/ring_index.hpp: which slots of a bounded ring are whose, and how full it is.
//
// Two words, one a side: index | closed | cancelled | claim. The index counts all puts (tail) or all
// takes (head) since the beginning, so the counts *are* the indices: size = tail - head.
//
// (1) Whoever set a side's claim bit owns that side until it stores the word again: it alone moves
//     the index, reads or writes that side's plain members and touches the slots on its side of the
//     index. A put claims the tail, a get the head; close, growth and capacity changes claim the tail
//     (growth the head too), cancel both, and so does a put that makes room. Always tail before head.
// (2) Count, then publish: a slot is written before the tail that makes it visible and counts it, in
//     one store. sync-point publish-items: that store releases, whoever looks for items acquires.
// (3) A slot is empty before the head that frees it. sync-point publish-room: the mirror image.
// (4) `closed` lies in the tail's word and is only set under its claim, so no put slips past a close.
// (5) Claiming is a seq_cst compare-and-swap: the change of state that sleepers' seq_cst looks are
//     ordered against (wait_point.hpp, sync-point announce-or-look). Publishing needs no more than
//     release, because a look that precedes the publishing store in the word sees the claim.
// (6) Each side remembers where it last saw the other one. What it remembers is never ahead of the
//     truth, so a put may only err towards full and a get towards empty, and both look again then.
//
// Layer: sync. Not API; reached through Queue<T>.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/assert.hpp>
#include <sluice/base/cache_line.hpp>
#include <sluice/sync/backoff.hpp>
#include <sluice/sync/pace.hpp>
#include <sluice/sync/sync_policy.hpp>

#include <cstddef>
#include <cstdint>

namespace sluice::detail {

/// How a claim ended. `grow`: there is room up to the capacity, but not in the storage.
enum class Claim : unsigned char { ok, none, closed, grow };

/// The storage as both sides see it. Owned and typed by the queue.
struct RingSlots {
  void* items = nullptr;           ///< null after cancel
  std::size_t mask = 0;            ///< slots - 1; slots are a power of two
  std::size_t* weights = nullptr;  ///< bytes of each item; null when the queue does not weigh

  [[nodiscard]] std::size_t count() const noexcept { return items != nullptr ? mask + 1 : 0; }
};

template <class Sync>
class BasicRingIndex {
  template <class V>
  using Atomic = typename Sync::template Atomic<V>;

 public:
  /// A claimed side: the first index that may be used, and how many from there on.
  struct Grant {
    std::uint64_t index = 0;
    std::uint64_t count = 0;
  };

  BasicRingIndex(std::size_t capacity, std::size_t capacity_bytes) noexcept
      : capacity_bytes_(capacity_bytes) {
    put_.capacity.store(capacity, std::memory_order_relaxed);
  }

  // ---- putting -----------------------------------------------------------------------------------

  /// Claims the tail when there is room; ends with publish() or unclaim_put().
  [[nodiscard]] Claim claim_put(Grant& grant) noexcept;
  /// The same without waiting or looking at the head; false says nothing, claim_put() finds out.
  [[nodiscard]] bool claim_put_at_once(Grant& grant) noexcept;
  [[gnu::always_inline]] void publish(const Grant& grant, std::uint64_t count) noexcept;
  void unclaim_put(const Grant& grant) noexcept { store_tail(grant.index, 0); }
  /// Claims the tail also where there is no room for an item that heavy. ok: as claim_put(). none: there is
  /// none, and the head is claimed, too: `oldest` has to be removed and released before the put is
  /// published, or both are unclaimed. `squeeze`: there is room in an empty queue only.
  [[nodiscard]] Claim claim_put_over(Grant& grant, Grant& oldest, std::size_t weight,
                                     bool squeeze) noexcept;
  /// Under both claims: would there be room without the oldest item?
  [[nodiscard]] bool fits_without(const Grant& grant, const Grant& oldest, std::size_t old_weight,
                                  std::size_t weight, bool squeeze) const noexcept;
  /// Under both claims: the oldest item is removed, its slot is free; the head's claim ends.
  void release_oldest(const Grant& oldest) noexcept {
    put_.seen_head.store(oldest.index + 1, std::memory_order_relaxed);
    release(oldest, 1);
  }
  /// Under the tail's claim: may an item that heavy go in? An empty queue takes any.
  [[nodiscard]] bool fits(const Grant& grant, std::size_t weight) noexcept;
  /// Under the tail's claim, before publish().
  void add_weight(std::size_t weight) noexcept;
  [[nodiscard]] RingSlots put_slots() const noexcept { return put_.slots; }

  // ---- getting -----------------------------------------------------------------------------------

  /// Claims the head when there are items; ends with release() or unclaim_get().
  [[nodiscard]] Claim claim_get(Grant& grant) noexcept;
  /// The same without waiting or looking at the tail; false says nothing, claim_get() finds out.
  [[nodiscard]] bool claim_get_at_once(Grant& grant) noexcept;
  void release(const Grant& grant, std::uint64_t count) noexcept {
    // sync-point publish-room
    get_.word.store((grant.index + count) << kShift, std::memory_order_release);
  }
  void unclaim_get(const Grant& grant) noexcept { release(grant, 0); }
  /// Under the head's claim, before release().
  void remove_weight(std::size_t weight) noexcept {
    get_.bytes.store(get_.bytes.load(std::memory_order_relaxed) + weight,
                     std::memory_order_relaxed);
  }
  [[nodiscard]] RingSlots get_slots() const noexcept { return get_.slots; }

  // ---- rare changes ------------------------------------------------------------------------------

  /// Claims a side whatever its state is. Returns the word as it was.
  std::uint64_t lock_put() noexcept { return lock(put_.word); }
  std::uint64_t lock_get() noexcept { return lock(get_.word); }
  /// Stores a word returned by lock_*(), which ends the claim.
  void unlock_put(std::uint64_t word) noexcept {
    put_.word.store(word, std::memory_order_release);  // sync-point publish-items
  }
  void unlock_get(std::uint64_t word) noexcept {
    get_.word.store(word, std::memory_order_release);  // sync-point publish-room
  }
  /// Refuses further puts; returns false when that was so before.
  bool close() noexcept;
  struct Contents {
    RingSlots slots;
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;  ///< as they were weighed
  };
  /// When nobody else uses the queue any more: what is in it.
  [[nodiscard]] Contents contents() const noexcept {
    return {put_.slots, head(), tail() - head(), 0};
  }
  /// Under both claims: takes everything out of the account and gives it to the caller.
  [[nodiscard]] Contents take_all(std::uint64_t& tail, std::uint64_t& head) noexcept;
  /// Under both claims (or before any other use): the storage from now on.
  void set_slots(const RingSlots& slots) noexcept;
  /// Under the tail's claim.
  void set_capacity(std::size_t capacity) noexcept;

  // ---- looking -----------------------------------------------------------------------------------

  /// The sleepers' look for `count` items: true also when closed or when a put is in progress.
  [[nodiscard]] bool may_have_items(std::uint64_t count) const noexcept;
  /// The sleepers' look for room: true also when closed or when a put or get is in progress.
  [[nodiscard]] bool may_have_room(std::uint64_t count, std::size_t weight) const noexcept;
  /// The sleepers' look for a queue without items: true also when closed or when a put or get is in progress.
  [[nodiscard]] bool may_be_empty() const noexcept;
  [[nodiscard]] bool has_items() const noexcept;
  [[nodiscard]] bool has_room(std::uint64_t count = 1) const noexcept;
  /// Closed and empty.
  [[nodiscard]] bool drained() const noexcept;

  [[nodiscard]] bool is_closed() const noexcept { return (tail_word() & kClosed) != 0; }
  [[nodiscard]] bool is_cancelled() const noexcept { return (tail_word() & kCancelled) != 0; }
  /// Puts, or takes including what cancel dropped, since the beginning.
  [[nodiscard]] std::uint64_t tail() const noexcept { return tail_word() >> kShift; }
  [[nodiscard]] std::uint64_t head() const noexcept { return head_word() >> kShift; }
  /// The tail for join(): seq_cst because it follows a seq_cst load of the settled count there.
  [[nodiscard]] std::uint64_t tail_in_order() const noexcept {
    return put_.word.load(std::memory_order_seq_cst) >> kShift;
  }
  [[nodiscard]] std::uint64_t head_word() const noexcept {
    return get_.word.load(std::memory_order_acquire);  // sync-point publish-room
  }
  [[nodiscard]] static bool claimed(std::uint64_t word) noexcept { return (word & kClaim) != 0; }
  [[nodiscard]] static std::uint64_t index_of(std::uint64_t word) noexcept {
    return word >> kShift;
  }

  [[nodiscard]] std::uint64_t size() const noexcept;
  [[nodiscard]] std::size_t size_bytes() const noexcept;
  [[nodiscard]] std::size_t capacity() const noexcept {
    return put_.capacity.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t capacity_bytes() const noexcept { return capacity_bytes_; }
  [[nodiscard]] std::uint64_t high_water() const noexcept {
    return put_.high_water.load(std::memory_order_relaxed);
  }
  /// What all puts weighed.
  [[nodiscard]] std::uint64_t bytes_put() const noexcept {
    return put_.bytes.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t high_water_bytes() const noexcept {
    return put_.high_water_bytes.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint64_t kClaim = 1;
  static constexpr std::uint64_t kClosed = 2;
  static constexpr std::uint64_t kCancelled = 4;
  static constexpr std::uint64_t kFlags = kClaim | kClosed | kCancelled;
  static constexpr unsigned kShift = 3;

  // Everything a put touches; on lines of its own.
  struct alignas(kCacheLine) PutSide {
    Atomic<std::uint64_t> word{0};
    Atomic<std::uint64_t> seen_head{0};
    Atomic<std::uint64_t> limit{0};  // min(capacity, slots)
    Atomic<std::uint64_t> high_water{0};
    typename Sync::template Plain<RingSlots> slots{};
    BasicPace<Sync> pace;
    Atomic<std::size_t> capacity{0};
    Atomic<std::uint64_t> bytes{0};  // of all puts
    Atomic<std::uint64_t> seen_bytes_out{0};
    Atomic<std::uint64_t> high_water_bytes{0};
  };
  // Everything a get touches.
  struct alignas(kCacheLine) GetSide {
    Atomic<std::uint64_t> word{0};
    Atomic<std::uint64_t> seen_tail{0};
    typename Sync::template Plain<RingSlots> slots{};
    BasicPace<Sync> pace;
    Atomic<std::uint64_t> bytes{0};  // of all takes
  };

  [[nodiscard]] std::uint64_t tail_word() const noexcept {
    return put_.word.load(std::memory_order_acquire);  // sync-point publish-items
  }
  void store_tail(std::uint64_t index, std::uint64_t flags) noexcept {
    // sync-point publish-items
    put_.word.store(index << kShift | flags, std::memory_order_release);
  }
  [[nodiscard]] static bool take_claim(Atomic<std::uint64_t>& side, std::uint64_t& word) noexcept {
    // seq_cst: see (5). Acquires what the last owner of this side left.
    return side.compare_exchange_weak(word, word | kClaim, std::memory_order_seq_cst,
                                      std::memory_order_relaxed);
  }
  static std::uint64_t lock(Atomic<std::uint64_t>& side) noexcept;
  // The whole of <algorithm> would be a sixth of the umbrella header.
  [[nodiscard]] static constexpr std::uint64_t least(std::uint64_t a, std::uint64_t b) noexcept {
    return a < b ? a : b;
  }
  void raise_high_water(std::uint64_t tail) noexcept;

  PutSide put_;
  GetSide get_;
  const std::size_t capacity_bytes_;
};

}  // namespace sluice::detail

#include <sluice/sync/ring_index_impl.hpp>
#include <sluice/sync/ring_index_looks.hpp>
