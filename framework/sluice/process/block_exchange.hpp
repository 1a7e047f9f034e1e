// sluice/process/block_exchange.hpp: large payloads go to the other process by reference: where in which
// block file (process/block_file.hpp) they are.
//
//   worker   BlockWriter    copies a payload into a file of its own, says where
//   parent   BlockReader    keeps the place; neither maps nor copies it
//   parent   BlockLender    says where, of what came so; copies what is in its own memory into a file, once
//   worker   BlockBorrower  copies the payload out before its function sees it
//
// In front of the bytes of a record or lease that refers to payloads lie their entries; a reference in
// the bytes is the number of an entry, from the first one of the transaction or lease on, and a range.
// Files are known by slots of a table, at most kMostSlots. A file's descriptor travels once, over the socket
// (process/travelling_file.hpp), ahead of what refers to it; later entries name the slot alone.
//
// (1) A slot of a worker's table is free while `freed` of the parent's page equals the number of entries that
//     it has committed for it. The parent raises it once for each, when the last reference to the payload is
//     gone: after every process that was lent it has answered, or was proven dead. sync-point block-freed.
//     So no honest worker writes to what somebody may still have to copy.
// (2) An entry exists for the parent once its transaction was parsed whole; a worker that dies before its
//     commit has used no slot. What it sent ahead dies with its socket.
// (3) The parent replaces what a slot of a borrower's table holds only in a later lease; the borrower has
//     copied what earlier leases refer to before it takes the next one.
// (4) Nobody waits for a slot: when there is none, or sending might wait, the bytes are written where they are.
// (5) A worker's entries, references and descriptors are hostile: slot, size, file and range are checked.
// Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/process/block_file.hpp>
#include <sluice/process/travelling_file.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace sluice::detail {

inline constexpr std::size_t kMostSlots = 64;
/// Smaller payloads are written where they are.
inline constexpr std::size_t kLeastBlock = std::size_t{16} << 10;
/// Larger ones likewise, where ChannelPlan::max_payload judges them.
inline constexpr std::size_t kMostBlock = std::size_t{1} << 30;

/// In the parent's page: per slot of the worker's table, entries that nobody refers to any more.
struct BlockWords {
  std::atomic<std::uint64_t> freed[kMostSlots]{};
};

struct BlockEntry {
  std::uint32_t slot = 0;
  std::uint32_t once = 0;     ///< 1: the slot does not keep the file
  std::uint64_t arrival = 0;  ///< number of the packet with the file; 0: the slot has it
  std::uint64_t size = 0;     ///< of the payload, from the beginning of the file
};
static_assert(sizeof(BlockEntry) == 24);

class BlockWriter final : public BlockSink {
 public:
  /// Of `slots` slots; `freed` has as many words.
  BlockWriter(const PacketSocket& socket, const BlockWords& words, std::size_t slots);

  bool take(const SharedBytes& bytes, BlockReference& to) override;
  /// Entries of what was taken since the last call.
  [[nodiscard]] std::span<const BlockEntry> new_entries() noexcept;
  /// Forgets what was taken since the last commit.
  void discard() noexcept;
  /// Sends what the transaction needs; `end` is its end. Only then it is published, and committed() said.
  [[nodiscard]] PacketStatus send(std::uint64_t end);
  void committed() noexcept;
  void freed(std::uint64_t position) noexcept { under_way_.freed(position); }
  [[nodiscard]] bool is_crowded() const noexcept { return under_way_.count() >= kMostFiles; }

 private:
  struct Slot {
    std::shared_ptr<BlockFile> file{};
    std::uint64_t uses = 0;  // entries committed
    bool known = false;      // the parent has it
    bool taken = false;      // by the transaction in progress
  };
  [[nodiscard]] Slot* choose(std::size_t size);
  [[nodiscard]] bool make_file(Slot& slot, std::size_t size);
  [[nodiscard]] bool is_free(std::size_t slot) const noexcept;

  const PacketSocket* socket_;
  const BlockWords* words_;
  std::vector<Slot> slots_;
  std::size_t kept_bytes_ = 0;
  std::vector<BlockEntry> entries_{};  // of the transaction in progress
  std::vector<SharedBytes> taken_{};   // parallel to them
  std::size_t shown_ = 0;
  std::size_t to_send_ = 0;
  std::uint64_t last_arrival_ = 0;
  UnderWay under_way_{};
};

class BlockReader final : public BlockSource {
 public:
  /// `owner` is told of each payload that is gone.
  BlockReader(Arrivals& arrivals, std::shared_ptr<BlockOwner> owner, std::size_t slots)
      : arrivals_(&arrivals), owner_(std::move(owner)), files_(slots) {}

  /// More entries of the transaction that is parsed. Throws  ProtocolViolation; std::system_error.
  void open(std::span<const std::byte> entries, std::uint64_t position);
  SharedBytes give(const BlockReference& reference, const Reader& from) override;
  /// Of that transaction no more is read.
  void forget() noexcept { payloads_.clear(); }

 private:
  [[nodiscard]] std::shared_ptr<BlockFile> file_of(const BlockEntry& entry, std::uint64_t position);

  Arrivals* arrivals_;
  std::shared_ptr<BlockOwner> owner_;
  std::vector<std::shared_ptr<BlockFile>> files_;
  std::vector<SharedBytes> payloads_{};
};

class BlockLender final : public BlockSink {
 public:
  BlockLender(const PacketSocket& socket, std::shared_ptr<BlockPool> pool, std::size_t slots)
      : socket_(&socket), pool_(std::move(pool)), slots_(slots) {}

  /// The next lease begins.
  void begin() noexcept;
  bool take(const SharedBytes& bytes, BlockReference& to) override;
  [[nodiscard]] std::span<const BlockEntry> entries() const noexcept { return entries_; }
  /// Sends what the lease needs. `full`: it is to be encoded anew, later.
  [[nodiscard]] PacketStatus send(std::uint64_t end);
  /// The lease is not lent after all, although that was sent.
  void take_back() noexcept;
  void freed(std::uint64_t position) noexcept;
  /// Whether it is worth a look at what the worker has given back.
  [[nodiscard]] bool keeps_any() const noexcept { return !kept_.empty() || under_way_.count() > 0; }

 private:
  struct Slot {
    std::uint64_t file = 0;  // its id; 0: none
    std::uint64_t used = 0;  // when, counted in leases
  };
  // A copy that nothing but its lease keeps.
  struct Kept {
    std::uint64_t end = 0;
    SharedBytes copy{};
  };
  [[nodiscard]] PlaceInFile place(const SharedBytes& bytes);
  [[nodiscard]] bool add_entry(const PlaceInFile& place);

  const PacketSocket* socket_;
  std::shared_ptr<BlockPool> pool_;
  std::vector<Slot> slots_;
  std::uint64_t lease_ = 0;
  std::vector<BlockEntry> entries_{};
  std::vector<std::shared_ptr<BlockFile>> files_{};  // parallel to them
  std::vector<SharedBytes> copies_{};                // made for it
  std::deque<Kept> kept_{};
  std::size_t to_send_ = 0;
  std::uint64_t last_arrival_ = 0;
  UnderWay under_way_{};
};

class BlockBorrower final : public BlockSource {
 public:
  BlockBorrower(Arrivals& arrivals, std::size_t slots) : arrivals_(&arrivals), files_(slots) {}

  /// Entries of the lease that was taken. Throws  ProtocolViolation; std::system_error.
  void open(std::span<const std::byte> entries, std::uint64_t position);
  SharedBytes give(const BlockReference& reference, const Reader& from) override;
  void forget() noexcept { payloads_.clear(); }

 private:
  struct Payload {
    std::shared_ptr<BlockFile> file{};
    std::size_t size = 0;
    SharedBytes copy{};  // of all of it, once it was asked for
  };

  Arrivals* arrivals_;
  std::vector<std::shared_ptr<BlockFile>> files_;
  std::vector<Payload> payloads_{};
};

}  // namespace sluice::detail
