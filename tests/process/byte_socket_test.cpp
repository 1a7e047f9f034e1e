// process/byte_socket_test.cpp: single bytes between processes, also when the other end sends what is none.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/os/byte_socket.hpp>

#include <sys/socket.h>

#include <cstddef>
#include <utility>

namespace {

using sluice::detail::ByteSocket;
using Status = ByteSocket::Status;

constexpr std::byte kUntouched{99};

struct Heard {
  Status status = Status::ok;
  std::byte byte = kUntouched;
  friend bool operator==(const Heard&, const Heard&) = default;
};

struct Pair {
  Pair() : Pair(ByteSocket::make_pair()) {}
  [[nodiscard]] Heard hear() const {
    Heard heard;
    heard.status = there.receive(heard.byte);
    return heard;
  }
  // As an end does that keeps to no rules.
  void send_raw(const char* bytes, std::size_t size) const {
    REQUIRE(::send(here.number(), bytes, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size));
  }
  ByteSocket here;
  ByteSocket there;

 private:
  explicit Pair(std::pair<ByteSocket, ByteSocket> ends)
      : here(std::move(ends.first)), there(std::move(ends.second)) {}
};

const Heard kNothing{Status::not_now, kUntouched};
const Heard kEnd{Status::ended, kUntouched};
Heard heard(int byte) { return {Status::ok, std::byte(byte)}; }

}  // namespace

TEST_CASE("ByteSocket: bytes come in order, and what was sent before the end still comes",
          "[byte_socket]") {
  Pair pair;
  CHECK(pair.hear() == kNothing);
  for (const int byte : {0, 7, 255}) CHECK(pair.here.send(std::byte(byte)) == Status::ok);
  pair.here = ByteSocket();
  CHECK(pair.hear() == heard(0));
  CHECK(pair.hear() == heard(7));
  CHECK(pair.hear() == heard(255));
  CHECK(pair.hear() == kEnd);
  CHECK(pair.there.send(std::byte{1}) == Status::ended);
}

// The system tells an empty message and the end by the same answer.
TEST_CASE("ByteSocket: an empty message is the end, comes in its turn, and changes no byte",
          "[byte_socket]") {
  const Pair pair;
  CHECK(pair.here.send(std::byte{3}) == Status::ok);
  pair.send_raw("", 0);
  CHECK(pair.hear() == heard(3));
  CHECK(pair.hear() == kEnd);
  CHECK(pair.hear() == kNothing);
}

TEST_CASE("ByteSocket: longer messages are dropped, and hide nothing that comes behind them",
          "[byte_socket]") {
  const Pair pair;
  pair.send_raw("ab", 2);
  pair.send_raw("a longer one", 12);
  CHECK(pair.hear() == kNothing);
  pair.send_raw("abc", 3);
  CHECK(pair.here.send(std::byte{5}) == Status::ok);
  CHECK(pair.hear() == heard(5));
  CHECK(pair.hear() == kNothing);
}

TEST_CASE("ByteSocket: a full one says so, and takes more once something was read",
          "[byte_socket]") {
  const Pair pair;
  std::size_t sent = 0;
  Status status = Status::ok;
  while ((status = pair.here.send(std::byte(sent % 200))) == Status::ok) ++sent;
  CHECK(status == Status::not_now);
  CHECK(sent > 0);
  CHECK(pair.hear() == heard(0));
  while (pair.here.send(std::byte{211}) == Status::not_now)
    REQUIRE(pair.hear().status == Status::ok);
  Heard last;
  for (Heard next = pair.hear(); next.status == Status::ok; next = pair.hear()) last = next;
  CHECK(last == heard(211));
}
