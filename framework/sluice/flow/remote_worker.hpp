// sluice/flow/remote_worker.hpp: the process that runs a worker's function, as the worker's step sees it.
//
// A lease is an item lent under a ticket; tickets count from 1 in each process. The process works on its
// leases in their order and answers each with one whole transaction: notes and outputs, then `done` or
// `failed`. When it dies, what it has answered still counts; the rest is lent again, to its successor.
// runtime/process_slot.hpp implements it over a channel.
// Threads  all calls from the one thread that steps the worker.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>
#include <sluice/codec/bytes.hpp>
#include <sluice/deadline.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sluice::detail {

class RemoteWorker {
 public:
  enum class What : unsigned char {
    nothing,  ///< no answer now
    output,
    note,    ///< SaidNote (remote_notes.hpp)
    done,    ///< the lease is completed
    failed,  ///< the lease's function threw; with ticket 0: start() did
    lost,    ///< the process is dead and everything it had answered was read: take_loss()
  };
  struct Reply {
    What what = What::nothing;
    std::uint64_t ticket = 0;            ///< of done and failed
    std::span<const std::byte> bytes{};  ///< of all but nothing and lost
  };
  struct Lease {
    std::uint64_t ticket = 0;
    unsigned attempt = 1;    ///< deaths not counted
    unsigned deaths = 0;     ///< of processes that had begun it
    std::uint64_t item = 0;  ///< ordinal on the input edge
  };
  /// Of an item that had begun when its process died.
  enum class Fault : unsigned char {
    its_own,  ///< it crashed, ended, hung or took too long
    unclear,  ///< a SIGKILL that this program has not sent
    nobodys,  ///< what killed the process had nothing to do with it
  };
  struct Loss {
    std::uint64_t begun = 0;  ///< ticket of the lease whose function had begun last; 0: none
    Fault fault = Fault::its_own;
    bool accused = false;  ///< of its last answer: the first lease is to blame whatever it says
    std::string how{};     ///< as in "killed by signal 9 (Killed)"
  };

  RemoteWorker() = default;
  RemoteWorker(const RemoteWorker&) = delete;
  RemoteWorker& operator=(const RemoteWorker&) = delete;

  /// Blocks   until start() has returned in the process, has thrown, or the run was cancelled.
  /// Throws   what start() threw, as far as it can be told (remote_error.hpp).
  virtual void wait_started() = 0;

  /// Whether lend() may succeed: an item need not be encoded while there is no process.
  [[nodiscard]] virtual bool may_lend() noexcept = 0;
  /// After may_lend(): to encode the next lease with, so that large payloads go by reference; nullptr: all is
  /// copied.
  [[nodiscard]] virtual BlockSink* blocks_to_lend() noexcept = 0;
  /// To decode an output with, before the next call of next(); nullptr: none refers to anything.
  [[nodiscard]] virtual BlockSource* blocks_read() noexcept = 0;

  /// Lends the item of those bytes; unseen by the process before publish(). False: no room now, or no process.
  /// Throws  what refuses the item for good: it is too large for the channel.
  [[nodiscard]] virtual bool lend(const Lease& lease, std::span<const std::byte> bytes) = 0;
  virtual void publish() noexcept = 0;
  /// The next answer, of whole transactions only; valid until the next call of this, free_read() or take_loss().
  [[nodiscard]] virtual const Reply& next() noexcept = 0;
  /// What was read so far is not needed any more.
  virtual void free_read() noexcept = 0;
  /// After `lost`. From now on leases go to the next process, whose tickets begin anew.
  [[nodiscard]] virtual Loss take_loss() = 0;
  /// What the process has written can't be right: it is killed, and nothing of it is read any more.
  virtual void accuse(const char* what) noexcept = 0;

  /// Blocks   until there may be an answer, a loss, or room to lend; until the deadline; or the run was
  ///          cancelled. `pace` is the time that the function takes for an item, as far as is known, and
  ///          `open` how many the process holds: of many cheap ones about half are answered then.
  virtual void wait(const Deadline& deadline, std::chrono::nanoseconds pace,
                    std::size_t open) noexcept = 0;
  /// Items that the process holds, for whoever watches it.
  virtual void tell_open(std::size_t open) noexcept = 0;
  /// The worker needs no process any more: it ends by itself when it holds no lease, else it is killed.
  virtual void end() noexcept = 0;

 protected:
  ~RemoteWorker() = default;
};

}  // namespace sluice::detail
