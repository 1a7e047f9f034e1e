// bench/peers/process_links.hpp: ways to hand bytes to another process, one after the other.
//
// Each is made before the fork, for items of one size and a number of them under way; then one
// process calls send() and the other receive(), which returns the bytes, in place where it can. A
// pair of them makes a way there and back.
// Layer: bench.
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <mqueue.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef SLUICE_BENCH_ZEROMQ
#include <zmq.h>
#endif

#include <sluice/base/cache_line.hpp>
#include <sluice/base/cpu_pause.hpp>

#include <boost/interprocess/ipc/message_queue.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace sluice::bench {

using Item = std::span<const std::byte>;

[[noreturn]] inline void fail_link(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// The limit: slots in shared memory, one index each way, memcpy; nothing is kept or acknowledged.
class BareHandOff {
 public:
  BareHandOff(std::size_t size, std::size_t depth)
      : slot_(std::bit_ceil(size)), slots_(std::bit_ceil(depth)), size_(size) {
    bytes_ = sizeof(Words) + slot_ * slots_;
    void* const found = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (found == MAP_FAILED) fail_link("mmap");
    words_ = ::new (found) Words;
    ring_ = static_cast<std::byte*>(found) + sizeof(Words);
  }
  BareHandOff(const BareHandOff&) = delete;
  BareHandOff& operator=(const BareHandOff&) = delete;
  ~BareHandOff() { munmap(words_, bytes_); }

  void send(Item item) {
    while (put_ - room_ == slots_) {
      room_ = words_->got.load(std::memory_order_acquire);
      if (put_ - room_ == slots_) detail::cpu_pause();
    }
    std::memcpy(ring_ + (put_ & (slots_ - 1)) * slot_, item.data(), item.size());
    words_->put.store(++put_, std::memory_order_release);
  }
  Item receive() {
    // The slot returned last is free now.
    words_->got.store(got_, std::memory_order_release);
    while (got_ == filled_) {
      filled_ = words_->put.load(std::memory_order_acquire);
      if (got_ == filled_) detail::cpu_pause();
    }
    return {ring_ + (got_++ & (slots_ - 1)) * slot_, size_};
  }

 private:
  struct Words {
    alignas(detail::kCacheLine) std::atomic<std::uint64_t> put{0};
    alignas(detail::kCacheLine) std::atomic<std::uint64_t> got{0};
  };
  std::size_t slot_;
  std::size_t slots_;
  std::size_t size_;
  std::size_t bytes_ = 0;
  Words* words_ = nullptr;
  std::byte* ring_ = nullptr;
  std::uint64_t put_ = 0;
  std::uint64_t got_ = 0;
  std::uint64_t room_ = 0;
  std::uint64_t filled_ = 0;
};

/// One write and one read per item; the buffer as large as it may be.
class PipeLink {
 public:
  PipeLink(std::size_t size, std::size_t) : buffer_(size) {
    if (pipe2(ends_, O_CLOEXEC) != 0) fail_link("pipe");
    static_cast<void>(fcntl(ends_[1], F_SETPIPE_SZ, 1 << 20));
  }
  PipeLink(const PipeLink&) = delete;
  PipeLink& operator=(const PipeLink&) = delete;
  ~PipeLink() {
    close(ends_[0]);
    close(ends_[1]);
  }
  void send(Item item) {
    while (!item.empty()) {
      const ssize_t put = write(ends_[1], item.data(), item.size());
      if (put < 0) fail_link("write");
      item = item.subspan(static_cast<std::size_t>(put));
    }
  }
  Item receive() {
    for (std::size_t at = 0; at < buffer_.size();) {
      const ssize_t got = read(ends_[0], buffer_.data() + at, buffer_.size() - at);
      if (got <= 0) fail_link("read");
      at += static_cast<std::size_t>(got);
    }
    return buffer_;
  }

 private:
  int ends_[2] = {-1, -1};
  std::vector<std::byte> buffer_;
};

/// A packet per item; larger ones as a stream.
class SocketLink {
 public:
  SocketLink(std::size_t size, std::size_t) : packets_(size <= 65'536), buffer_(size) {
    if (socketpair(AF_UNIX, packets_ ? SOCK_SEQPACKET : SOCK_STREAM, 0, ends_) != 0) {
      fail_link("socketpair");
    }
  }
  SocketLink(const SocketLink&) = delete;
  SocketLink& operator=(const SocketLink&) = delete;
  ~SocketLink() {
    close(ends_[0]);
    close(ends_[1]);
  }
  void send(Item item) {
    while (!item.empty()) {
      const ssize_t put = ::send(ends_[1], item.data(), item.size(), MSG_NOSIGNAL);
      if (put < 0) fail_link("send");
      item = item.subspan(static_cast<std::size_t>(put));
    }
  }
  Item receive() {
    for (std::size_t at = 0; at < buffer_.size();) {
      const ssize_t got = recv(ends_[0], buffer_.data() + at, buffer_.size() - at, 0);
      if (got <= 0) fail_link("recv");
      at += static_cast<std::size_t>(got);
    }
    return buffer_;
  }

 private:
  bool packets_;
  int ends_[2] = {-1, -1};
  std::vector<std::byte> buffer_;
};

/// As deep as the system lets everybody have it: 10 items.
class PosixQueueLink {
 public:
  PosixQueueLink(std::size_t size, std::size_t depth) : buffer_(size) {
    static std::uint64_t made = 0;
    const std::string name =
        "/sluice-bench-" + std::to_string(getpid()) + "-" + std::to_string(++made);
    mq_attr attributes = {};
    attributes.mq_maxmsg = static_cast<long>(std::min<std::size_t>(depth, 10));
    attributes.mq_msgsize = static_cast<long>(size);
    queue_ = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
    if (queue_ < 0) fail_link("mq_open");
    mq_unlink(name.c_str());
  }
  PosixQueueLink(const PosixQueueLink&) = delete;
  PosixQueueLink& operator=(const PosixQueueLink&) = delete;
  ~PosixQueueLink() { mq_close(queue_); }
  void send(Item item) {
    if (mq_send(queue_, reinterpret_cast<const char*>(item.data()), item.size(), 0) != 0) {
      fail_link("mq_send");
    }
  }
  Item receive() {
    if (mq_receive(queue_, reinterpret_cast<char*>(buffer_.data()), buffer_.size(), nullptr) < 0) {
      fail_link("mq_receive");
    }
    return buffer_;
  }

 private:
  mqd_t queue_ = -1;
  std::vector<std::byte> buffer_;
};

/// A mutex and two condition variables in named shared memory.
class BoostQueueLink {
 public:
  BoostQueueLink(std::size_t size, std::size_t depth) : buffer_(size) {
    static std::uint64_t made = 0;
    name_ = "sluice-bench-" + std::to_string(getpid()) + "-" + std::to_string(++made);
    queue_.emplace(boost::interprocess::create_only, name_.c_str(), depth, size);
    boost::interprocess::message_queue::remove(name_.c_str());
  }
  void send(Item item) { queue_->send(item.data(), item.size(), 0); }
  Item receive() {
    std::size_t size = 0;
    unsigned priority = 0;
    queue_->receive(buffer_.data(), buffer_.size(), size, priority);
    return buffer_;
  }

 private:
  std::string name_;
  std::optional<boost::interprocess::message_queue> queue_;
  std::vector<std::byte> buffer_;
};

#ifdef SLUICE_BENCH_ZEROMQ
/// PUSH and PULL over a socket in the file system; its own threads do the work. Each process makes its
/// end at first use, because those threads don't survive a fork.
class ZeroMqLink {
 public:
  ZeroMqLink(std::size_t, std::size_t depth) : depth_(static_cast<int>(depth)) {
    char name[] = "/tmp/sluice-bench-XXXXXX";
    if (mkdtemp(name) == nullptr) fail_link("mkdtemp");
    directory_ = name;
    endpoint_ = "ipc://" + directory_ + "/link";
    owner_ = getpid();
  }
  ZeroMqLink(const ZeroMqLink&) = delete;
  ZeroMqLink& operator=(const ZeroMqLink&) = delete;
  ~ZeroMqLink() {
    finish();
    if (getpid() != owner_) return;
    unlink((directory_ + "/link").c_str());
    rmdir(directory_.c_str());
  }
  void send(Item item) {
    if (socket_ == nullptr) open(ZMQ_PUSH);
    if (zmq_send(socket_, item.data(), item.size(), 0) < 0) fail_link("zmq_send");
  }
  Item receive() {
    if (socket_ == nullptr) open(ZMQ_PULL);
    zmq_msg_close(&message_);
    zmq_msg_init(&message_);
    const int size = zmq_msg_recv(&message_, socket_, 0);
    if (size < 0) fail_link("zmq_msg_recv");
    return {static_cast<const std::byte*>(zmq_msg_data(&message_)), static_cast<std::size_t>(size)};
  }
  /// Sends what is under way; to be called at the end of a child, whose destructors don't run.
  void finish() {
    if (socket_ == nullptr) return;
    zmq_msg_close(&message_);
    zmq_close(socket_);
    zmq_ctx_term(context_);
    socket_ = nullptr;
  }

 private:
  void open(int kind) {
    zmq_msg_init(&message_);
    context_ = zmq_ctx_new();
    socket_ = zmq_socket(context_, kind);
    zmq_setsockopt(socket_, kind == ZMQ_PUSH ? ZMQ_SNDHWM : ZMQ_RCVHWM, &depth_, sizeof depth_);
    const int done = kind == ZMQ_PULL ? zmq_bind(socket_, endpoint_.c_str())
                                      : zmq_connect(socket_, endpoint_.c_str());
    if (done != 0) fail_link("zmq");
  }
  int depth_;
  pid_t owner_ = 0;
  std::string directory_;
  std::string endpoint_;
  void* context_ = nullptr;
  void* socket_ = nullptr;
  zmq_msg_t message_{};
};
#endif

}  // namespace sluice::bench
