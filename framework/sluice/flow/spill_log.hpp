// sluice/flow/spill_log.hpp: a row of records, first in, first out, most of them in a file.
//
//   head: the block that is read  ◀──  blocks in the file  ◀──  tail: the block that is filled
//
// (1) At most two blocks are in memory, each of kBlock bytes or of one record that is larger.
// (2) One system call moves a block, never a record. The file is made when a block first has to go.
// (3) What throws has changed nothing: a record that could not be closed is not in the row, one
//     that could not be loaded is still its first.
// (4) Space in the file is used again; when the row's last block was loaded the file is empty.
// (5) A file with a cap is never longer, as long as a record is opened only while has_room(): then the block
//     that this record may close still fits. An empty file is not needed to go on, so the row never gets stuck.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace sluice::detail {

class SpillFile;

class SpillLog {
 public:
  static constexpr std::size_t kBlock = std::size_t{256} << 10;

  struct Options {
    std::string directory{};      ///< empty: temporary_directory()
    std::uint64_t max_bytes = 0;  ///< of the file; 0: any number
    bool compressed = false;
  };
  explicit SpillLog(Options options) noexcept;
  SpillLog(const SpillLog&) = delete;
  SpillLog& operator=(const SpillLog&) = delete;
  ~SpillLog();

  [[nodiscard]] std::size_t size() const noexcept {
    return head_records_ + spilled_ + tail_records_;
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /// Records and their bytes in the file now, and how much of the file they take up.
  [[nodiscard]] std::size_t spilled() const noexcept { return spilled_; }
  [[nodiscard]] std::uint64_t spilled_bytes() const noexcept { return spilled_bytes_; }
  [[nodiscard]] std::uint64_t file_bytes() const noexcept;
  /// One more record can't make the file longer than it may be. True when empty().
  [[nodiscard]] bool has_room() const noexcept {
    return options_.max_bytes == 0 || tail_records_ == 0 || tail_fits();
  }

  /// Returns  where to append the bytes of a new record; then close_record() or abandon_record().
  [[nodiscard]] Bytes& open_record();
  /// Puts the record into the row.
  /// Throws  std::system_error: the file could not be made or written; std::length_error: the
  ///         record has 4 GiB or more. Then it was abandoned.
  void close_record();
  void abandon_record() noexcept { tail_.resize(record_at_); }

  /// Requires  not empty(). Returns  the bytes of the first record, valid until pop().
  /// Throws  std::system_error when the file can't be read.
  [[nodiscard]] std::span<const std::byte> front();
  /// Requires  front() was called.
  void pop() noexcept;

 private:
  [[nodiscard]] bool tail_fits() const noexcept;
  void write_block(std::span<const std::byte> bytes, std::size_t records);
  void load_head();

  Options options_;
  std::unique_ptr<SpillFile> file_;  // null until a block first has to go
  std::size_t spilled_ = 0;
  std::uint64_t spilled_bytes_ = 0;

  Bytes head_{};
  std::size_t head_at_ = 0;
  std::size_t head_records_ = 0;

  Bytes tail_{};
  std::size_t tail_records_ = 0;
  std::size_t record_at_ = 0;  // the open record begins here in tail_
};

}  // namespace sluice::detail
