// sluice/process/log_channel.cpp: the channel of two logs in shared memory.
//
//   down: the parent's page and the log of leases; the worker can map it for reading only
//   up:   the worker's page and the log of records; the parent maps it for reading only
//
// Sizes are sealed, so no access of either side can fault. Descriptors for the worker, in this order:
// down, up, socket, the worker's bell, the router's bell.
// Layer: process. SPDX-License-Identifier: MIT
#include <sluice/base/assert.hpp>
#include <sluice/os/cpu.hpp>
#include <sluice/os/event_sleep.hpp>
#include <sluice/process/channel_setup.hpp>
#include <sluice/process/travelling_file.hpp>

#include <fmt/format.h>

#include <memory>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

namespace sluice::detail {
namespace {

struct RingBell {
  const EventCounter& counter;
  void ring() const noexcept { counter.raise(); }
};

// The worker waits for its bell, and for the end of its parent.
struct WorkerBell {
  EventSleep sleep;
  [[nodiscard]] bool wait() { return sleep.wait() != EventSleep::End::hung_up; }
};

using ParentEnd = LogParentEnd<StandardSync, MappedArea, RingBell>;
using WorkerEnd = LogWorkerEnd<StandardSync, MappedArea, WorkerBell, RingBell>;

MappedArea area_of(const LogMap& map) noexcept { return {map.ring(), map.ring_size()}; }

// A payload of the worker's is gone: its slot has one use less. The page stays as long as there are some.
class SlotGiver final : public BlockOwner {
 public:
  SlotGiver(std::shared_ptr<LogMap> map, BlockWords& words) noexcept
      : map_(std::move(map)), words_(&words) {}
  void given_back(const std::shared_ptr<BlockFile>&, std::uint32_t slot) noexcept override {
    // sync-point block-freed: releases what was copied of it.
    words_->freed[slot].fetch_add(1, std::memory_order_release);
  }

 private:
  std::shared_ptr<LogMap> map_;
  BlockWords* words_;
};

void append_to(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

class LogLeaseChannel final : public LeaseChannel {
 public:
  LogLeaseChannel(const ChannelSetup& setup, const MemoryFile& down, const MemoryFile& up,
                  PacketSocket socket, std::unique_ptr<BlockAllowance> allowance)
      : setup_(setup),
        allowance_(std::move(allowance)),
        down_map_(std::make_shared<LogMap>(down, setup.down_bytes, MapAccess::read_and_write)),
        up_map_(up, setup.up_bytes, MapAccess::read),
        socket_(std::move(socket)),
        page_(::new (down_map_->head()) ParentPage{.setup = setup}),
        worker_page_(reinterpret_cast<const WorkerPage*>(up_map_.head())),
        end_(page_->words, *worker_page_, area_of(*down_map_), area_of(up_map_), bell_) {}

  [[nodiscard]] const EventCounter& worker_bell() const noexcept { return worker_bell_; }

  BlockSink* blocks_to_lend() noexcept override {
    lender_.begin();
    return setup_.slots == 0 ? nullptr : &lender_;
  }
  bool lend(const Lease& lease) override {
    const bool lent = lend_with_blocks(lease);
    lender_.begin();
    return lent;
  }
  void publish() override { end_.publish(); }
  void request_stop() override { end_.request_stop(); }

  bool next(Record& record) override {
    const auto open = [this](LogRecord& flagged, std::uint64_t position) {
      open_flagged(flagged, position);
    };
    if (end_.between()) reader_.forget();
    const LogRecord* const found = end_.next(open);
    if (found == nullptr) return false;
    record.type = RecordType{found->head.type};
    record.port = found->head.port;
    record.flags = 0;
    record.ticket = found->head.id;
    record.bytes = found->bytes;
    return true;
  }
  BlockSource* blocks_read() noexcept override { return &reader_; }
  void free_read() override {
    if (end_.between()) {
      inbox_.forget();
      reader_.forget();
    }
    end_.free_read();
  }
  bool has_records(bool closely) const override { return end_.has_records(closely); }

  Progress progress() const override { return progress_of(*worker_page_); }
  bool worker_gone() const override { return socket_.hung_up(); }
  int descriptor() const noexcept override { return socket_.descriptor().number(); }

  void announce_sleep(std::size_t answers) override { end_.announce_sleep(answers); }
  void end_sleep() override { end_.end_sleep(); }

 private:
  bool lend_with_blocks(const Lease& lease) {
    const std::span<const BlockEntry> entries = lender_.entries();
    const LeaseHead second{.item = lease.item,
                           .attempt = lease.attempt,
                           .blocks = static_cast<std::uint32_t>(entries.size())};
    std::span<const std::byte> front = bytes_of(second);
    if (!entries.empty()) {
      lease_head_.clear();
      append_to(lease_head_, front);
      append_to(lease_head_, std::as_bytes(entries));
      front = lease_head_;
    }
    const RecordHead head{.type = kLeaseRecord, .id = lease.ticket};
    const std::uint64_t size = record_size(front.size() + lease.bytes.size());
    if (!goes_inline(size, 0, setup_.down_bytes)) return lend_large(lease, head, front);
    return send_blocks(size) && end_.lend(head, front, lease.bytes);
  }

  bool lend_large(const Lease& lease, RecordHead head, std::span<const std::byte> front) {
    if (lease.bytes.size() > setup_.max_payload) {
      throw PayloadTooLarge(lease.bytes.size(), setup_.max_payload);
    }
    const std::uint64_t size = record_size(front.size() + sizeof(Elsewhere));
    // sync-point log-freed: acquire.
    if (!end_.down().has_room(size, std::memory_order_acquire)) return false;
    if (!outbox_.has_room()) end_.down().look(std::memory_order_acquire);
    outbox_.freed(end_.down().freed());
    if (!outbox_.has_room() || !send_blocks(size)) return false;
    outbox_.discard();  // what an exception may have left
    Elsewhere where;
    if (!put_in_file(lease.bytes, where)) {
      lender_.take_back();
      return false;
    }
    // Whether it can be received is the worker's death to tell, not ours.
    const PacketStatus status = outbox_.send(end_.down().staged() + size, PacketSocket::Wait::no);
    if (status == PacketStatus::closed) outbox_.discard();
    if (status == PacketStatus::full) {
      outbox_.discard();
      lender_.take_back();
      return false;
    }
    head.flags = kIsElsewhere;
    return end_.lend(head, front, bytes_of(where));
  }

  // False where there is no descriptor now and the worker has leases: with their answers one comes back.
  bool put_in_file(std::span<const std::byte> bytes, Elsewhere& where) {
    try {
      where = outbox_.put(bytes);
      return true;
    } catch (const std::system_error& error) {
      outbox_.discard();
      const bool is_short = error.code() == std::errc::too_many_files_open ||
                            error.code() == std::errc::too_many_files_open_in_system;
      if (!is_short || end_.down().freed() == end_.down().staged()) throw;
      return false;
    }
  }

  // What a lease of that size refers to goes ahead, when there is room for the lease.
  bool send_blocks(std::uint64_t size) {
    if (lender_.keeps_any()) {
      // sync-point log-freed: acquires the worker's copying.
      end_.down().look(std::memory_order_acquire);
      lender_.freed(end_.down().freed());
    }
    if (lender_.entries().empty()) return true;
    // sync-point log-freed: acquire.
    return end_.down().has_room(size, std::memory_order_acquire) &&
           lender_.send(end_.down().staged() + size) != PacketStatus::full;
  }

  void open_flagged(LogRecord& record, std::uint64_t position) {
    const std::uint16_t flags = record.head.flags;
    if ((flags & ~(kIsElsewhere | kHasBlocks)) != 0) {
      throw ProtocolViolation("a record has flags that do not exist", position);
    }
    if ((flags & kHasBlocks) != 0) open_blocks(record, position);
    if ((flags & kIsElsewhere) == 0) return;
    if (record.bytes.size() != sizeof(Elsewhere)) {
      throw ProtocolViolation("a record has flags that do not exist", position);
    }
    record.bytes = inbox_.open(value_at<Elsewhere>(record.bytes.data()), position);
  }

  void open_blocks(LogRecord& record, std::uint64_t position) {
    std::uint64_t count = 0;
    if (record.bytes.size() >= sizeof count) count = value_at<std::uint64_t>(record.bytes.data());
    if (count == 0 || count > (record.bytes.size() - sizeof count) / sizeof(BlockEntry)) {
      throw ProtocolViolation("a record is shorter than its list of payloads", position);
    }
    record.bytes = record.bytes.subspan(sizeof count);
    reader_.open(record.bytes.first(count * sizeof(BlockEntry)), position);
    record.bytes = record.bytes.subspan(count * sizeof(BlockEntry));
  }

  const ChannelSetup setup_;
  std::unique_ptr<BlockAllowance> allowance_;
  std::shared_ptr<LogMap> down_map_;
  LogMap up_map_;
  PacketSocket socket_;
  EventCounter worker_bell_{};
  RingBell bell_{worker_bell_};
  ParentPage* page_;
  const WorkerPage* worker_page_;
  ParentEnd end_;
  FileOutbox outbox_{socket_};
  Arrivals arrivals_{socket_};
  FileInbox inbox_{arrivals_};
  BlockLender lender_{socket_, std::make_shared<BlockPool>(setup_.slots), setup_.slots};
  BlockReader reader_{arrivals_, std::make_shared<SlotGiver>(down_map_, page_->blocks),
                      setup_.slots};
  std::vector<std::byte> lease_head_{};  // of one with entries, and these behind it
};

class LogWorkerChannel final : public WorkerChannel {
 public:
  explicit LogWorkerChannel(WorkerParts parts)
      : setup_(parts.setup),
        down_map_(MemoryFile(std::move(parts.descriptors[0]), "a worker's leases"),
                  setup_.down_bytes, MapAccess::read),
        up_map_(MemoryFile(std::move(parts.descriptors[1]), "a worker's records"), setup_.up_bytes,
                MapAccess::read_and_write),
        socket_(std::move(parts.descriptors[2])),
        counter_(std::move(parts.descriptors[3])),
        router_counter_(std::move(parts.descriptors[4])),
        page_(*reinterpret_cast<WorkerPage*>(up_map_.head())),
        end_(page_, reinterpret_cast<const ParentPage*>(down_map_.head())->words,
             area_of(down_map_), area_of(up_map_), bell_, router_bell_, setup_.spin_ns) {
    end_.say_ready();
  }

  bool take(Lease& lease) override {
    inbox_.forget();
    borrower_.forget();
    LogRecord found;
    if (!end_.take(found)) return false;
    const auto second = value_at<LeaseHead>(found.bytes.data());
    const std::size_t entries = second.blocks * sizeof(BlockEntry);
    borrower_.open(found.bytes.subspan(sizeof second, entries), found.end);
    lease.ticket = found.head.id;
    lease.item = second.item;
    lease.attempt = second.attempt;
    lease.bytes = found.bytes.subspan(sizeof second + entries);
    if (found.head.flags == kIsElsewhere) {
      lease.bytes = inbox_.open(value_at<Elsewhere>(lease.bytes.data()), found.end);
    }
    return true;
  }

  BlockSource* blocks_taken() noexcept override { return &borrower_; }

  void begin(std::uint64_t ticket) override {
    end_.begin(ticket, setup_.times ? steady_now_ns() : 0);
  }

  BlockSink* blocks_to_append() override {
    if (setup_.slots == 0) return nullptr;
    // sync-point log-freed: acquire.
    if (writer_.is_crowded()) end_.up().look(std::memory_order_acquire);
    writer_.freed(end_.up().freed());
    return &writer_;
  }
  void append(RecordType type, std::uint8_t port, std::span<const std::byte> bytes) override {
    stage({.type = static_cast<std::uint8_t>(type), .port = port}, bytes);
  }

  void discard() override {
    end_.discard();
    outbox_.discard();
    writer_.discard();
  }

  void commit(RecordType closing, std::uint64_t ticket, std::span<const std::byte> bytes) override {
    stage({.type = static_cast<std::uint8_t>(closing), .id = ticket}, bytes);
    // A block that goes in vain is dropped by its number, a file is missed: so the file goes last.
    if (writer_.send(end_.up().staged()) != PacketStatus::ok) throw ParentGone();
    const bool sends_file = outbox_.has_file();
    if (sends_file &&
        outbox_.send(end_.up().staged(), PacketSocket::Wait::yes) != PacketStatus::ok) {
      throw ParentGone();
    }
    if (sends_file) kill_point(KillPoint::file_sent);
    end_.commit(closing != RecordType::note);
    writer_.committed();
  }

 private:
  void stage(RecordHead head, std::span<const std::byte> bytes) {
    const std::uint64_t staged = end_.up().staged() - end_.up().committed();
    if (list_blocks()) head.flags |= kHasBlocks;
    if (goes_inline(record_size(entries_.size() + bytes.size()), staged, setup_.up_bytes)) {
      append_checked(head, bytes);
      return;
    }
    if (bytes.size() > setup_.max_payload) throw PayloadTooLarge(bytes.size(), setup_.max_payload);
    if (!outbox_.has_file()) wait_for_file();
    const Elsewhere where = outbox_.put(bytes);
    head.flags |= kIsElsewhere;
    append_checked(head, bytes_of(where));
  }

  // What the bytes that come next refer to. Returns  whether that is anything.
  bool list_blocks() {
    entries_.clear();
    const std::span<const BlockEntry> entries = writer_.new_entries();
    if (entries.empty()) return false;
    append_to(entries_, bytes_of(std::uint64_t{entries.size()}));
    append_to(entries_, std::as_bytes(entries));
    return true;
  }

  void append_checked(RecordHead head, std::span<const std::byte> bytes) {
    switch (end_.append(head, entries_, bytes)) {
      case StageStatus::staged:
        return;
      case StageStatus::never_fits:
        throw TransactionTooLarge(
            fmt::format("the outputs of one item take more than the {} bytes of a worker's log",
                        setup_.up_bytes));
      case StageStatus::parent_gone:
        throw ParentGone();
    }
  }

  void wait_for_file() {
    // sync-point log-freed: acquire.
    end_.up().look(std::memory_order_acquire);
    outbox_.freed(end_.up().freed());
    if (outbox_.has_room()) return;
    if (!end_.wait_until_freed(outbox_.oldest_end())) throw ParentGone();
    outbox_.freed(end_.up().freed());
  }

  const ChannelSetup setup_;
  LogMap down_map_;
  LogMap up_map_;
  PacketSocket socket_;
  EventCounter counter_;
  EventCounter router_counter_;
  WorkerBell bell_{EventSleep(counter_, socket_.descriptor().number())};
  RingBell router_bell_{router_counter_};
  WorkerPage& page_;
  WorkerEnd end_;
  FileOutbox outbox_{socket_};
  Arrivals arrivals_{socket_};
  FileInbox inbox_{arrivals_};
  BlockBorrower borrower_{arrivals_, setup_.slots};
  BlockWriter writer_{socket_, reinterpret_cast<const ParentPage*>(down_map_.head())->blocks,
                      setup_.slots};
  std::vector<std::byte> entries_{};  // of the record in progress, behind their number
};

}  // namespace

NewChannel make_log_channel(const ChannelSetup& plan, const EventCounter& router) {
  // Half for files that the worker makes, half for those that are made here.
  auto allowance = std::make_unique<BlockAllowance>(2 * plan.slots);
  ChannelSetup setup = plan;
  setup.slots = allowance->granted() / 2;
  MemoryFile down("sluice: a worker's leases", page_size() + setup.down_bytes);
  MemoryFile up("sluice: a worker's records", page_size() + setup.up_bytes);
  up.seal_size();
  auto [here, there] = PacketSocket::make_pair();
  auto parent =
      std::make_unique<LogLeaseChannel>(setup, down, up, std::move(here), std::move(allowance));
  down.seal_size_and_new_writers();  // the parent's mapping exists now

  NewChannel made;
  made.for_the_worker.push_back(std::move(down).take_descriptor());
  made.for_the_worker.push_back(std::move(up).take_descriptor());
  made.for_the_worker.push_back(std::move(there).take_descriptor());
  made.for_the_worker.push_back(parent->worker_bell().share());
  made.for_the_worker.push_back(router.share());
  made.parent = std::move(parent);
  return made;
}

std::unique_ptr<WorkerChannel> open_log_channel(WorkerParts parts) {
  return std::make_unique<LogWorkerChannel>(std::move(parts));
}

}  // namespace sluice::detail
