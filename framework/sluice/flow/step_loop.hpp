// sluice/flow/step_loop.hpp: the order of things in a worker's step, for sources and other stages alike.
//
//   start ─▶ deliver what waits ─▶ run ─▶ ... ─▶ finish ─▶ leave        cancel: abandon ─▶ leave
//
// Compiled once. What knows types is behind virtual functions, which are called per step or per batch,
// never per item. Functions whose user code may throw say so; the loop turns what they throw into a
// failure of the run.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/port_core.hpp>
#include <sluice/flow/step.hpp>
#include <sluice/flow/worker_state.hpp>

#include <atomic>
#include <cstddef>

namespace sluice::detail {

class StepLoop : public StepBody {
 public:
  [[nodiscard]] StepResult step(StepFrame& frame) noexcept final;

  [[nodiscard]] Full full() const noexcept override;
  [[nodiscard]] bool any_room(bool closely) const noexcept override;
  void add_full_ns(std::int64_t ns) noexcept final;
  [[nodiscard]] std::size_t branches() const noexcept override;
  [[nodiscard]] const BranchCounts& branch(std::size_t index) const noexcept override;

 protected:
  explicit StepLoop(WorkerState& worker) noexcept : worker_(&worker) {}
  /// The derived class's port, once it is there; a sink has none.
  void set_port(PortCore* port) noexcept {
    port_ = port;
    deliver_from(port);
  }
  /// Outputs that wait are those of this port, which need not be the worker's own.
  void deliver_from(PortCore* port) noexcept {
    waiting_port_.store(port, std::memory_order_relaxed);
  }
  [[nodiscard]] PortCore* own_port() const noexcept { return port_; }
  [[nodiscard]] bool delivers_from_own() const noexcept { return waiting_port() == port_; }

  // ---- what the loop asks of what knows the types --------------------------------------------------

  virtual void start_body() = 0;  ///< may throw
  /// Calls the body's finish() and commits its outputs; true when it has more to emit. May throw; its
  /// outputs are then discarded.
  [[nodiscard]] virtual bool finish_body() = 0;
  /// Destroys the user's object: it ends with its worker, not with the run's handle.
  virtual void end_body() noexcept = 0;
  /// Offers committed outputs; true when none is left. May throw.
  [[nodiscard]] virtual bool publish_outputs() = 0;
  virtual void abandon_outputs() noexcept = 0;

  // ---- what differs between a source and other stages ----------------------------------------------

  [[nodiscard]] virtual StepResult run(StepFrame& frame) noexcept = 0;
  /// run() is called also while outputs wait for room.
  [[nodiscard]] virtual bool runs_while_full() const noexcept { return false; }
  /// All outputs that waited have been accepted; or run() is called while they wait.
  virtual void delivered() noexcept {}
  /// The run was cancelled: what the worker still holds is given up.
  virtual void drop_taken() noexcept {}
  /// The worker emits nothing more.
  virtual void left() noexcept {}

  // ---- for the derived classes ---------------------------------------------------------------------

  [[nodiscard]] WorkerState& worker() const noexcept { return *worker_; }
  [[nodiscard]] bool cancelled() const noexcept { return worker_->control().cancelled(); }
  [[nodiscard]] bool pending() const noexcept {
    const PortCore* const port = waiting_port();
    return port != nullptr && port->pending();
  }
  /// Somebody downstream still wants outputs.
  [[nodiscard]] bool outputs_open() const noexcept { return port_ == nullptr || port_->open(); }
  [[nodiscard]] bool running() const noexcept { return phase_ == Phase::running; }

  /// publish_outputs() with its exceptions: an output whose move threw can be neither delivered nor
  /// taken back, so the run fails.
  [[nodiscard]] bool publish() noexcept;
  [[nodiscard]] StepResult blocked_or_abandoned() noexcept;
  [[nodiscard]] StepResult finish() noexcept;
  [[nodiscard]] StepResult abandon() noexcept;

 private:
  enum class Phase : unsigned char { starting, running, finishing, done };

  [[nodiscard]] StepResult advance(StepFrame& frame) noexcept;
  [[nodiscard]] bool start() noexcept;
  [[nodiscard]] bool finish_some() noexcept;
  [[nodiscard]] StepResult leave() noexcept;

  [[nodiscard]] PortCore* waiting_port() const noexcept {
    return waiting_port_.load(std::memory_order_relaxed);
  }

  WorkerState* worker_;
  PortCore* port_ = nullptr;
  std::atomic<PortCore*> waiting_port_{nullptr};  // looked at by others, too
  Phase phase_ = Phase::starting;
  bool finished_ = false;  // the body's finish() has nothing more to emit
};

}  // namespace sluice::detail
