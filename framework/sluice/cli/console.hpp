// sluice/cli/console.hpp: standard error with messages and one line that is rewritten in place.
//
// (1) Every message is one line that begins with the program's name.
// (2) A message never lands inside the live line: that is wiped first and drawn again after it.
// (3) No colours; the live line is only for terminals.
// (4) While a run is on, nobody waits for a reader that does not read. What standard error does not take lies
//     here, kMost bytes of it. When they are full, a worker's thread waits as long as the reader takes
//     something every kPatience, as it would for any slow reader; then, and for the run's own thread at once, lines
//     are lost, and how many is said once there is room. A file, and a terminal that shows, lose nothing.
// (5) Otherwise what is written is a result: whoever writes it waits until it is taken.
// (6) Nobody waits with the mutex held.
// Layer: run. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/unique_function.hpp>
#include <sluice/deadline.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace sluice::detail {

/// Threads  any.
class Console {
 public:
  static constexpr std::size_t kMost = std::size_t{256} << 10U;
  static constexpr std::chrono::milliseconds kPatience{1000};

  explicit Console(std::string program) : program_(std::move(program)) {}
  /// Blocks  as long as the reader takes something of what is left, and then for kPatience.
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// "program: text", one line whatever the text holds.
  void message(std::string_view text);
  /// Several lines as they are, without the program's name: tables.
  void block(std::string_view text);
  /// Draws the live line anew, cut to the terminal's width; not while text waits.
  void live(const std::string& line);
  /// Wipes the live line.
  void end_live();

  struct Hooks {
    UniqueFunction<void()> on_waiting{};  ///< text waits now: pass_on() from time to time
    UniqueFunction<bool()> gives_up{};  ///< while a result waits: whether it is not wanted any more
  };
  /// A run begins; the calling thread is its own.
  void begin_run(Hooks hooks);
  /// It has ended: what comes now are its results.
  void end_run();
  /// No hook is called any more.
  void forget_hooks();
  /// The run is being cancelled: from now on nobody waits, but kPatience for all that is left at its end.
  void hurry();

  /// Whether text waits to be taken.
  [[nodiscard]] bool waiting() const;
  /// Passes on what is taken now. Never blocks.
  void pass_on();

 private:
  using Lock = std::unique_lock<std::mutex>;

  void write_above_live(std::string_view text);
  [[nodiscard]] std::string above_live(std::string_view text) const;
  void offer();
  void tell_lost();
  [[nodiscard]] bool has_room(std::string_view text) const;
  void wait_for_room(Lock& lock, std::string_view text);
  void write_out(Lock& lock);
  [[nodiscard]] bool is_read() const;
  static void wait_unlocked(Lock& lock);

  const std::string program_;
  mutable std::mutex mutex_;  // of what follows
  std::string live_{};
  std::string kept_{};  // on its way
  std::uint64_t lost_lines_ = 0;
  Clock::time_point last_taken_{};  // or since when something waits
  bool running_ = false;
  bool hurried_ = false;
  std::thread::id own_thread_{};
  Hooks hooks_{};
};

/// Writes results to standard output, all of them now.
/// Throws  ClosedOutput when nobody reads it, std::system_error for other failures.
void write_stdout(std::string_view text);

}  // namespace sluice::detail
