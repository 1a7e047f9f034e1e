// pipelines/byte_buffer.cpp: a buffer on its way to another process.
// SPDX-License-Identifier: MIT
#include <byte_buffer.hpp>

#include <sluice/shared_bytes.hpp>

#include <span>

namespace sluice {

// A copy, because a transport may keep what it takes for longer than the buffer lives.
void codec<samples::ByteBuffer>::write(const samples::ByteBuffer& buffer, Writer& to) {
  to.put(SharedBytes::copy_of(std::as_bytes(std::span(buffer.view()))));
}

samples::ByteBuffer codec<samples::ByteBuffer>::read(Reader& from) {
  const auto bytes = from.get<SharedBytes>();
  samples::ByteBuffer buffer;
  buffer.append({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return buffer;
}

}  // namespace sluice
