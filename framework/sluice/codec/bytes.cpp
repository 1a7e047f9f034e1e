// sluice/codec/bytes.cpp: memory of Bytes, and what is said about bytes that don't fit.
// SPDX-License-Identifier: MIT
#include <sluice/codec/bytes.hpp>

#include <sluice/base/display_name.hpp>

#include <fmt/format.h>

#include <cstdlib>
#include <limits>
#include <new>

namespace sluice {
namespace {

std::string shown(std::string_view type) { return detail::display_name(std::string(type)); }

}  // namespace

DecodeError::DecodeError(std::size_t offset, std::string_view type, std::string_view what)
    : std::runtime_error(
          fmt::format("cannot decode {} at byte {}: {}; the bytes are damaged or of another type",
                      shown(type), offset, what)),
      offset_(offset) {}

EncodeError::EncodeError(std::string_view type, std::string_view what)
    : std::runtime_error(fmt::format("cannot encode {}: {}", shown(type), what)) {}

void Bytes::grow(std::size_t count) {
  if (count > std::numeric_limits<std::ptrdiff_t>::max() - size_) throw std::bad_alloc();
  const std::size_t wanted = size_ + count;
  const std::size_t capacity = wanted < 2 * capacity_ ? 2 * capacity_ : wanted < 64 ? 64 : wanted;
  void* const data = std::realloc(data_, capacity);
  if (data == nullptr) throw std::bad_alloc();
  data_ = static_cast<std::byte*>(data);
  capacity_ = capacity;
}

void Bytes::release() noexcept {
  std::free(data_);
  data_ = nullptr;
  size_ = 0;
  capacity_ = 0;
}

void Writer::put_wide_count(std::uint64_t count) {
  to_.append(&kWide, sizeof kWide);
  to_.append(&count, sizeof count);
}

void Writer::fail_nesting(std::string_view type) {
  throw EncodeError(type, fmt::format("it is nested deeper than {} levels; flatten it, or give it "
                                      "a codec of its own",
                                      kMaxNesting));
}

void Reader::fail(std::string_view what) const { throw DecodeError(offset(), type_, what); }

void Reader::fail_at(const std::byte* at, std::string_view what) const {
  throw DecodeError(static_cast<std::size_t>(at - begin_), type_, what);
}

void Reader::fail_short(std::size_t count) const {
  fail(fmt::format("{} bytes are needed, {} are left", count, left()));
}

void Reader::fail_count(std::uint64_t count) const {
  fail(fmt::format("a length of {} is more than the {} bytes left can hold", count, left()));
}

void Reader::fail_rest() const { fail(fmt::format("{} bytes are left over", left())); }

}  // namespace sluice
