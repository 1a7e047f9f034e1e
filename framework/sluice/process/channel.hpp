// sluice/process/channel.hpp: leases to a worker process and its results back, whole or not at all.
//
//   parent   lend, lend, publish  ------------------------->  take                     worker
//            next, next, free_read  <-----  begin, append..., commit (one store)
//
// (1) What a worker appends is invisible until its commit(); then all of it is visible. A worker that
//     dies, whenever, leaves whole transactions behind, in order, and nothing of the one it was in.
// (2) Every word of shared memory has one writing process, and the other maps it read-only. There is
//     no lock to be left held.
// (3) A worker's bytes are hostile: the parent reads each length once and checks it. It shows the
//     records of a transaction after it has parsed the whole of it into memory of its own. The
//     *contents* of a record may change while they are read, so a decoder reads every byte once. They
//     begin at a multiple of 8.
// (4) Neither side polls when it has nothing to do. A worker sleeps on its own event counter (and
//     on the parent's end of the socket: it notices that the parent is gone without a signal); the
//     router sleeps on the event counter of its run. Who sleeps has said so first.
// (5) A worker frees a lease's bytes by committing it, so leases are committed in the order taken.
//
// (6) A large payload (SharedBytes) may go by reference: it is offered to a BlockSink while an item is
//     encoded, and asked of a BlockSource while it is decoded (process/block_exchange.hpp).
//
// Two implementations with the same behaviour: logs in shared memory, and packets over a socket,
// which is the simple one and the judge of the other.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>
#include <sluice/os/event_counter.hpp>
#include <sluice/shared_bytes.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::detail {

/// What a worker says. A transaction is any number of outputs and notes and one done or failed; a
/// note that is committed by itself is a transaction, too.
enum class RecordType : std::uint8_t { output = 2, done = 3, failed = 4, note = 5 };

/// One record of a worker. `bytes` lie in the mapping and are valid until free_read().
struct Record {
  RecordType type = RecordType::note;
  std::uint8_t port = 0;     ///< of an output
  std::uint16_t flags = 0;   ///< none yet
  std::uint64_t ticket = 0;  ///< of done and failed, as the worker says: to be checked
  std::span<const std::byte> bytes{};
};

/// An item lent to a worker. There, `bytes` are valid until the ticket is committed.
struct Lease {
  std::uint64_t ticket = 0;  ///< names the lease within the channel; not 0
  std::uint64_t item = 0;    ///< ordinal on the input edge
  std::uint32_t attempt = 0;
  std::span<const std::byte> bytes{};
};

/// The worker's bytes can't be right: end it. Says what is wrong and where.
class ProtocolViolation : public std::runtime_error {
 public:
  ProtocolViolation(const std::string& what, std::uint64_t offset);
  /// Bytes the worker had committed before the place.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

 private:
  std::uint64_t offset_;
};

/// An item that fits into no channel of this plan, however empty.
class PayloadTooLarge : public std::length_error {
 public:
  PayloadTooLarge(std::uint64_t size, std::uint64_t limit);
};

/// One item has so many outputs that even references to them fill the log, which nobody can empty
/// before they are committed. The worker discards them and commits a failure.
class TransactionTooLarge : public std::length_error {
 public:
  using std::length_error::length_error;
};

/// Thrown in a worker that waits for room when the parent is gone.
class ParentGone : public std::runtime_error {
 public:
  ParentGone();
};

/// The parent's end. Threads  one, the router's.
class LeaseChannel {
 public:
  LeaseChannel() = default;
  LeaseChannel(const LeaseChannel&) = delete;
  LeaseChannel& operator=(const LeaseChannel&) = delete;
  /// A worker that sleeps wakes and finds its parent gone. Gives back all memory.
  virtual ~LeaseChannel() = default;

  // ---- down: leases --------------------------------------------------------------------------------

  /// To encode the next lease with; nullptr: everything is copied. What was taken for a lease that was
  /// not lent is forgotten.
  [[nodiscard]] virtual BlockSink* blocks_to_lend() noexcept { return nullptr; }
  /// Appends a copy; the worker does not see it yet.
  /// Returns  false when there is no room now; there is once the worker committed what it has.
  ///          Publish first: it can't commit what it does not see.
  /// Throws   PayloadTooLarge; std::system_error when there is no memory; ProtocolViolation.
  [[nodiscard]] virtual bool lend(const Lease& lease) = 0;
  /// Shows all that was lent since, by one store, and wakes the worker if it sleeps.
  virtual void publish() = 0;
  /// The worker ends after its last lease.
  virtual void request_stop() = 0;

  // ---- up: records ---------------------------------------------------------------------------------

  /// The next record of a committed transaction.
  /// Returns  false when there is none.
  /// Throws   ProtocolViolation, then and at every later call; std::system_error.
  [[nodiscard]] virtual bool next(Record& record) = 0;
  /// To decode a record with before next() begins another transaction; nullptr: none refers to anything.
  /// What it gives lives as long as somebody refers to it, whatever becomes of the worker and the channel.
  [[nodiscard]] virtual BlockSource* blocks_read() noexcept { return nullptr; }
  /// Gives room back up to what next() returned, and wakes the worker if it waits for room.
  virtual void free_read() = 0;
  /// A look at what the worker has committed. `closely`: seq_cst, the last look before a sleep.
  [[nodiscard]] virtual bool has_records(bool closely) const = 0;

  // ---- the worker's state --------------------------------------------------------------------------

  struct Progress {
    std::uint64_t started = 0;    ///< ticket whose function runs; 0 none
    std::int64_t started_ns = 0;  ///< since when, steady clock; 0 unless the plan asks for times
    std::uint64_t committed_bytes = 0;  ///< only grows; grows with each commit
    bool ready = false;                 ///< it said hello
    bool waits_for_room = false;        ///< so its time does not count
  };
  /// What the worker says of itself. Words of its own: hints, not proofs. `started` may name a ticket
  /// that is committed already, and `started_ns` may be newer than `started`.
  [[nodiscard]] virtual Progress progress() const = 0;
  /// Whether the worker's end of the socket is closed everywhere. Its log may still have records, so
  /// look at those after this. A worker's own children may hold the end open: proof of its
  /// death is its pidfd. Costs a system call.
  [[nodiscard]] virtual bool worker_gone() const = 0;
  /// The socket, for poll with no events asked for: POLLHUP when worker_gone().
  [[nodiscard]] virtual int descriptor() const noexcept = 0;

  // ---- the router's sleep --------------------------------------------------------------------------

  /// From now on a commit raises the event counter. Then has_records(true), then sleep, or not. After
  /// the sleep (EventSleep, or poll, and lower the counter) look at every channel.
  /// With `answers` above 1 it is raised, and has_records(true) is true, when there are about so many, or
  /// the worker sleeps, too; a worker that takes long over one item keeps answers back, so such a
  /// sleep needs a time limit.
  virtual void announce_sleep(std::size_t answers) = 0;
  virtual void end_sleep() = 0;
};

/// The worker's end. Threads  one.
class WorkerChannel {
 public:
  WorkerChannel() = default;
  WorkerChannel(const WorkerChannel&) = delete;
  WorkerChannel& operator=(const WorkerChannel&) = delete;
  virtual ~WorkerChannel() = default;

  /// Blocks   until there is a lease: spins for the plan's budget, then sleeps.
  /// Returns  false when no lease is left and a stop was requested or the parent is gone.
  [[nodiscard]] virtual bool take(Lease& lease) = 0;
  /// To decode the lease with, until the next take(); nullptr: it refers to nothing.
  [[nodiscard]] virtual BlockSource* blocks_taken() noexcept { return nullptr; }
  /// The function starts: said to the parent.
  virtual void begin(std::uint64_t ticket) = 0;
  /// To encode what is appended next with; nullptr: everything is copied.
  [[nodiscard]] virtual BlockSink* blocks_to_append() { return nullptr; }
  /// Stages an output or a note.
  /// Blocks   until there is room for it.
  /// Throws   TransactionTooLarge, with everything staged as before; PayloadTooLarge; ParentGone;
  ///          std::system_error when there is no memory.
  virtual void append(RecordType type, std::uint8_t port, std::span<const std::byte> bytes) = 0;
  /// Forgets what was appended since the last commit.
  virtual void discard() = 0;
  /// Closes the transaction by a done or failed of that ticket, or a note by itself with ticket 0, and
  /// publishes all of it by one store; wakes the router if it sleeps.
  /// Blocks, Throws  as append(); after a throw nothing is committed, and discard() comes next.
  virtual void commit(RecordType closing, std::uint64_t ticket,
                      std::span<const std::byte> bytes) = 0;
};

struct ChannelPlan {
  enum class Kind : std::uint8_t { log, packet };

  Kind kind = Kind::log;
  /// Room for leases and for records; rounded up to a power of two, at least a page. A payload
  /// larger than three eighths, and what makes the outputs of one item more than half, goes into
  /// memory of its own, which costs some 20 us and a fault per page. Logs that fit into a core's
  /// cache are faster.
  std::size_t down_bytes = std::size_t{1} << 18;
  std::size_t up_bytes = std::size_t{1} << 18;
  /// How long a worker spins before it sleeps.
  std::chrono::nanoseconds spin{0};
  /// Whether begin() reads the clock, for Progress::started_ns: about 30 ns.
  bool times = true;
  std::uint64_t max_payload = std::uint64_t{1} << 30;
  /// Large payloads of one side that go by reference at a time, at most 64; fewer where descriptors are
  /// scarce. 0: all are copied.
  std::size_t block_slots = 64;
};

struct NewChannel {
  std::unique_ptr<LeaseChannel> parent{};
  /// To be handed to the worker process, in this order, and closed in the parent.
  std::vector<Descriptor> for_the_worker{};
};

/// Makes a channel for one incarnation of a worker. `router` is the event counter of the run and
/// outlives the channel. Throws  std::system_error, which names the memory or descriptor there is none of.
[[nodiscard]] NewChannel make_channel(const ChannelPlan& plan, const EventCounter& router);

/// What runs make their channels of. For tests, which compare whole runs over both kinds; set while there is one
/// thread.
void set_kind_of_runs(ChannelPlan::Kind kind) noexcept;
[[nodiscard]] ChannelPlan::Kind kind_of_runs() noexcept;

/// In the worker process: takes over the descriptors and says hello.
/// Throws  UsageError for descriptors that make_channel() did not make; std::system_error. The
///         descriptors are closed then, too.
[[nodiscard]] std::unique_ptr<WorkerChannel> open_worker_channel(std::span<const int> descriptors);

}  // namespace sluice::detail
