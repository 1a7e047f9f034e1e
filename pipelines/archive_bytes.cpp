// pipelines/archive_bytes.cpp
// SPDX-License-Identifier: MIT
#include <archive_bytes.hpp>

namespace sluice::samples {

std::uint64_t ByteReader::fixed(std::size_t width) noexcept {
  const std::string_view taken = bytes(width);
  std::uint64_t value = 0;
  for (std::size_t i = taken.size(); i > 0; --i) {
    value = (value << 8U) | static_cast<unsigned char>(taken[i - 1]);
  }
  return value;
}

std::uint64_t ByteReader::varint() noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = u8();
    if (shift == 63 && byte > 1) break;
    value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return failed_ ? 0 : value;
  }
  failed_ = true;
  return 0;
}

std::string_view ByteReader::bytes(std::uint64_t size) noexcept {
  if (failed_ || size > left()) {
    failed_ = true;
    return {};
  }
  const std::string_view taken = bytes_.substr(at_, static_cast<std::size_t>(size));
  at_ += taken.size();
  return taken;
}

}  // namespace sluice::samples
