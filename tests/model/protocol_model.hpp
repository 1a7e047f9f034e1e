// model/protocol_model.hpp: leases, commits, sleep, death and restart between a router and its worker
// processes, as states and steps. A step reads or writes one shared word; memory is sequentially
// consistent here (log_test.cpp has the weak orders). A worker may be killed before each of its steps.
//
//   router   for each worker: apply what is committed; lend what the window allows, publish, ring;
//            if it is dead: apply a last time, start the next incarnation, lend it the same leases
//            again in their order; then announce sleep to each, until there is any answer or all are
//            there; look at each; sleep until an event or a death
//   worker   take; begin; stage the output; commit (one store); tell a router that sleeps until that; if
//            there is no lease: announce, look, tell a router that sleeps until more, sleep until the bell
//
// Checked in every state: no output arrives twice, no item is done twice or without its output, and
// what is committed is what was lent. In every state without a next step: everything is done.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::model {

/// The protocol, or a broken one.
enum class ProtocolMutant : std::uint8_t {
  none,
  two_stores,             ///< outputs and acknowledgement are published one after the other
  taken_from_the_living,  ///< leases go back to the queue while the worker lives and its log is read
  other_worker_gets_them,  ///< a dead worker's leases go to the queue, and it is still read after that
  deaths_ignored,
  router_sleeps_unlooked,
  worker_sleeps_unlooked,
  router_not_woken,
  worker_not_rung,
  worker_sleeps_untold,         ///< a router that waits for more than there is goes on waiting
  router_sleeps_beside_worker,  ///< it does not look whether the worker sleeps, too
  resent_without_last_read  ///< leases are sent again before the last look at the dead worker's log
};

struct ProtocolShape {
  std::size_t items = 2;
  std::size_t kills = 1;
  std::size_t window = 1;
  bool gathers =
      false;  ///< the router sleeps until all that a worker holds is answered, and one more
  ProtocolMutant mutant = ProtocolMutant::none;
};

class ProtocolModel {
 public:
  static constexpr std::size_t kWorkers = 2;
  static constexpr std::size_t kMostItems = 4;
  static constexpr std::uint8_t kNone = 0xff;

  enum class RouterAt : std::uint8_t {
    apply,
    lend,
    ring,
    bury,
    restart,
    announce,
    look,
    sleep,
    over
  };
  enum class WorkerAt : std::uint8_t {
    idle,
    begin,
    stage,
    commit,
    commit_end,
    tell,
    announce,
    look,
    tell_of_sleep,
    sleep
  };

  struct Worker {
    // The process of this incarnation, and its words.
    WorkerAt at;
    std::uint8_t alive;
    std::uint8_t taken;
    std::uint8_t commit;  // halves of transactions: outputs, then the acknowledgement
    std::uint8_t sleeping;
    std::uint8_t told;  // the router of its present sleep
    // The router's words and memory for it.
    std::uint8_t lent;  // published
    std::uint8_t applied;
    std::uint8_t router_sleeping;
    std::uint8_t enough;  // halves of transactions that end its sleep; 0: any
    std::uint8_t rung;    // for the worker's present sleep
    std::uint8_t bell;
    std::uint8_t leases;  // not yet applied, of its ledger
    std::array<std::uint8_t, kMostItems> ledger;
    std::array<std::uint8_t, kMostItems> log;  // what was lent to this incarnation
  };
  struct State {
    std::array<Worker, kWorkers> workers;
    RouterAt router;
    std::uint8_t turn;  // which worker the router is at
    std::uint8_t event;
    std::uint8_t kills;
    std::uint8_t queued;
    std::array<std::uint8_t, kMostItems> queue;
    std::array<std::uint8_t, kMostItems> outputs;  // of each item that arrived
    std::array<std::uint8_t, kMostItems> done;
    std::uint8_t mismatch;  // something was committed that was not lent
  };

  explicit ProtocolModel(const ProtocolShape& shape) noexcept : shape_(shape) {}

  [[nodiscard]] State first() const noexcept;

  template <class Emit>
  void next(const State& state, Emit emit) const {
    if (state.router == RouterAt::over) return;
    State after = state;
    if (const char* label = step_router(after)) emit(label, after);
    for (std::size_t i = 0; i < kWorkers; ++i) {
      if (state.workers[i].alive == 0) continue;
      after = state;
      if (const char* label = step_worker(after, after.workers[i])) emit(label, after);
      if (state.kills < shape_.kills) {
        after = state;
        after.workers[i].alive = 0;
        ++after.kills;
        emit("a worker is killed", after);
      }
      if (may_take_back(state, i)) {
        after = state;
        take_back(after, after.workers[i]);
        emit("leases are taken back", after);
      }
    }
  }

  [[nodiscard]] std::string fault(const State& state, bool is_final) const;

 private:
  // Each changes the state by one step and returns its name, or null when it has to wait.
  const char* step_router(State& state) const noexcept;
  const char* step_worker(State& state, Worker& worker) const noexcept;
  void tell(State& state, Worker& worker) const noexcept;

  void apply(State& state, Worker& worker) const noexcept;
  const char* lend(State& state, Worker& worker) const noexcept;
  const char* bury(State& state, Worker& worker) const noexcept;
  void restart(State& state, Worker& worker) const noexcept;
  const char* look(State& state, const Worker& worker) const noexcept;
  const char* sleep(State& state) const noexcept;
  void next_worker(State& state, RouterAt same, RouterAt after_all) const noexcept;
  [[nodiscard]] bool may_take_back(const State& state, std::size_t worker) const noexcept;
  static void take_back(State& state, Worker& worker) noexcept;
  [[nodiscard]] bool all_done(const State& state) const noexcept;
  [[nodiscard]] bool is(ProtocolMutant mutant) const noexcept { return shape_.mutant == mutant; }

  ProtocolShape shape_;
};

}  // namespace sluice::model
