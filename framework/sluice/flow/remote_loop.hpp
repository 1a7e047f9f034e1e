// sluice/flow/remote_loop.hpp: the step of a worker whose function runs in a process, without its types.
//
// Takes items as any worker does, lends them to its process, applies the answers: outputs go on by its
// own port or its slot of the window, then the item is settled. So order, retries, dead letters, early ends
// and the ledger are those of every other worker; only the callback is elsewhere.
//
// (1) A count has one owner: an item that was taken is this worker's until it is settled, whatever becomes of
//     the process. When that dies, the leases that it had not answered are lent to its successor, in their order.
// (2) An answer is a whole transaction or nothing, and is applied once: next() hands each out once, and after
//     `lost` nothing of the old process is read any more. One that can't be decoded is nothing, once: its writer
//     is killed, and the next one gives another; if that is no better, it is the item's failure.
// (3) Only the item whose function had begun is charged with a death, and that only if it may be at fault. After
//     `attempts` such deaths it is a dead letter, or later if kills from outside explain them (outside_kills.hpp);
//     meanwhile it is lent alone, so that it takes no others with it.
// (4) The step may wait for an answer inside run(), so such a worker has a thread of its own. It never waits
//     there for input or for room, and never while nothing is lent.
// (5) Outputs that wait for room stop the applying of answers: the process's log fills, and it stops, too. In a
//     run with a memory budget they go on item by item, so that those of one item at most wait here.
// (6) What is held weighs no more than this worker's share, but for one item. It is charged until it is settled;
//     what lies between the processes, and what the other one makes of it, is not.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>
#include <sluice/codec/bytes.hpp>
#include <sluice/flow/outside_kills.hpp>
#include <sluice/flow/remote_notes.hpp>
#include <sluice/flow/remote_worker.hpp>
#include <sluice/flow/stage_loop.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::detail {

class RemoteLoop : public StageLoop {
 protected:
  RemoteLoop(WorkerState& worker, QueueCore& input, RemoteWorker& remote,
             std::size_t batch) noexcept;

  // ---- what the loop asks of what knows the types --------------------------------------------------

  /// The items that were taken and are not settled, in order.
  [[nodiscard]] virtual std::size_t items_held() const noexcept = 0;
  /// What the item of that index of the last take weighs; 0 where items are not weighed.
  [[nodiscard]] virtual std::size_t weight_of_taken(std::size_t index) const noexcept = 0;
  virtual void encode_item(std::size_t index, Bytes& to, BlockSink* blocks) = 0;  ///< may throw
  virtual void drop_first_item() noexcept = 0;
  /// Judges the failure that is being handled of the first item.
  [[nodiscard]] virtual Verdict judge_first(unsigned attempt) noexcept = 0;
  /// What a dead letter says of the first item, where it has anything to say.
  virtual void tell_first(DeadLetter& letter) noexcept = 0;
  /// Of processes that had begun an item.
  struct Deaths {
    unsigned count = 0;
    unsigned its_own = 0;   // of these, by its own fault
    unsigned unclear = 0;   // or perhaps so
    unsigned unread = 0;    // of these, because its answer could not be decoded
    std::string history{};  // how they died
    [[nodiscard]] unsigned charged() const noexcept { return its_own + unclear; }
  };
  /// An item that waits for its next attempt, with its deaths so far.
  struct SetAside : DelayedItem {
    std::unique_ptr<Deaths> deaths{};
  };
  /// Moves the first item into one. May throw; then the item may be gone.
  [[nodiscard]] virtual std::unique_ptr<SetAside> set_first_aside() = 0;
  /// Puts it behind the others. May throw; then it may be gone.
  virtual void readmit(SetAside& item) = 0;

  /// Outputs go to the port of this number from now on, or to the worker's own; until end_outputs().
  virtual void begin_outputs(std::uint64_t number) noexcept = 0;
  /// Throws DecodeError.
  virtual void stage_output(std::span<const std::byte> bytes, BlockSource* blocks) = 0;
  virtual void commit_outputs() = 0;  ///< may throw
  virtual void discard_outputs() noexcept = 0;
  virtual void end_outputs() noexcept = 0;

  // ---- StageLoop -----------------------------------------------------------------------------------

  void start_body() final;
  [[nodiscard]] bool finish_body() final { return false; }
  void end_body() noexcept override { remote_->end(); }
  void process_items(StepFrame&) noexcept final {}
  void retry(DelayedItem&) noexcept final {}
  [[nodiscard]] std::uint64_t next_number() const noexcept final { return first_lease().item; }
  void drop_next() noexcept final { drop_first(); }
  [[nodiscard]] std::size_t charge_of(std::size_t at) const noexcept final {
    return charge_of(leases_[begin_ + at]);
  }

  /// What of this worker's share in bytes is left for a take; 0: none. An item is taken all the same if it has none.
  [[nodiscard]] std::size_t bytes_left() const noexcept;

 private:
  struct Lease {
    std::uint64_t item = 0;
    std::uint64_t ticket = 0;  // 0: not lent
    unsigned attempt = 1;
    std::size_t weight = 0;            // 0 where items are not weighed
    std::unique_ptr<Deaths> deaths{};  // almost never any
  };
  enum class Applied : unsigned char { nothing, some, blocked, turn };

  [[nodiscard]] StepResult run(StepFrame& frame) noexcept final;
  [[nodiscard]] StepResult go_on(StepFrame& frame);
  void readmit_due();
  [[nodiscard]] GetStatus lend_more();
  [[nodiscard]] GetStatus take_more(std::size_t wanted);
  void lend_held(std::size_t wanted);
  [[nodiscard]] bool lend(std::size_t index);
  void refuse_first(std::exception_ptr why) noexcept;
  [[nodiscard]] std::size_t window() const noexcept;
  void learn_work(std::uint64_t service_ns) noexcept;

  [[nodiscard]] Applied apply(StepFrame& frame);
  [[nodiscard]] bool apply_transaction(const RemoteWorker::Reply& first);
  [[nodiscard]] bool accuses_of(const std::exception_ptr& fault) noexcept;
  [[nodiscard]] std::exception_ptr say_notes() noexcept;
  void say(SaidNote& note);
  void fail_start(std::span<const std::byte> bytes) noexcept;
  void show_first() noexcept;
  void complete(const DoneNote& note, std::exception_ptr fault);
  void fail(const FailedNote& note);
  void put_first_aside(unsigned attempt) noexcept;
  void lose_item(const char* phase, std::size_t charge) noexcept;
  void give_up(std::exception_ptr why) noexcept;
  void end_first(bool completed) noexcept;
  void apply_loss();
  void charge_first(const RemoteWorker::Loss& loss);
  [[nodiscard]] bool is_guilty(const Deaths& deaths, RemoteWorker::Fault fault) const noexcept;
  [[nodiscard]] bool holds_suspect() const noexcept {
    return open() > 0 && first_lease().deaths != nullptr && first_lease().deaths->charged() > 0;
  }
  void bury_first() noexcept;
  [[nodiscard]] StepResult wait_for_answer(StepFrame& frame);

  void drop_first() noexcept;
  [[nodiscard]] std::size_t charge_of(const Lease& lease) const noexcept {
    return charges() ? lease.weight : 0;
  }
  [[nodiscard]] bool has_share() const noexcept;
  [[nodiscard]] const Lease& first_lease() const noexcept { return leases_[begin_]; }
  [[nodiscard]] Lease& first_lease() noexcept { return leases_[begin_]; }
  [[nodiscard]] static unsigned deaths_of(const Lease& lease) noexcept {
    return lease.deaths == nullptr ? 0 : lease.deaths->count;
  }
  [[nodiscard]] std::size_t open() const noexcept { return leases_.size() - begin_; }

  RemoteWorker* remote_;
  std::size_t most_;             // leases at once
  std::vector<Lease> leases_{};  // from begin_ on, parallel to the items
  std::size_t begin_ = 0;
  std::size_t held_bytes_ = 0;  // of the open ones
  std::size_t lent_ = 0;        // of the open ones, the first so many are lent
  std::uint64_t next_ticket_ = 1;
  Bytes encoded_{};
  std::vector<SaidNote> notes_{};  // of the transaction that is being read
  bool unread_ = false;            // the process was accused of an answer that can't be decoded
  bool codec_is_broken_ = false;   // what two processes wrote of an item could not be decoded
  double work_ns_ = 0;      // what the function takes for an item, smoothed; 0: not known yet
  double last_sample_ = 0;  // the last time that was measured
  OutsideKills outside_kills_{};
  bool input_closed_ = false;
};

}  // namespace sluice::detail
