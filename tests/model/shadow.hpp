// model/shadow.hpp: plain memory on the simulated machine: who touched what, and is it alive.
//
// Two accesses to one address, one of them a write, must be ordered by synchronisation; else it is a
// data race, whatever the order they came in (vector clocks, as in FastTrack; Flanagan and Freund,
// PLDI 2009). Objects that say so are also followed from their construction to their destruction.
// Memory with an alignment of its own (as the queue's slots have) stays in quarantine when it is
// freed, so that late users are found.
// SPDX-License-Identifier: MIT
#pragma once

#include <model/clock.hpp>

#include <array>
#include <cstddef>
#include <vector>

namespace sluice::model {

class Execution;

/// The accesses to one plain variable.
class PlainHistory {
 public:
  /// Ends the execution when it is a race. `what` names the variable.
  void read(Execution& execution, const char* what);
  void write(Execution& execution, const char* what);

 private:
  Step written_;  // count 0: never
  std::array<Count, kMaxThreads> read_{};
};

class Shadow {
 public:
  // ---- objects that report their life ------------------------------------------------------------

  void made(Execution& execution, const void* object);
  void destroyed(Execution& execution, const void* object);
  void read(Execution& execution, const void* object);
  void written(Execution& execution, const void* object);
  [[nodiscard]] std::size_t alive() const noexcept { return alive_; }

  // ---- memory --------------------------------------------------------------------------------------

  void allocated(const void* block, std::size_t size);
  /// Returns  whether the block is ours; then it is freed later.
  [[nodiscard]] bool freed(void* block);
  void free_quarantine();

 private:
  struct Object {
    const void* address;
    bool alive;
    PlainHistory history;
  };
  struct Block {
    void* begin;
    std::size_t size;
    bool freed;
  };

  Object& object_at(Execution& execution, const void* address);
  Object& living(Execution& execution, const void* address, const char* what);

  std::vector<Object> objects_;
  std::vector<Block> blocks_;
  std::size_t alive_ = 0;
};

}  // namespace sluice::model
