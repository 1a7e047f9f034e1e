// tests/unit/os_file_test.cpp: descriptors, waits and writes below the stages.
// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include <sluice/os/file.hpp>
#include <sluice/os/readable_wait.hpp>
#include <support/scratch.hpp>
#include <support/watchdog.hpp>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace {

using namespace sluice::detail;
using namespace sluice::testing_support;

struct Pipe {
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    out = Descriptor(ends[0]);
    in = Descriptor(ends[1]);
  }
  Descriptor in;
  Descriptor out;
};

bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }

}  // namespace

TEST_CASE("Descriptor: closes what it owns, once, and never what it borrows", "[os]") {
  const int number = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(number >= 0);
  {
    const Descriptor borrowed = Descriptor::borrowed(number);
    CHECK(borrowed.number() == number);
  }
  CHECK(is_open(number));
  Descriptor owner(number);
  Descriptor next = std::move(owner);
  CHECK_FALSE(owner.valid());  // NOLINT(bugprone-use-after-move): a moved-from one is empty
  CHECK(is_open(number));
  next = Descriptor();
  CHECK_FALSE(is_open(number));
}

TEST_CASE("ReadableWait: data, an end and a stop each end the wait", "[os]") {
  std::stop_source source;
  ReadableWait wait(source.get_token());
  Pipe pipe;
  CHECK_FALSE(ReadableWait::ready(pipe.out));
  SECTION("data") {
    std::thread writer([&] { write_all(pipe.in, "x", "pipe"); });
    CHECK(wait.wait(pipe.out, "pipe") == Readable::ready);
    CHECK(ReadableWait::ready(pipe.out));
    writer.join();
  }
  SECTION("end") {
    std::thread closer([&] { pipe.in.reset(); });
    CHECK(wait.wait(pipe.out, "pipe") == Readable::ready);
    closer.join();
  }
  SECTION("stop") {
    std::atomic<bool> waiting{false};
    std::thread stopper([&] {
      wait_until([&] { return waiting.load(std::memory_order_acquire); });
      source.request_stop();
    });
    waiting.store(true, std::memory_order_release);
    CHECK(wait.wait(pipe.out, "pipe") == Readable::stopped);
    stopper.join();
    CHECK(wait.wait(pipe.out, "pipe") == Readable::stopped);
  }
  SECTION("a stop before the wait was made") {
    source.request_stop();
    ReadableWait late(source.get_token());
    CHECK(late.wait(pipe.out, "pipe") == Readable::stopped);
  }
}

TEST_CASE("write_all: waits on a descriptor that does not block, and loses nothing", "[os]") {
  Pipe pipe;
  REQUIRE(::fcntl(pipe.in.number(), F_SETFL, O_NONBLOCK) == 0);
  const std::string text(1'000'000, 'x');
  std::string got;
  std::thread reader([&] {
    char bytes[8192];
    for (ssize_t n = 0; (n = ::read(pipe.out.number(), bytes, sizeof(bytes))) > 0;) {
      got.append(bytes, static_cast<std::size_t>(n));
    }
  });
  write_all(pipe.in, text, "pipe");
  pipe.in.reset();
  reader.join();
  CHECK(got == text);
}

TEST_CASE("write_all: a pipe that nobody reads is an error and no signal", "[os]") {
  Pipe pipe;
  pipe.out.reset();
  try {
    write_all(pipe.in, "x", "the pipe");
    FAIL("no exception");
  } catch (const std::system_error& error) {
    CHECK(error.code().value() == EPIPE);
    CHECK(std::string(error.what()) == "cannot write the pipe (errno 32): Broken pipe");
  }
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  CHECK(sigismember(&mask, SIGPIPE) == 0);
  sigset_t pending;
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGPIPE) == 0);
}

TEST_CASE("write_all: a SIGPIPE that was pending before stays pending", "[os]") {
  sigset_t pipe_signal;
  sigset_t before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  ::raise(SIGPIPE);
  Pipe pipe;
  pipe.out.reset();
  CHECK_THROWS_AS(write_all(pipe.in, "x", "pipe"), std::system_error);
  sigset_t pending;
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGPIPE) == 1);
  const timespec now = {};
  CHECK(::sigtimedwait(&pipe_signal, nullptr, &now) == SIGPIPE);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("read_at: reads on until the end of the file", "[os]") {
  const Scratch scratch;
  const std::string path = scratch.file("file", "0123456789");
  const Descriptor file = open_to_read(path);
  std::string bytes(6, '.');
  CHECK(read_at(file, 2, bytes, path) == 6);
  CHECK(bytes == "234567");
  CHECK(read_at(file, 8, bytes, path) == 2);
  CHECK(bytes.substr(0, 2) == "89");
  CHECK(read_at(file, 10, bytes, path) == 0);
  CHECK(status_of(file, path).size_bytes == 10);
}

TEST_CASE("open_to_read: refuses a link where links are refused", "[os]") {
  const Scratch scratch;
  const std::string file = scratch.file("file", "x");
  REQUIRE(::symlink(file.c_str(), (scratch / "link").c_str()) == 0);
  CHECK(open_to_read(scratch / "link").valid());
  CHECK_THROWS_AS(open_to_read(scratch / "link", Links::refuse), std::system_error);
}
