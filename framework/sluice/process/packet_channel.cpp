// sluice/process/packet_channel.cpp: the channel of one socket: a lease is a packet, and a
// transaction is a packet.
//
// The kernel owns what is under way; a packet comes whole or not at all, so sending it is the
// commit. What is larger than a packet may be goes into a file that travels with a short one. There
// is nothing to sleep on but the socket, and the worker raises the router's event counter at every
// commit. Two system calls and two copies per packet: this is the simple channel, which judges the
// other; it has the same bounds, counted as if there were logs.
// Descriptors for the worker, in this order: the two pages of words, socket, the router's bell.
// Layer: process. SPDX-License-Identifier: MIT
#include <sluice/base/assert.hpp>
#include <sluice/os/cpu.hpp>
#include <sluice/process/channel_setup.hpp>
#include <sluice/process/travelling_file.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <new>
#include <optional>
#include <utility>

namespace sluice::detail {
namespace {

using Bytes = std::vector<std::byte>;

// The kernel takes packets of 200 KiB and more, but needs that much in one piece.
constexpr std::size_t kMostPacket = std::size_t{1} << 16;

void append_bytes(Bytes& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void append_record(Bytes& to, RecordHead head, std::span<const std::byte> first,
                   std::span<const std::byte> second = {}) {
  head.length = static_cast<std::uint32_t>(first.size() + second.size());
  append_bytes(to, bytes_of(head));
  append_bytes(to, first);
  append_bytes(to, second);
  to.resize(padded(to.size()));
}

// What a log would need for a record, where `staged` bytes of its transaction are already.
std::uint64_t log_cost(std::uint64_t extra, std::uint64_t payload, std::uint64_t staged,
                       std::uint64_t log_bytes) {
  const std::uint64_t size = record_size(extra + payload);
  return goes_inline(size, staged, log_bytes) ? size : record_size(extra + sizeof(Elsewhere));
}

struct ParsedRecord {
  RecordHead head{};
  std::span<const std::byte> bytes{};
};

// The bytes are private or frozen; what they say is the worker's.
void parse_transactions(std::span<const std::byte> bytes, std::uint64_t offset,
                        std::deque<ParsedRecord>& to) {
  bool open = true;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t left = bytes.size() - at;
    if (left < sizeof(RecordHead)) {
      throw ProtocolViolation("a record's head is cut off", offset + at);
    }
    const auto head = value_at<RecordHead>(bytes.data() + at);
    if (padded(head.length) > left - sizeof head) {
      throw ProtocolViolation("a record is longer than what was published", offset + at);
    }
    if (head.type < kOutputRecord || head.type > kNoteRecord) {
      throw ProtocolViolation("there is no such type of record", offset + at);
    }
    if (head.flags != 0) {
      throw ProtocolViolation("a record has flags that do not exist", offset + at);
    }
    const bool first = open && to.empty();
    to.push_back({head, bytes.subspan(at + sizeof head, head.length)});
    at += record_size(head.length);
    open = !(head.type == kDoneRecord || head.type == kFailedRecord ||
             (head.type == kNoteRecord && first));
  }
  if (open) throw ProtocolViolation("a transaction has no end", offset + bytes.size());
}

class PacketLeaseChannel final : public LeaseChannel {
 public:
  PacketLeaseChannel(const ChannelSetup& setup, const MemoryFile& ours, const MemoryFile& theirs,
                     PacketSocket socket)
      : setup_(setup),
        our_map_(ours, page_size(), MapAccess::read_and_write),
        their_map_(theirs, page_size(), MapAccess::read),
        socket_(std::move(socket)),
        worker_page_(reinterpret_cast<const WorkerPage*>(their_map_.data())) {
    ::new (our_map_.data()) ParentPage{.setup = setup};
  }

  bool lend(const Lease& lease) override {
    const std::uint64_t cost =
        log_cost(sizeof(LeaseHead), lease.bytes.size(), 0, setup_.down_bytes);
    const std::uint64_t size = record_size(sizeof(LeaseHead) + lease.bytes.size());
    const bool large = !goes_inline(size, 0, setup_.down_bytes) || size > kMostPacket;
    if (large && lease.bytes.size() > setup_.max_payload) {
      throw PayloadTooLarge(lease.bytes.size(), setup_.max_payload);
    }
    if (lent_bytes_ + cost > setup_.down_bytes || (large && files_ == kMostFiles)) return false;
    Message message;
    const LeaseHead second{.item = lease.item, .attempt = lease.attempt};
    RecordHead head{.type = kLeaseRecord, .id = lease.ticket};
    if (large) {
      message.file.emplace("sluice: a large item");
      message.file->append(lease.bytes);
      message.file->freeze();
      head.flags = kIsElsewhere;
    }
    append_record(message.bytes, head, bytes_of(second),
                  large ? std::span<const std::byte>{} : lease.bytes);
    unsent_.push_back(std::move(message));
    lent_.push_back({cost, large});
    lent_bytes_ += cost;
    files_ += large ? 1 : 0;
    return true;
  }

  void publish() override {
    published_ = unsent_.size();
    send_published();
  }

  void request_stop() override {
    Message message;
    append_record(message.bytes, {.type = kStopRecord}, {});
    unsent_.push_back(std::move(message));
    publish();
  }

  bool next(Record& record) override {
    send_published();
    if (records_.empty() && !receive()) return false;
    const ParsedRecord& found = records_.front();
    record = {.type = RecordType{found.head.type},
              .port = found.head.port,
              .flags = 0,
              .ticket = found.head.id,
              .bytes = found.bytes};
    const bool ends = found.head.type == kDoneRecord || found.head.type == kFailedRecord;
    records_.pop_front();
    if (ends) end_lease();
    return true;
  }

  void free_read() override {
    // What is not yet returned lies in what was received last.
    const std::size_t keep = records_.empty() ? 0 : 1;
    while (received_.size() > keep) received_.pop_front();
  }

  bool has_records(bool) const override { return !records_.empty() || socket_.has_packet(); }
  Progress progress() const override { return progress_of(*worker_page_); }
  bool worker_gone() const override { return socket_.hung_up(); }
  int descriptor() const noexcept override { return socket_.descriptor().number(); }

  // The worker raises the counter at every commit, and there is room in the socket after that.
  void announce_sleep(std::size_t) override { send_published(); }
  void end_sleep() override {}

 private:
  struct Message {
    Bytes bytes{};
    std::optional<MemoryFile> file{};
  };
  struct Lent {
    std::uint64_t cost;
    bool large;
  };
  // One packet: its bytes, or the file that came with it.
  struct Received {
    Bytes bytes{};
    MemoryMap map{};
  };

  void send_published() {
    while (published_ > 0) {
      const Message& message = unsent_.front();
      const int file = message.file.has_value() ? message.file->descriptor().number() : -1;
      if (socket_.send(message.bytes, file, PacketSocket::Wait::no) == PacketStatus::full) return;
      unsent_.pop_front();  // sent, or nobody is there to receive it
      --published_;
    }
  }

  void end_lease() {
    if (lent_.empty()) return;  // a ticket that was never given out: the caller's to notice
    lent_bytes_ -= lent_.front().cost;
    files_ -= lent_.front().large ? 1 : 0;
    lent_.pop_front();
  }

  bool receive() {
    if (wrong_.has_value()) throw ProtocolViolation(*wrong_);
    try {
      Received received;
      received.bytes.resize(kMostPacket);
      Packet packet = socket_.receive(received.bytes, PacketSocket::Wait::no);
      if (packet.status != PacketStatus::ok) return false;
      open(received, packet);
    } catch (const ProtocolViolation& violation) {
      records_.clear();
      wrong_ = violation;
      throw;
    } catch (...) {
      records_.clear();
      wrong_.emplace("they could not be read before", offset_);
      throw;
    }
    return true;
  }

  void open(Received& received, Packet& packet) {
    if (packet.size > received.bytes.size() || packet.more_descriptors) {
      throw ProtocolViolation("a packet is larger than packets are", offset_);
    }
    received.bytes.resize(packet.size);
    received_.push_back(std::move(received));
    Received& kept = received_.back();
    if (!packet.descriptor.valid()) {
      parse_transactions(kept.bytes, offset_, records_);
      offset_ += kept.bytes.size();
      return;
    }
    const MemoryFile file(std::move(packet.descriptor), "sluice: a large item");
    const std::uint64_t size = file.size_if_frozen();
    if (size == 0) throw ProtocolViolation("the file of a packet can still be changed", offset_);
    kept.map = MemoryMap(file, size, MapAccess::frozen);
    parse_transactions(kept.map.bytes(), offset_, records_);
    offset_ += size;
  }

  const ChannelSetup setup_;
  MemoryMap our_map_;
  MemoryMap their_map_;
  PacketSocket socket_;
  const WorkerPage* worker_page_;
  std::deque<Message> unsent_{};
  std::size_t published_ = 0;  // of those, the first so many
  std::deque<Lent> lent_{};
  std::uint64_t lent_bytes_ = 0;
  std::size_t files_ = 0;
  std::deque<Received> received_{};
  std::deque<ParsedRecord> records_{};
  std::uint64_t offset_ = 0;
  std::optional<ProtocolViolation> wrong_{};
};

class PacketWorkerChannel final : public WorkerChannel {
 public:
  explicit PacketWorkerChannel(WorkerParts parts)
      : setup_(parts.setup),
        map_(MemoryFile(std::move(parts.descriptors[1]), "a worker's words"), page_size(),
             MapAccess::read_and_write),
        socket_(std::move(parts.descriptors[2])),
        router_(std::move(parts.descriptors[3])),
        page_(*reinterpret_cast<WorkerPage*>(map_.data())) {
    // sync-point log-ready: release.
    page_.ready.store(1, std::memory_order_release);
    router_.raise();
  }

  bool take(Lease& lease) override {
    lease_file_ = MemoryMap();
    lease_bytes_.resize(kMostPacket);
    Packet packet = socket_.receive(lease_bytes_, PacketSocket::Wait::yes);
    if (packet.status != PacketStatus::ok) return false;
    const auto head = value_at<RecordHead>(lease_bytes_.data());
    if (head.type == kStopRecord) return false;
    const auto second = value_at<LeaseHead>(lease_bytes_.data() + sizeof head);
    lease = {
        .ticket = head.id,
        .item = second.item,
        .attempt = second.attempt,
        .bytes = {lease_bytes_.data() + sizeof head + sizeof second, head.length - sizeof second}};
    if (packet.descriptor.valid()) {
      const MemoryFile file(std::move(packet.descriptor), "sluice: a large item");
      lease_file_ = MemoryMap(file, file.size(), MapAccess::frozen);
      lease.bytes = lease_file_.bytes();
    }
    return true;
  }

  void begin(std::uint64_t ticket) override {
    page_.started_ns.store(setup_.times ? static_cast<std::uint64_t>(steady_now_ns()) : 0,
                           std::memory_order_relaxed);
    // sync-point log-started: with its time, or an earlier one.
    page_.started.store(ticket, std::memory_order_release);
  }

  void append(RecordType type, std::uint8_t port, std::span<const std::byte> bytes) override {
    stage({.type = static_cast<std::uint8_t>(type), .port = port}, bytes);
  }

  void discard() override {
    staged_.clear();
    cost_ = 0;
  }

  void commit(RecordType closing, std::uint64_t ticket, std::span<const std::byte> bytes) override {
    stage({.type = static_cast<std::uint8_t>(closing), .id = ticket}, bytes);
    if (staged_.size() <= kMostPacket) {
      send(staged_, -1);
    } else {
      MemoryFile file("sluice: a large item");
      file.append(staged_);
      file.freeze();
      Bytes notice;
      append_record(notice, {.type = kFileRecord}, {});
      send(notice, file.descriptor().number());
    }
    page_.commit.store(page_.commit.load(std::memory_order_relaxed) + staged_.size(),
                       std::memory_order_relaxed);
    if (closing != RecordType::note) page_.started.store(0, std::memory_order_relaxed);
    discard();
    router_.raise();
  }

 private:
  void stage(const RecordHead& head, std::span<const std::byte> bytes) {
    if (bytes.size() > setup_.max_payload) throw PayloadTooLarge(bytes.size(), setup_.max_payload);
    const std::uint64_t cost = log_cost(0, bytes.size(), cost_, setup_.up_bytes);
    if (cost_ + cost > setup_.up_bytes) {
      throw TransactionTooLarge(
          fmt::format("the outputs of one item take more than the {} bytes of a worker's log",
                      setup_.up_bytes));
    }
    append_record(staged_, head, bytes);
    cost_ += cost;
  }

  void send(std::span<const std::byte> bytes, int file) {
    PacketStatus status = socket_.send(bytes, file, PacketSocket::Wait::no);
    if (status == PacketStatus::full) {
      page_.sleeping.store(kForRoom, std::memory_order_relaxed);
      status = socket_.send(bytes, file, PacketSocket::Wait::yes);
      page_.sleeping.store(0, std::memory_order_relaxed);
    }
    if (status != PacketStatus::ok) throw ParentGone();
  }

  const ChannelSetup setup_;
  MemoryMap map_;
  PacketSocket socket_;
  EventCounter router_;
  WorkerPage& page_;
  Bytes lease_bytes_{};
  MemoryMap lease_file_{};
  Bytes staged_{};
  std::uint64_t cost_ = 0;
};

}  // namespace

NewChannel make_packet_channel(const ChannelSetup& setup, const EventCounter& router) {
  MemoryFile ours("sluice: a channel's plan", page_size());
  MemoryFile theirs("sluice: a worker's words", page_size());
  theirs.seal_size();
  auto [here, there] = PacketSocket::make_pair();
  NewChannel made;
  made.parent = std::make_unique<PacketLeaseChannel>(setup, ours, theirs, std::move(here));
  ours.seal_size_and_new_writers();
  made.for_the_worker.push_back(std::move(ours).take_descriptor());
  made.for_the_worker.push_back(std::move(theirs).take_descriptor());
  made.for_the_worker.push_back(std::move(there).take_descriptor());
  made.for_the_worker.push_back(router.share());
  return made;
}

std::unique_ptr<WorkerChannel> open_packet_channel(WorkerParts parts) {
  return std::make_unique<PacketWorkerChannel>(std::move(parts));
}

}  // namespace sluice::detail
