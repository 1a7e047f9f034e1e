// tests/unit/archive_bytes_test.cpp: numbers as bytes, and bytes that are none.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <archive_bytes.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace sluice::samples;

TEST_CASE("ByteReader: numbers come back, and what is not there fails for good", "[pack]") {
  ByteWriter out;
  const std::vector<std::uint64_t> numbers{0, 1, 127, 128, 16383, 16384, ~std::uint64_t{0}};
  for (const std::uint64_t number : numbers) {
    out.varint(number);
    out.signed_varint(static_cast<std::int64_t>(number));
    out.signed_varint(-static_cast<std::int64_t>(number >> 1));
  }
  out.u32(0x01020304);
  ByteReader in(out.text());
  for (const std::uint64_t number : numbers) {
    CHECK(in.varint() == number);
    CHECK(in.signed_varint() == static_cast<std::int64_t>(number));
    CHECK(in.signed_varint() == -static_cast<std::int64_t>(number >> 1));
  }
  CHECK(out.text().substr(out.size() - 4) == "\x04\x03\x02\x01");
  CHECK(in.u32() == 0x01020304);
  CHECK(in.left() == 0);
  CHECK_FALSE(in.failed());
  CHECK(in.u64() == 0);
  CHECK(in.failed());
  for (const std::string& bad : {std::string(10, '\xff'), std::string(11, '\x80'),
                                 std::string("\x80"), std::string(9, '\xff') + '\x02'}) {
    ByteReader reader(bad);
    CHECK(reader.varint() == 0);
    CHECK(reader.failed());
  }
}
