// process/stop_line_test.cpp: the words on the line to a worker process, also when there is no memory.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <support/allocations.hpp>

#include <sluice/process/stop_line.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

namespace {

using sluice::detail::Descriptor;
using sluice::detail::StopLine;
using sluice::detail::StopLineEnd;
using sluice::detail::StopWord;
using sluice::testing_support::Allocations;

struct Line {
  Line() : Line(StopLine::make()) {}
  StopLine parent;
  StopLineEnd worker;

 private:
  explicit Line(std::pair<StopLine, Descriptor> ends)
      : parent(std::move(ends.first)), worker(std::move(ends.second)) {}
};

// Of an end in the hands of a worker that does not keep to the rules.
void send_raw(int number, const void* bytes, std::size_t size) {
  REQUIRE(::send(number, bytes, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size));
}

void send_with_descriptor(int number, std::byte byte, int descriptor) {
  iovec part = {&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  REQUIRE(::sendmsg(number, &message, MSG_NOSIGNAL) == 1);
}

}  // namespace

TEST_CASE("StopLine: words only rise, and each is heard", "[stop_line]") {
  Line line;
  CHECK(line.worker.take() == StopWord::none);
  line.parent.tell(StopWord::stop);
  line.parent.tell(StopWord::stop);
  CHECK(line.worker.take() == StopWord::stop);
  line.parent.tell(StopWord::drop);
  line.parent.tell(StopWord::stop);
  CHECK(line.worker.take() == StopWord::drop);
  CHECK(line.worker.take() == StopWord::drop);
  CHECK(line.worker.number() >= 0);
}

TEST_CASE("StopLine: the parent knows who listens and who has started", "[stop_line]") {
  Line line;
  CHECK_FALSE(line.parent.is_heeded());
  CHECK_FALSE(line.parent.has_started());
  line.worker.say_started();
  CHECK_FALSE(line.parent.is_heeded());
  CHECK(line.parent.has_started());
  line.worker.heed();
  CHECK(line.parent.is_heeded());
  CHECK(line.parent.has_started());
}

TEST_CASE("StopLine: a worker without memory hears a word, and those that come later",
          "[stop_line]") {
  Line line;
  for (const StopWord word : {StopWord::stop, StopWord::drop}) {
    line.parent.tell(word);
    StopWord heard = StopWord::none;
    std::uint64_t allocations = 0;
    {
      const Allocations none(0);
      heard = line.worker.take();
      allocations = none.count();
    }
    CHECK(allocations == 0);
    CHECK(heard == word);
    CHECK(line.worker.number() >= 0);
  }
}

TEST_CASE("StopLine: a parent without memory tells and hears", "[stop_line]") {
  Line line;
  line.worker.heed();
  line.worker.say_started();
  bool heeded = false;
  bool started = false;
  std::uint64_t allocations = 0;
  {
    const Allocations none(0);
    line.parent.tell(StopWord::drop);
    heeded = line.parent.is_heeded();
    started = line.parent.has_started();
    allocations = none.count();
  }
  CHECK(allocations == 0);
  CHECK(heeded);
  CHECK(started);
  CHECK(line.worker.take() == StopWord::drop);
}

TEST_CASE("StopLine: what a dead parent has told is heard before the end", "[stop_line]") {
  Line line;
  line.parent.tell(StopWord::stop);
  line.parent = StopLine();
  CHECK(line.worker.take() == StopWord::stop);
  CHECK(line.worker.number() == -1);
  line.worker.heed();  // raises no signal
}

TEST_CASE("StopLine: what a dead worker has said is heard, and telling it is no error",
          "[stop_line]") {
  auto [parent, descriptor] = StopLine::make();
  parent.tell(StopWord::stop);  // unread, which makes the death a reset
  StopLineEnd(std::move(descriptor)).heed();
  parent.tell(StopWord::drop);
  CHECK(parent.is_heeded());
  CHECK_FALSE(parent.has_started());
}

TEST_CASE("StopLine: messages that are no words are passed over, and keep no descriptor",
          "[stop_line][hostile]") {
  auto [parent, descriptor] = StopLine::make();
  const std::array<unsigned char, 3> three = {1, 2, 1};
  const int number = descriptor.number();
  const unsigned char unknown = 200;
  send_raw(number, three.data(), three.size());
  send_raw(number, &unknown, 1);
  int ends[2] = {-1, -1};
  REQUIRE(::pipe(ends) == 0);
  send_with_descriptor(number, std::byte{2}, ends[1]);
  ::close(ends[1]);
  CHECK_FALSE(parent.is_heeded());
  CHECK(parent.has_started());
  char byte = 0;
  CHECK(::read(ends[0], &byte, 1) == 0);  // nobody else holds its writing end
  ::close(ends[0]);
  const unsigned char heeds = 1;
  send_raw(number, &heeds, 1);
  CHECK(parent.is_heeded());
}

TEST_CASE("StopLine: who never stops talking is heard a piece at a time", "[stop_line][hostile]") {
  auto [parent, descriptor] = StopLine::make();
  const int number = descriptor.number();
  const unsigned char unknown = 200;
  const unsigned char heeds = 1;
  for (int i = 0; i < 100; ++i) send_raw(number, &unknown, 1);
  send_raw(number, &heeds, 1);
  CHECK_FALSE(parent.is_heeded());
  CHECK(parent.is_heeded());
}
