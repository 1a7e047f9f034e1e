// model/protocol_model.cpp
// SPDX-License-Identifier: MIT
#include <model/protocol_model.hpp>

#include <algorithm>

namespace sluice::model {
namespace {

constexpr std::uint8_t byte(std::size_t value) noexcept { return static_cast<std::uint8_t>(value); }

}  // namespace

auto ProtocolModel::first() const noexcept -> State {
  State state{};
  for (Worker& worker : state.workers) {
    worker.alive = 1;
    worker.ledger.fill(kNone);
    worker.log.fill(kNone);
  }
  state.queue.fill(kNone);
  for (std::size_t i = 0; i < shape_.items; ++i) state.queue[i] = byte(i);
  state.queued = byte(shape_.items);
  return state;
}

// ---- the worker -----------------------------------------------------------------------------------

const char* ProtocolModel::step_worker(State& state, Worker& worker) const noexcept {
  switch (worker.at) {
    case WorkerAt::idle:
      worker.at = worker.taken < worker.lent ? WorkerAt::begin : WorkerAt::announce;
      return "a worker looks for a lease";
    case WorkerAt::begin:
      worker.at = WorkerAt::stage;
      return "a worker begins";
    case WorkerAt::stage:
      worker.at = WorkerAt::commit;
      return "a worker stages its output";
    case WorkerAt::commit:
      if (is(ProtocolMutant::two_stores)) {
        ++worker.commit;
        worker.at = WorkerAt::commit_end;
        return "a worker publishes its output";
      }
      worker.commit = byte(worker.commit + 2U);
      ++worker.taken;
      worker.at = WorkerAt::tell;
      return "a worker commits";
    case WorkerAt::commit_end:
      ++worker.commit;
      ++worker.taken;
      worker.at = WorkerAt::tell;
      return "a worker publishes its end";
    case WorkerAt::tell:
      if (worker.commit >= worker.enough) tell(state, worker);
      worker.at = WorkerAt::idle;
      return "a worker tells a sleeping router";
    case WorkerAt::announce:
      worker.sleeping = 1;
      worker.rung = 0;  // a new epoch
      worker.at = is(ProtocolMutant::worker_sleeps_unlooked) ? WorkerAt::sleep : WorkerAt::look;
      return "a worker announces its sleep";
    case WorkerAt::look:
      if (worker.taken == worker.lent) {
        worker.at = WorkerAt::tell_of_sleep;
        return "a worker looks and finds nothing";
      }
      worker.sleeping = 0;
      worker.at = WorkerAt::begin;
      return "a worker looks and finds a lease";
    case WorkerAt::tell_of_sleep:
      if (worker.enough != 0 && !is(ProtocolMutant::worker_sleeps_untold)) tell(state, worker);
      worker.at = WorkerAt::sleep;
      return "a worker tells of its sleep";
    case WorkerAt::sleep:
      if (worker.bell == 0) return nullptr;
      worker.bell = 0;
      // The unlooked one has to look now.
      worker.at = is(ProtocolMutant::worker_sleeps_unlooked) ? WorkerAt::idle : WorkerAt::announce;
      return "a worker wakes";
  }
  return nullptr;
}

void ProtocolModel::tell(State& state, Worker& worker) const noexcept {
  if (worker.router_sleeping == 0 || worker.told != 0) return;
  if (is(ProtocolMutant::router_not_woken)) return;
  worker.told = 1;
  state.event = 1;
}

// ---- the router -----------------------------------------------------------------------------------

void ProtocolModel::next_worker(State& state, RouterAt same, RouterAt after_all) const noexcept {
  state.turn = byte((state.turn + 1U) % kWorkers);
  state.router = state.turn == 0 ? after_all : same;
}

bool ProtocolModel::all_done(const State& state) const noexcept {
  return std::all_of(state.done.begin(), state.done.begin() + shape_.items,
                     [](std::uint8_t count) { return count != 0; });
}

void ProtocolModel::apply(State& state, Worker& worker) const noexcept {
  for (; worker.applied < worker.commit; ++worker.applied) {
    const std::uint8_t item = worker.log[worker.applied / 2];
    if (item == kNone) {
      state.mismatch = 1;
      return;
    }
    if (worker.applied % 2 == 0) {
      ++state.outputs[item];
      continue;
    }
    if (worker.leases == 0 || worker.ledger[0] != item) {
      state.mismatch = 1;
      return;
    }
    ++state.done[item];
    std::rotate(worker.ledger.begin(), worker.ledger.begin() + 1, worker.ledger.end());
    worker.ledger.back() = kNone;
    --worker.leases;
  }
}

const char* ProtocolModel::lend(State& state, Worker& worker) const noexcept {
  if (state.queued == 0 || worker.leases == shape_.window || worker.lent == kMostItems) {
    state.router = RouterAt::bury;
    return "the router has nothing to lend";
  }
  const std::uint8_t item = state.queue[0];
  std::rotate(state.queue.begin(), state.queue.begin() + 1, state.queue.end());
  state.queue.back() = kNone;
  --state.queued;
  worker.ledger[worker.leases++] = item;
  worker.log[worker.lent++] = item;
  state.router = RouterAt::ring;
  return "the router lends and publishes";
}

// Sees a death or does not.
const char* ProtocolModel::bury(State& state, Worker& worker) const noexcept {
  if (worker.alive != 0 || is(ProtocolMutant::deaths_ignored)) {
    next_worker(state, RouterAt::apply, RouterAt::announce);
    return "the router sees no death";
  }
  if (is(ProtocolMutant::other_worker_gets_them)) {
    if (worker.leases == 0) {
      next_worker(state, RouterAt::apply, RouterAt::announce);
      return "the router sees a death without leases";
    }
    take_back(state, worker);
    next_worker(state, RouterAt::apply, RouterAt::apply);
    return "the router gives a dead worker's leases to others";
  }
  if (!is(ProtocolMutant::resent_without_last_read)) apply(state, worker);
  state.router = RouterAt::restart;
  return "the router sees a death and reads a last time";
}

void ProtocolModel::restart(State& state, Worker& worker) const noexcept {
  Worker fresh{};
  fresh.alive = 1;
  fresh.ledger = worker.ledger;
  fresh.leases = worker.leases;
  fresh.log = worker.ledger;  // the same leases, in their order
  fresh.lent = worker.leases;
  worker = fresh;
  // What the new one commits has to be applied before anything sleeps.
  state.router = RouterAt::apply;
  state.turn = 0;
}

const char* ProtocolModel::look(State& state, const Worker& worker) const noexcept {
  const bool beside = worker.sleeping != 0 && worker.rung == 0 && worker.commit != worker.applied &&
                      !is(ProtocolMutant::router_sleeps_beside_worker);
  const bool enough = worker.enough == 0 ? worker.commit != worker.applied
                                         : worker.commit >= worker.enough || beside;
  if (enough) {
    state.router = RouterAt::apply;
    state.turn = 0;
    for (Worker& each : state.workers) each.router_sleeping = 0;
    return "the router looks and finds records";
  }
  next_worker(state, RouterAt::look, RouterAt::sleep);
  return "the router looks and finds nothing";
}

const char* ProtocolModel::sleep(State& state) const noexcept {
  const bool death = std::any_of(state.workers.begin(), state.workers.end(),
                                 [](const Worker& worker) { return worker.alive == 0; });
  const bool ignored =
      is(ProtocolMutant::deaths_ignored) || is(ProtocolMutant::other_worker_gets_them);
  if (state.event == 0 && (!death || ignored)) return nullptr;
  state.event = 0;
  for (Worker& worker : state.workers) worker.router_sleeping = 0;
  state.router = RouterAt::apply;
  state.turn = 0;
  return "the router wakes";
}

const char* ProtocolModel::step_router(State& state) const noexcept {
  Worker& worker = state.workers[state.turn];
  switch (state.router) {
    case RouterAt::apply:
      apply(state, worker);
      state.router = all_done(state) ? RouterAt::over : RouterAt::lend;
      return "the router applies";
    case RouterAt::lend:
      return lend(state, worker);
    case RouterAt::ring:
      if (worker.sleeping != 0 && worker.rung == 0 && !is(ProtocolMutant::worker_not_rung)) {
        worker.rung = 1;
        worker.bell = 1;
      }
      state.router = RouterAt::lend;
      return "the router rings";
    case RouterAt::bury:
      return bury(state, worker);
    case RouterAt::restart:
      restart(state, worker);
      return "the router starts the next incarnation";
    case RouterAt::announce:
      worker.router_sleeping = 1;
      worker.told = 0;  // a new epoch
      worker.enough = 0;
      if (shape_.gathers && worker.leases > 0) {
        worker.enough = byte(worker.applied + 2U * (worker.leases + 1U));
      }
      next_worker(state, RouterAt::announce,
                  is(ProtocolMutant::router_sleeps_unlooked) ? RouterAt::sleep : RouterAt::look);
      return "the router announces its sleep";
    case RouterAt::look:
      return look(state, worker);
    case RouterAt::sleep:
      return sleep(state);
    case RouterAt::over:
      break;
  }
  return nullptr;
}

// ---- mutants that move leases ----------------------------------------------------------------------

bool ProtocolModel::may_take_back(const State& state, std::size_t worker) const noexcept {
  return is(ProtocolMutant::taken_from_the_living) && state.router == RouterAt::bury &&
         state.turn == worker && state.workers[worker].leases > 0;
}

void ProtocolModel::take_back(State& state, Worker& worker) noexcept {
  while (worker.leases > 0) {
    const std::uint8_t item = worker.ledger[--worker.leases];
    worker.ledger[worker.leases] = kNone;
    std::rotate(state.queue.begin(), state.queue.end() - 1, state.queue.end());
    state.queue[0] = item;
    ++state.queued;
  }
}

// ---- what must hold --------------------------------------------------------------------------------

std::string ProtocolModel::fault(const State& state, bool is_final) const {
  if (state.mismatch != 0) return "ledger mismatch";
  for (std::size_t i = 0; i < shape_.items; ++i) {
    if (state.outputs[i] > 1) return "an output arrives twice";
    if (state.done[i] > 1) return "an item is done twice";
    if (state.done[i] > state.outputs[i]) return "an item is done without its output";
  }
  if (is_final && !all_done(state)) return "stuck";
  return "";
}

}  // namespace sluice::model
