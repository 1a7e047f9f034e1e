// sluice/process/log.hpp: one writer, one reader, a ring of bytes and two words.
//
//   writer's page:  commit   bytes published; grows; always between two transactions
//   reader's page:  freed    bytes the reader needs no more; grows
//
// Positions are bytes since the beginning and never wrap; a place is the position modulo the
// capacity, a power of two. The ring is mapped twice in a row, so a record is always in one piece.
// (1) Bytes below `commit` were written before it was stored, by the same thread: sync-point
//     log-commit. Bytes above it nobody reads.
// (2) Bytes below `freed` were read before it was stored: sync-point log-freed. The writer writes
//     only where freed + capacity allows.
// (3) Each side remembers the other's word and reads it again only when it seems to be stuck.
// (4) The reader trusts nothing: `commit` must grow, by no more than the ring holds, in steps of a
//     record's alignment; no record may go over it. The writer expects of `freed` that it grows and
//     stays below `commit`. Both words are read into a local before they are judged.
// Orders stronger than (1) and (2) need come from who sleeps and who wakes: process/log_sleep.hpp.
//
// `Area` provides capacity(), place(position, size) to write to and wrote(position, size) after that,
// head(position) and at(position, size) to read. Layer: process. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/prefetch.hpp>
#include <sluice/process/channel.hpp>
#include <sluice/process/kill_point.hpp>
#include <sluice/process/log_format.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace sluice::detail {

template <class Sync>
using LogWord = typename Sync::template Atomic<std::uint64_t>;

/// The ring of a LogMap.
class MappedArea {
 public:
  MappedArea(std::byte* ring, std::size_t capacity) noexcept : ring_(ring), mask_(capacity - 1) {}

  [[nodiscard]] std::uint64_t capacity() const noexcept { return mask_ + 1; }
  [[nodiscard]] std::byte* place(std::uint64_t position, std::size_t) const noexcept {
    return ring_ + (position & mask_);
  }
  void wrote(std::uint64_t, std::size_t) const noexcept {}
  [[nodiscard]] RecordHead head(std::uint64_t position) const noexcept {
    return read_head(ring_ + (position & mask_));
  }
  [[nodiscard]] const std::byte* at(std::uint64_t position, std::size_t) const noexcept {
    return ring_ + (position & mask_);
  }
  /// Hints: the record at that place will be read, or written, soon.
  void soon_read(std::uint64_t position) const noexcept {
    expect_read(ring_ + (position & mask_));
    expect_read(ring_ + ((position + kFetchedBytes) & mask_));
  }
  void soon_written(std::uint64_t position) const noexcept {
    expect_write(ring_ + (position & mask_));
    expect_write(ring_ + ((position + kFetchedBytes) & mask_));
  }

 private:
  std::byte* ring_;
  std::uint64_t mask_;
};

template <class Sync, class Area>
class LogWriter {
 public:
  using Word = LogWord<Sync>;

  LogWriter(Word& commit, const Word& freed, Area area) noexcept
      : commit_(commit), freed_(freed), area_(area) {}

  /// Whether `size` more bytes fit. Looks at the reader's word only if they seem not to.
  [[nodiscard]] bool has_room(std::uint64_t size, std::memory_order order) {
    if (fits(size)) return true;
    look(order);
    return fits(size);
  }
  /// Whether `size` more bytes can ever fit into what is staged.
  [[nodiscard]] bool could_have_room(std::uint64_t size) const noexcept {
    return staged_ - committed_ + size <= area_.capacity();
  }

  /// A hint: a record comes, is published at once, and the reader waits for it. So its lines and the word's are
  /// fetched side by side and not, as stores are, one behind the other.
  void expect_record() const noexcept {
    area_.soon_written(staged_);
    expect_write(&commit_);
  }

  /// There is room. The pieces follow each other.
  void append(RecordHead head, std::span<const std::byte> first,
              std::span<const std::byte> second) {
    const std::size_t length = first.size() + second.size();
    head.length = static_cast<std::uint32_t>(length);
#ifdef SLUICE_MUTANT_LOG_COMMIT_BEFORE_BYTES
    commit_.store(staged_ + record_size(length), std::memory_order_seq_cst);
#endif
    std::byte* const to = area_.place(staged_, sizeof head + length);
    std::memcpy(to, &head, sizeof head);
    kill_point(KillPoint::in_output);
    if (!first.empty()) std::memcpy(to + sizeof head, first.data(), first.size());
    if (!second.empty()) std::memcpy(to + sizeof head + first.size(), second.data(), second.size());
    area_.wrote(staged_, sizeof head + length);
    staged_ += record_size(length);
  }

  void discard() noexcept { staged_ = committed_; }
  [[nodiscard]] bool has_staged() const noexcept { return staged_ != committed_; }
  [[nodiscard]] std::uint64_t staged() const noexcept { return staged_; }
  [[nodiscard]] std::uint64_t committed() const noexcept { return committed_; }
  /// What the reader gave back, as far as known; look() to know more.
  [[nodiscard]] std::uint64_t freed() const noexcept { return known_freed_; }

  void publish() noexcept {
    // sync-point log-commit: the one store that shows a transaction. Release for its bytes; seq_cst
    // because the writer then looks whether the reader sleeps.
    commit_.store(staged_, std::memory_order_seq_cst);
    committed_ = staged_;
  }

  void look(std::memory_order order) {
    // sync-point log-freed: acquires the reader's last reads of those bytes.
    const std::uint64_t freed = freed_.load(order);
    if (freed < known_freed_ || freed > committed_) {
      throw ProtocolViolation("more is given back than was published, or less than before", freed);
    }
    known_freed_ = freed;
  }

 private:
  [[nodiscard]] bool fits(std::uint64_t size) const noexcept {
    return staged_ - known_freed_ + size <= area_.capacity();
  }

  Word& commit_;
  const Word& freed_;
  Area area_;
  std::uint64_t staged_ = 0;
  std::uint64_t committed_ = 0;
  std::uint64_t known_freed_ = 0;
};

/// A record in its log, or with bytes elsewhere.
struct LogRecord {
  RecordHead head{};
  std::span<const std::byte> bytes{};
  std::uint64_t end = 0;  ///< position behind it
};

template <class Sync, class Area>
class LogReader {
 public:
  using Word = LogWord<Sync>;

  LogReader(const Word& commit, Word& freed, Area area) noexcept
      : commit_(commit), freed_(freed), area_(area) {}

  /// Whether a record is left. Looks at the writer's word only when all known ones are read.
  [[nodiscard]] bool has_record(std::memory_order order) {
    if (position_ != limit_) return true;
    area_.soon_read(position_);  // beside the word, not after it
    // sync-point log-commit: acquires the bytes below.
    const std::uint64_t commit = commit_.load(order);
    if (commit == limit_) {
      waited_ = true;
      return false;
    }
    if (commit < limit_ || commit - freed_here_ > area_.capacity() ||
        commit % kRecordAlignment != 0) {
      throw ProtocolViolation("the published length is impossible", commit);
    }
    limit_ = commit;
    return true;
  }
  /// The same without remembering or judging what it saw.
  [[nodiscard]] bool may_have_record(std::memory_order order) const noexcept {
    if (position_ != limit_) return true;
    area_.soon_read(position_);
    return commit_.load(order) != limit_;
  }

  /// Whether so much is published, without remembering or judging what it saw.
  [[nodiscard]] bool has_length(std::uint64_t length) const noexcept {
    // Whoever publishes more after the reader's announcement sees that; and log-both-sleep sees to the rest.
    return commit_.load(std::memory_order_acquire) >= length;
  }

  /// Whether there was no record at some time since the last call.
  [[nodiscard]] bool has_waited() noexcept { return std::exchange(waited_, false); }

  /// The next record; has_record() said so. Filled in place: records are not copied as blocks, because what was
  /// stored field by field and is loaded in one piece makes a processor wait.
  void read(LogRecord& record) {
    const std::uint64_t left = limit_ - position_;
    if (left < sizeof(RecordHead)) throw ProtocolViolation("a record's head is cut off", position_);
    record.head = area_.head(position_);
    if (padded(record.head.length) > left - sizeof(RecordHead)) {
      throw ProtocolViolation("a record is longer than what was published", position_);
    }
    const std::uint32_t length = record.head.length;
    record.bytes = {area_.at(position_ + sizeof(RecordHead), length), length};
    position_ += record_size(record.head.length);
    record.end = position_;
  }

  /// Whether the head of a record that was read is what it was.
  [[nodiscard]] bool still_has(const LogRecord& record) const noexcept {
    return area_.head(record.end - record_size(record.head.length)) == record.head;
  }

  /// The reader needs nothing below `position` any more.
  void free_to(std::uint64_t position, std::memory_order order) noexcept {
    freed_here_ = position;
    // sync-point log-freed: release, after the last read of those bytes.
    freed_.store(position, order);
  }

  [[nodiscard]] std::uint64_t capacity() const noexcept { return area_.capacity(); }
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
  [[nodiscard]] std::uint64_t freed() const noexcept { return freed_here_; }
  [[nodiscard]] bool at_limit() const noexcept { return position_ == limit_; }

 private:
  const Word& commit_;
  Word& freed_;
  Area area_;
  std::uint64_t position_ = 0;
  std::uint64_t limit_ = 0;
  std::uint64_t freed_here_ = 0;
  bool waited_ = false;
};

}  // namespace sluice::detail
