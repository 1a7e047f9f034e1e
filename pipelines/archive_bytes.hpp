// pipelines/archive_bytes.hpp: numbers as bytes, and back with every bound checked.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::samples {

/// Appends to a string: fixed widths little endian, varints seven bits a byte, lowest first.
class ByteWriter {
 public:
  void u8(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void u32(std::uint32_t value) { fixed(value, 4); }
  void u64(std::uint64_t value) { fixed(value, 8); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) u8(static_cast<std::uint8_t>(value | 0x80U));
    u8(static_cast<std::uint8_t>(value));
  }
  /// Small distances from zero make short numbers.
  void signed_varint(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    varint((bits << 1U) ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }
  void bytes(std::string_view bytes) { bytes_.append(bytes); }

  [[nodiscard]] const std::string& text() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

 private:
  void fixed(std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) u8(static_cast<std::uint8_t>(value >> (8 * i)));
  }

  std::string bytes_;
};

/// Takes from bytes that nobody trusts. What is not there reads as zero and makes the reader fail
/// for good, so callers may check failed() after several numbers, but before they use any as a
/// size.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(fixed(1)); }
  [[nodiscard]] std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(fixed(4)); }
  [[nodiscard]] std::uint64_t u64() noexcept { return fixed(8); }
  /// Ten bytes at most, and no bits beyond the 64th.
  [[nodiscard]] std::uint64_t varint() noexcept;
  [[nodiscard]] std::int64_t signed_varint() noexcept {
    const std::uint64_t bits = varint();
    return static_cast<std::int64_t>((bits >> 1U) ^ ((bits & 1U) != 0 ? ~std::uint64_t{0} : 0));
  }
  /// The next `size` bytes, which stay where they are; none when there are fewer.
  [[nodiscard]] std::string_view bytes(std::uint64_t size) noexcept;

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] std::size_t offset() const noexcept { return at_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }

 private:
  [[nodiscard]] std::uint64_t fixed(std::size_t width) noexcept;

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace sluice::samples
