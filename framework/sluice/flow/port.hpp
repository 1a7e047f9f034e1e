// sluice/flow/port.hpp: the output end of one worker: stages, commits and publishes outputs.
//
// (1) Outputs of one item are staged until its callback has returned; a throw discards them.
// (2) commit() decides where each output goes and counts it as emitted; publish() offers it to the
//     edges without blocking. What does not fit stays here, in order, and the worker is not stepped
//     on until publish() has succeeded: that is the stage's bounded overflow.
// (3) An output is moved into the last branch that wants it and copied into the others.
// (4) An output that is its callback's last act needs no staging while the port is direct.
// (5) A branch that drops never keeps anything here: publish() is done with it at once. Its edge is full, too,
//     where the run's memory budget has nothing left for it. What it drops keeps its charge for as long as it
//     lies here, until publish() is done with the item; what it displaces gives it back at once.
// Owned by whoever holds the worker's claim.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/copyable.hpp>
#include <sluice/flow/item_vector.hpp>
#include <sluice/flow/port_core.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace sluice::detail {

template <class T>
class OutPort final : public PortCore {
 public:
  /// Room for up to `kept` outputs is kept from one item to the next.
  OutPort(std::span<const OutputBinding> bindings, WorkerState& worker,
          std::size_t kept = std::size_t{1} << 16)
      : PortCore(bindings, worker), queue_(single_ ? &queue_of(0, 0) : nullptr), kept_(kept) {}

  /// Adds an output of the item in progress.
  void stage(T&& item) {
    staged_.push_back(std::move(item));
    leave_direct();
  }

  /// The port is direct(): the only output of an item whose callback has returned.
  void put_direct(T&& item) {
    const PutStatus status = queue_->try_put(std::move(item));
    if (status != PutStatus::ok) [[unlikely]]
      keep_if_full(status, std::move(item));
    count_direct();
  }

  /// The callback returned: its outputs are decided and counted. May throw what a key function or
  /// a predicate throws; then nothing of this item is committed.
  void commit() {
    if (staged_.size() == committed_) return;
    if (charges()) {
      for (std::size_t i = weights_.size(); i < staged_.size(); ++i) {
        weights_.push_back(sluice::weight_of(staged_[i]));
      }
    }
    commit_outputs(staged_.data(), sizeof(T), staged_.size());
  }

  /// The callback threw: forgets what it emitted.
  void discard() noexcept {
    staged_.shrink_to(committed_);
    forget_decisions();
    if (staged_.empty()) return_to_direct();
  }

  /// Of a port that stands alone: hands every staged output to `take`, in order, and forgets them. When
  /// `take` throws they are all still here.
  template <class Take>
  void take_staged(Take take) {
    for (std::size_t i = 0; i < staged_.size(); ++i) take(std::as_const(staged_[i]));
    clear();
  }

  /// The callback has moved `item` here as its only output, and it was not committed: moves it back.
  void give_back(T& item) noexcept requires std::is_nothrow_move_constructible_v<T> {
    if (staged_.size() != committed_ + 1) return;
    std::destroy_at(&item);
    std::construct_at(&item, std::move(staged_[committed_]));
  }

  /// Offers what is committed to the edges; true when nothing is left. Never blocks.
  /// Throws what moving or copying an output throws; what was not accepted is then still here.
  [[nodiscard]] bool publish() {
    if (staged_.empty()) return true;
    forget_full();
    const bool all = single_ ? publish_single() : publish_branches();
    if (all) clear();
    return all;
  }

  /// Gives up what is left (the run was cancelled or failed): counted as refused.
  void abandon() noexcept {
    forget_full();
    for (std::size_t b = 0; b < branches_.size(); ++b) {
      refuse_rest(b);
      end(*branches_[b]);
    }
    clear();
  }

  /// For streaming stages: returns when all is accepted or the run was cancelled. Blocks. Throws what
  /// commit() throws; the outputs are then discarded.
  void publish_blocking() {
    try {
      commit();
    } catch (...) {
      discard();
      throw;
    }
    while (!worker_->control().cancelled()) {
      if (publish_or_fail()) return;
    }
    abandon();
  }

 private:
  // Waits when there was no room. An output whose move throws fails the run, as in any other stage.
  bool publish_or_fail() noexcept {
    try {
      if (publish()) return true;
      worker_->emit_wait().wait_for_room();
    } catch (...) {
      fail_phase(*worker_, "moving an output");
    }
    return false;
  }

  [[nodiscard]] Queue<T>& queue_of(std::size_t branch, std::size_t lane) const noexcept {
    return static_cast<Edge<T>&>(branches_[branch]->edge()).queue(lane);
  }

  [[gnu::noinline]] void keep_if_full(PutStatus status, T&& item) {
    if (status == PutStatus::full && branches_[0]->drops()) {
      status = put_by_policy(*branches_[0], *queue_, std::move(item));
      if (status == PutStatus::ok) return;
      if (status == PutStatus::full) return dropped_directly();
    }
    if (status == PutStatus::full) {
      // Nothing is counted yet: when this throws, the callback has thrown.
      staged_.push_back(std::move(item));
      committed_ = 1;
      return not_put(status, *queue_, queue_->weight_of(staged_[0]));
    }
    not_put(status, *queue_, 0);
  }

  // An output found its branch full, which drops. ok: it is put all the same, the oldest item is
  // dropped; full: it has to be dropped itself.
  PutStatus put_by_policy(Branch& branch, Queue<T>& queue, T&& item) {
    if (branch.overflow == Overflow::drop_newest) return PutStatus::full;
    return put_over(branch, queue, item, queue.weight_of(item));
  }

  // Drops oldest items until the item is in: one, where nothing is bounded in bytes. Each round drops one or
  // ends, and an empty lane takes any item. Where memory is short, the lane counts as full.
  PutStatus put_over(Branch& branch, Queue<T>& queue, T& item, std::size_t weight) {
    for (;;) {
      const bool squeeze = charges() && !admitted(queue, branch);
      const auto over = queue.put_over(std::move(item), weight, squeeze);
      if (over.dropped) {
        branch.counts.counts.add(Count::displaced);
        branch.edge().drop_bytes(kFixedWeight<T> ? sizeof(T) : over.weight);
      }
      if (over.status != PutStatus::full) return over.status;
    }
  }

  bool publish_single() {
    Branch& branch = *branches_[0];
    if (branch.ended) {
      refuse_rest(0);
      return true;
    }
    PutManyResult put;
    if constexpr (std::is_nothrow_move_constructible_v<T>) {
      put = queue_->try_put_many(
          std::span<T>(staged_.data(), staged_.size()).subspan(branch.accepted));
      branch.accepted += put.accepted;
      branch.counts.counts.add(Count::put, put.accepted);
    } else {  // one at a time, so that after a throw it is known how far it came
      while (branch.accepted < staged_.size()) {
        put.status = queue_->try_put(std::move(staged_[branch.accepted]));
        if (put.status != PutStatus::ok) break;
        ++branch.accepted;
        branch.counts.counts.add(Count::put);
      }
    }
    if (branch.accepted == committed_) return true;
    if (put.status == PutStatus::full && branch.drops()) return drop_what_does_not_fit(branch);
    const bool waits = put.status == PutStatus::full;
    return put_failed(0, put.status, *queue_,
                      waits ? queue_->weight_of(staged_[branch.accepted]) : 0);
  }

  [[gnu::noinline]] bool drop_what_does_not_fit(Branch& branch) {
    for (; branch.accepted < committed_; ++branch.accepted) {
      T& item = staged_[branch.accepted];
      PutStatus status = queue_->try_put(std::move(item));
      if (status == PutStatus::full) status = put_by_policy(branch, *queue_, std::move(item));
      if (status == PutStatus::closed) return put_failed(0, status, *queue_, 0);
      branch.counts.counts.add(status == PutStatus::full ? Count::dropped : Count::put);
    }
    return true;
  }

  bool publish_branches() {
    bool all = true;
    for (std::size_t b = 0; b < branches_.size(); ++b) all = advance(b) && all;
    return all;
  }

  bool advance(std::size_t index) {
    Branch& branch = *branches_[index];
    for (; branch.accepted < staged_.size(); ++branch.accepted) {
      const std::size_t at = branch.accepted;
      const std::ptrdiff_t lane = lane_of(at, index);
      if (lane == kElsewhere) {
        branch.counts.counts.add(Count::elsewhere);
        continue;
      }
      if (!branch.ended) {
        Queue<T>& queue = queue_of(index, static_cast<std::size_t>(lane));
        const bool short_of_memory = charges() && !admitted(queue, branch);
        PutStatus status = PutStatus::full;
        if (!short_of_memory) {
          status = charges() ? offer_charged(queue, at, branch) : offer(queue, at);
        }
        if (status == PutStatus::full) {
          if (!branch.drops()) {
            if (short_of_memory) {
              found_short(queue, branch);
            } else {
              found_full(queue, branch, queue.weight_of(staged_[at]));
            }
            return false;
          }
          status = offer_over(branch, queue, at);
          if (status == PutStatus::full) {
            branch.counts.counts.add(Count::dropped);
            --wanted(at);
            continue;
          }
        }
        if (status != PutStatus::ok) end(branch);
      }
      branch.counts.counts.add(branch.ended ? Count::refused : Count::put);
      --wanted(at);
    }
    return true;
  }

  PutStatus offer(Queue<T>& queue, std::size_t at) {
    if constexpr (Copyable<T>) {
      if (wanted(at) > 1) {
        if (!queue.has_room()) {
          return queue.is_closed() ? PutStatus::closed : PutStatus::full;  // spares the copy
        }
        return queue.try_put(std::as_const(staged_[at]));
      }
    }
    return queue.try_put(std::move(staged_[at]));
  }

  // As put_by_policy(), with a copy where other branches want the output, too.
  PutStatus offer_over(Branch& branch, Queue<T>& queue, std::size_t at) {
    if (branch.overflow == Overflow::drop_newest) return PutStatus::full;
    if constexpr (Copyable<T>) {
      if (wanted(at) > 1) {
        T copy(std::as_const(staged_[at]));
        if (!charges()) return put_by_policy(branch, queue, std::move(copy));
        charge_copy(at);
        return copy_charged(at, branch,
                            [&] { return put_over(branch, queue, copy, weights_[at]); });
      }
    }
    if (!charges()) return put_by_policy(branch, queue, std::move(staged_[at]));
    const PutStatus status = put_over(branch, queue, staged_[at], weights_[at]);
    if (status == PutStatus::ok) hand_over(at, branch);
    return status;
  }

  // An output that is moved takes its charge along; a copy has one of its own.
  PutStatus offer_charged(Queue<T>& queue, std::size_t at, Branch& branch) {
    if constexpr (Copyable<T>) {
      if (wanted(at) > 1) return offer_copy(queue, at, branch);
    }
    const PutStatus status = queue.try_put_weighed(std::move(staged_[at]), weights_[at]);
    if (status == PutStatus::ok) hand_over(at, branch);
    return status;
  }

  PutStatus offer_copy(Queue<T>& queue, std::size_t at, Branch& branch) {
    if (!queue.has_room()) return queue.is_closed() ? PutStatus::closed : PutStatus::full;
    charge_copy(at);
    return copy_charged(at, branch, [&] {
      return queue.try_put_weighed(std::as_const(staged_[at]), weights_[at]);
    });
  }

  // Puts a copy that is charged already: the edge has its charge, or it is given back.
  template <class Put>
  PutStatus copy_charged(std::size_t at, Branch& branch, Put put) {
    PutStatus status = PutStatus::full;
    try {
      status = put();
    } catch (...) {
      uncharge_copy(at);
      throw;
    }
    if (status == PutStatus::ok) {
      branch.counts.counts.add(Count::charged, weights_[at]);
    } else {
      uncharge_copy(at);
    }
    return status;
  }

  void clear() noexcept {
    staged_.clear();
    if (staged_.capacity() > kept_) staged_.release();
    forget_committed();
  }

  Queue<T>* queue_;  // of the only edge, when there is nothing to decide
  std::size_t kept_;
  ItemVector<T> staged_;
};

}  // namespace sluice::detail
