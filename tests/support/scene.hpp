// support/scene.hpp: what the callbacks of a pipeline share in which somebody waits, and a way to hold them.
// SPDX-License-Identifier: MIT
#pragma once

#include <support/carriers.hpp>
#include <support/collected.hpp>
#include <support/counted.hpp>
#include <support/numbers.hpp>
#include <support/off_thread_checks.hpp>
#include <support/watchdog.hpp>

#include <sluice/sluice.hpp>

#include <atomic>
#include <optional>
#include <thread>

namespace sluice::testing_support {

/// How a run is ended.
enum class How : unsigned char { stop, cancel, drop };
/// Who ends it.
enum class From : unsigned char { main_thread, other_thread, inside };

/// Holds a callback until it is let go or the run is cancelled; then has it stop or cancel the run, if told.
class Holder {
 public:
  void hold(Context& context) {
    held_ = true;
    wait_until([&] { return free_ || context.cancelled(); });
    if (asks_ == How::stop) context.stop();
    if (asks_ == How::cancel) context.cancel();
    asked_ = true;
  }
  void let_go() { free_ = true; }
  /// Blocks until the callback has asked.
  void have_ask(How how) {
    asks_ = how;
    free_ = true;
    wait_until([this] { return asked_.load(); });
  }
  [[nodiscard]] bool holds() const { return held_; }

 private:
  std::atomic<bool> held_{false};
  std::atomic<bool> free_{false};
  std::atomic<bool> asked_{false};
  std::atomic<How> asks_{How::drop};
};

/// What the callbacks of a scene share.
struct Scene {
  explicit Scene(const CarrierMix& with) : mix{with} {}

  CarrierMix mix;
  std::atomic<Number> emitted{0};
  Collected<Number> got;
  Holder holder;     // in the stage that makes others wait, where there is one
  Holder bystander;  // in a stage that has nothing to do with it
  OffThreadChecks checks;
  std::thread application;              // feeds or reads
  std::optional<Inlet<Counted>> inlet;  // kept open

  auto endless() {
    return [this](Context&) -> std::optional<Counted> { return Counted(emitted++); };
  }
  auto only(Number count) {
    return [this, count]() -> std::optional<Counted> {
      if (emitted == count) return std::nullopt;
      return Counted(emitted++);
    };
  }
  auto holds() {
    return [this](const Counted& item, Context& context) {
      if (!holder.holds()) holder.hold(context);
      got.add(item.value());
    };
  }
  auto collects() {
    return [this](const Counted& item) { got.add(item.value()); };
  }
};

}  // namespace sluice::testing_support
