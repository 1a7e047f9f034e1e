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
#include <sluice/process/channel_setup.hpp>
#include <sluice/process/travelling_file.hpp>

#include <fmt/format.h>

#include <new>
#include <optional>
#include <utility>

namespace sluice::detail {
namespace {

struct RingBell {
  const EventCounter& counter;
  void ring() const noexcept { counter.raise(); }
};

// The worker waits for its bell, and for the end of its parent.
struct WorkerBell {
  const EventCounter& counter;
  const PacketSocket& socket;
  [[nodiscard]] bool wait() const {
    if (wait_for_bell(counter.descriptor(), socket) == BellWait::hung_up) return false;
    counter.lower();
    return true;
  }
};

using ParentEnd = LogParentEnd<StandardSync, MappedArea, RingBell>;
using WorkerEnd = LogWorkerEnd<StandardSync, MappedArea, WorkerBell, RingBell>;

MappedArea area_of(const LogMap& map) noexcept { return {map.ring(), map.ring_size()}; }

class LogLeaseChannel final : public LeaseChannel {
 public:
  LogLeaseChannel(const ChannelSetup& setup, const MemoryFile& down, const MemoryFile& up,
                  PacketSocket socket)
      : setup_(setup),
        down_map_(down, setup.down_bytes, MapAccess::read_and_write),
        up_map_(up, setup.up_bytes, MapAccess::read),
        socket_(std::move(socket)),
        page_(::new (down_map_.head()) ParentPage{.setup = setup}),
        worker_page_(reinterpret_cast<const WorkerPage*>(up_map_.head())),
        end_(page_->words, *worker_page_, area_of(down_map_), area_of(up_map_), bell_) {}

  [[nodiscard]] const EventCounter& worker_bell() const noexcept { return worker_bell_; }

  bool lend(const Lease& lease) override {
    const LeaseHead second{.item = lease.item, .attempt = lease.attempt};
    const RecordHead head{.type = kLeaseRecord, .id = lease.ticket};
    if (!goes_inline(record_size(sizeof second + lease.bytes.size()), 0, setup_.down_bytes)) {
      return lend_large(lease, head, second);
    }
    return end_.lend(head, bytes_of(second), lease.bytes);
  }
  void publish() override { end_.publish(); }
  void request_stop() override { end_.request_stop(); }

  bool next(Record& record) override {
    LogRecord found;
    const auto open = [this](LogRecord& large, std::uint64_t position) {
      open_large(large, position);
    };
    if (!end_.next(found, open)) return false;
    record = {.type = RecordType{found.head.type},
              .port = found.head.port,
              .flags = 0,
              .ticket = found.head.id,
              .bytes = found.bytes};
    return true;
  }
  void free_read() override {
    if (end_.between()) inbox_.forget();
    end_.free_read();
  }
  bool has_records(bool closely) const override { return end_.has_records(closely); }

  Progress progress() const override { return progress_of(*worker_page_); }
  bool worker_gone() const override { return socket_.hung_up(); }
  int descriptor() const noexcept override { return socket_.descriptor().number(); }

  void announce_sleep(std::size_t answers) override { end_.announce_sleep(answers); }
  void end_sleep() override { end_.end_sleep(); }

 private:
  bool lend_large(const Lease& lease, RecordHead head, const LeaseHead& second) {
    if (lease.bytes.size() > setup_.max_payload) {
      throw PayloadTooLarge(lease.bytes.size(), setup_.max_payload);
    }
    constexpr std::uint64_t kSize = record_size(sizeof second + sizeof(Elsewhere));
    // sync-point log-freed: acquire.
    if (!end_.down().has_room(kSize, std::memory_order_acquire)) return false;
    if (!outbox_.has_room()) end_.down().look(std::memory_order_acquire);
    outbox_.freed(end_.down().freed());
    if (!outbox_.has_room()) return false;
    outbox_.discard();  // what an exception may have left
    const Elsewhere where = outbox_.put(lease.bytes);
    // Whether it can be received is the worker's death to tell, not ours.
    const PacketStatus status = outbox_.send(end_.down().staged() + kSize, PacketSocket::Wait::no);
    if (status == PacketStatus::closed) outbox_.discard();
    if (status == PacketStatus::full) {
      outbox_.discard();
      return false;
    }
    head.flags = kIsElsewhere;
    return end_.lend(head, bytes_of(second), bytes_of(where));
  }

  void open_large(LogRecord& record, std::uint64_t position) {
    if (record.head.flags != kIsElsewhere || record.bytes.size() != sizeof(Elsewhere)) {
      throw ProtocolViolation("a record has flags that do not exist", position);
    }
    record.bytes = inbox_.open(value_at<Elsewhere>(record.bytes.data()), position);
  }

  const ChannelSetup setup_;
  LogMap down_map_;
  LogMap up_map_;
  PacketSocket socket_;
  EventCounter worker_bell_{};
  RingBell bell_{worker_bell_};
  ParentPage* page_;
  const WorkerPage* worker_page_;
  ParentEnd end_;
  FileOutbox outbox_{socket_};
  FileInbox inbox_{socket_};
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
    LogRecord found;
    if (!end_.take(found)) return false;
    const auto second = value_at<LeaseHead>(found.bytes.data());
    lease = {.ticket = found.head.id,
             .item = second.item,
             .attempt = second.attempt,
             .bytes = found.bytes.subspan(sizeof second)};
    if (found.head.flags == kIsElsewhere) {
      lease.bytes = inbox_.open(value_at<Elsewhere>(lease.bytes.data()), found.end);
    }
    return true;
  }

  void begin(std::uint64_t ticket) override {
    end_.begin(ticket, setup_.times ? steady_now_ns() : 0);
  }

  void append(RecordType type, std::uint8_t port, std::span<const std::byte> bytes) override {
    RecordHead head{.type = static_cast<std::uint8_t>(type), .port = port};
    stage(head, bytes);
  }

  void discard() override {
    end_.discard();
    outbox_.discard();
  }

  void commit(RecordType closing, std::uint64_t ticket, std::span<const std::byte> bytes) override {
    RecordHead head{.type = static_cast<std::uint8_t>(closing), .id = ticket};
    stage(head, bytes);
    if (outbox_.has_file() &&
        outbox_.send(end_.up().staged(), PacketSocket::Wait::yes) != PacketStatus::ok) {
      throw ParentGone();
    }
    end_.commit(closing != RecordType::note);
  }

 private:
  void stage(RecordHead& head, std::span<const std::byte> bytes) {
    const std::uint64_t staged = end_.up().staged() - end_.up().committed();
    if (goes_inline(record_size(bytes.size()), staged, setup_.up_bytes)) {
      append_checked(head, bytes);
      return;
    }
    if (bytes.size() > setup_.max_payload) throw PayloadTooLarge(bytes.size(), setup_.max_payload);
    if (!outbox_.has_file()) wait_for_file();
    const Elsewhere where = outbox_.put(bytes);
    head.flags = kIsElsewhere;
    append_checked(head, bytes_of(where));
  }

  void append_checked(const RecordHead& head, std::span<const std::byte> bytes) {
    switch (end_.append(head, bytes, {})) {
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
  WorkerBell bell_{counter_, socket_};
  RingBell router_bell_{router_counter_};
  WorkerPage& page_;
  WorkerEnd end_;
  FileOutbox outbox_{socket_};
  FileInbox inbox_{socket_};
};

}  // namespace

NewChannel make_log_channel(const ChannelSetup& setup, const EventCounter& router) {
  MemoryFile down("sluice: a worker's leases", page_size() + setup.down_bytes);
  MemoryFile up("sluice: a worker's records", page_size() + setup.up_bytes);
  up.seal_size();
  auto [here, there] = PacketSocket::make_pair();
  auto parent = std::make_unique<LogLeaseChannel>(setup, down, up, std::move(here));
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
