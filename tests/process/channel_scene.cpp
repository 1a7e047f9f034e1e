// process/channel_scene.cpp
// SPDX-License-Identifier: MIT
#include <process/channel_scene.hpp>

#include <sluice/os/packet_socket.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::process_tests {
namespace {

using detail::Descriptor;
using detail::PacketSocket;
using detail::PacketStatus;

void run_body(const WorkerBody& body, std::span<const int> descriptors, OffThreadChecks& checks) {
  try {
    const auto channel = detail::open_worker_channel(descriptors);
    body(*channel, checks);
  } catch (const std::exception& error) {
    checks.expect(false, std::string("the worker throws: ") + error.what());
  }
}

class ThreadHost final : public WorkerHost {
 public:
  explicit ThreadHost(WorkerBody body) : body_(std::move(body)) {}
  ~ThreadHost() override {
    if (thread_.joinable()) thread_.join();
  }
  void start(std::vector<Descriptor> descriptors) override {
    std::vector<int> numbers;
    for (Descriptor& descriptor : descriptors) numbers.push_back(descriptor.release());
    thread_ = std::thread([this, numbers] {
      id_ = gettid();
      run_body(body_, numbers, checks_);
    });
  }
  std::string join() override {
    thread_.join();
    return checks_.failures();
  }
  [[nodiscard]] int id() const override { return id_; }

 private:
  WorkerBody body_;
  OffThreadChecks checks_{};
  std::thread thread_{};
  std::atomic<int> id_{0};
};

// The child waits for the number of descriptors, then for each of them.
[[noreturn]] void child_main(const WorkerBody& body, const PacketSocket& socket) {
  OffThreadChecks checks;
  std::vector<int> numbers;
  std::byte count{};
  if (socket.receive({&count, 1}, PacketSocket::Wait::yes).status == PacketStatus::ok) {
    for (auto left = static_cast<int>(count); left > 0; --left) {
      std::byte unused{};
      auto packet = socket.receive({&unused, 1}, PacketSocket::Wait::yes);
      numbers.push_back(packet.descriptor.release());
    }
    run_body(body, numbers, checks);
  }
  const std::string wrong = checks.failures();
  std::fputs(wrong.c_str(), stderr);
  _exit(wrong.empty() ? 0 : 1);
}

class ProcessHost final : public WorkerHost {
 public:
  explicit ProcessHost(const WorkerBody& body) {
    auto [here, there] = PacketSocket::make_pair();
    std::fflush(nullptr);
    child_ = fork();
    if (child_ < 0) throw std::runtime_error("no child");
    if (child_ == 0) {
      { const PacketSocket closed = std::move(here); }
      child_main(body, there);
    }
    socket_ = std::move(here);
  }
  ~ProcessHost() override {
    socket_ = PacketSocket();
    if (child_ > 0) waitpid(child_, nullptr, 0);
  }
  void start(std::vector<Descriptor> descriptors) override {
    const auto count = static_cast<std::byte>(descriptors.size());
    bool sent = socket_.send({&count, 1}, -1, PacketSocket::Wait::yes) == PacketStatus::ok;
    for (const Descriptor& descriptor : descriptors) {
      sent = sent && socket_.send({&count, 1}, descriptor.number(), PacketSocket::Wait::yes) ==
                         PacketStatus::ok;
    }
    if (!sent) throw std::runtime_error("the child is gone before it began");
  }
  std::string join() override {
    int status = 0;
    waitpid(std::exchange(child_, -1), &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
    return "the worker process ended with status " + std::to_string(status);
  }
  [[nodiscard]] int id() const override { return child_; }

 private:
  PacketSocket socket_{};
  pid_t child_ = -1;
};

// A cheap function of where a byte is.
std::byte pattern_at(std::uint64_t seed, std::size_t place) noexcept {
  return static_cast<std::byte>((seed + place * 0x9e3779b97f4a7c15U) >> 56U);
}

std::uint64_t pattern_seed(std::uint64_t ticket, std::uint64_t output) noexcept {
  return (ticket * 0xff51afd7ed558ccdU + output + 1) * 0xc4ceb9fe1a85ec53U;
}

}  // namespace

std::string Setting::name() const {
  return std::string(kind == ChannelPlan::Kind::log ? "logs" : "packets") +
         (host == Host::thread ? ", a thread" : ", a process");
}

void Signal::wait() const {
  pollfd waited = {.fd = counter_.descriptor().number(), .events = POLLIN, .revents = 0};
  while (!counter_.lower()) poll(&waited, 1, -1);
}

std::unique_ptr<WorkerHost> make_host(Host host, WorkerBody body) {
  if (host == Host::thread) return std::make_unique<ThreadHost>(std::move(body));
  return std::make_unique<ProcessHost>(body);
}

Scene::Scene(Host host, const ChannelPlan& plan, WorkerBody body)
    : host_(make_host(host, std::move(body))) {
  detail::NewChannel made = detail::make_channel(plan, router_);
  channel_ = std::move(made.parent);
  host_->start(std::move(made.for_the_worker));
}

Scene::~Scene() {
  hang_up();
  if (!joined_) host_->join();
}

std::string Scene::join() {
  joined_ = true;
  return host_->join();
}

void Scene::lend(std::uint64_t ticket, std::span<const std::byte> bytes) {
  const Lease lease{.ticket = ticket, .item = ticket - 1, .attempt = 1, .bytes = bytes};
  while (!channel_->lend(lease)) {
    channel_->publish();
    sleep();
  }
  channel_->publish();
}

void Scene::sleep() {
  channel_->announce_sleep(1);
  if (!channel_->has_records(true)) {
    pollfd waited[] = {{.fd = router_.descriptor().number(), .events = POLLIN, .revents = 0},
                       {.fd = channel_->descriptor(), .events = 0, .revents = 0}};
    poll(waited, 2, -1);
    router_.lower();
  }
  channel_->end_sleep();
}

bool Scene::wait(Record& record) {
  for (;;) {
    if (channel_->next(record)) return true;
    const bool gone = channel_->worker_gone();
    if (channel_->next(record)) return true;
    if (gone) return false;
    sleep();
  }
}

Bytes pattern(std::uint64_t ticket, std::uint64_t output, std::size_t size) {
  Bytes bytes(size);
  const std::uint64_t seed = pattern_seed(ticket, output);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = pattern_at(seed, i);
  return bytes;
}

bool has_pattern(std::span<const std::byte> bytes, std::uint64_t ticket, std::uint64_t output) {
  const std::uint64_t seed = pattern_seed(ticket, output);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != pattern_at(seed, i)) return false;
  }
  return true;
}

}  // namespace sluice::process_tests
