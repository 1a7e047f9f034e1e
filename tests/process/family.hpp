// tests/process/family.hpp: processes that tests start, and proof that none of them is left.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/process/worker_server.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::testing_support {

/// While it lives, every orphan below this process becomes its child: nothing can get away.
class Adoption {
 public:
  Adoption();
  ~Adoption();
  Adoption(const Adoption&) = delete;
  Adoption& operator=(const Adoption&) = delete;

  /// Blocks until this process has no child any more; the watchdog is the limit.
  /// Returns  how many there were.
  int reap_all();
};

/// A forked process that lives as told, says lines to the test, and never comes back.
class Victim {
 public:
  using Say = std::function<void(const std::string&)>;

  explicit Victim(const std::function<void(const Say&)>& life);
  ~Victim();
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  /// Blocks until it said something; empty when it ended instead.
  std::string line();
  /// The numbers in the next line.
  std::vector<int> numbers();
  [[nodiscard]] int pid() const { return pid_; }
  void kill(int signal) const;
  /// Blocks until it has ended and reaps it.
  detail::ProcessEnd wait();

 private:
  int pid_ = -1;
  int said_ = -1;
  std::string text_;
};

/// Blocks for ever.
[[noreturn]] void sleep_for_ever();

/// The next event; blocks until there is one.
detail::ServerEvent next_event(detail::WorkerServer& server);
/// The next event of that kind; others on the way are dropped.
detail::ServerEvent await(detail::WorkerServer& server, detail::ServerEvent::Kind kind);
/// Starts a worker and waits until it runs.
detail::ServerEvent start_worker(detail::WorkerServer& server, const detail::WorkerSpec& spec,
                                 std::initializer_list<int> descriptors = {});
/// What one worker did: everything it wrote to standard error, and how it ended.
struct Told {
  std::string err;
  detail::ProcessEnd end;
};
/// Starts a worker and waits until it has ended.
Told tell(detail::WorkerServer& server, const detail::WorkerSpec& spec,
          std::initializer_list<int> descriptors = {});
/// The same with a server of its own.
Told tell_of(detail::ServeWorker serve, const detail::WorkerSpec& spec = {.key = 1});
/// All that comes from the pipe until its end.
std::string read_to_end(int descriptor);
void write_text(int descriptor, const std::string& text);

/// Whether a process of that id exists that is not a zombie.
bool is_running(int pid);
/// How many processes were started with that in their environment.
int marked_processes(const std::string& setting);
/// How many processes have a descriptor that leads to a file of that name.
int holders_of(const std::string& part_of_name);

}  // namespace sluice::testing_support
