// sluice/runtime/endpoints.hpp: where application code feeds and reads a running pipeline.
//
// The run ends only when every endpoint has ended too: an inlet by close() (or by stop), an outlet
// when it has been read to its end or let go.
// Layer: runtime. API through RunHandle.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/type_name.hpp>
#include <sluice/flow/endpoint.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace sluice {

namespace detail {
class RunState;
/// Throw UsageError when the run has no such endpoint of that type.
[[nodiscard]] std::shared_ptr<Endpoint> find_inlet(const std::shared_ptr<RunState>& run,
                                                   const std::string& name, TypeKey type);
[[nodiscard]] std::shared_ptr<Endpoint> find_outlet(const std::shared_ptr<RunState>& run,
                                                    const std::string& name, TypeKey type);
}  // namespace detail

/// Feeds a running pipeline. Destroying it closes it. Threads: any number may put.
template <class T>
class Inlet {
 public:
  explicit Inlet(std::shared_ptr<detail::Endpoint> end) : end_(std::move(end)) {}
  Inlet(Inlet&&) noexcept = default;
  Inlet& operator=(Inlet&&) = delete;
  Inlet(const Inlet&) = delete;
  ~Inlet() {
    if (end_ != nullptr) close();
  }

  /// Blocks   while the edge behind it is full, until the deadline.
  /// Returns  ok; full (still so at the deadline) or closed (ended, stopped, cancelled): then the
  ///          item is untouched.
  [[nodiscard]] PutStatus put(T&& item, Deadline deadline = {}) {
    return port().put(std::move(item), deadline);
  }
  /// The same for a copy.
  [[nodiscard]] PutStatus put(const T& item, Deadline deadline = {}) {
    T copy(item);
    return port().put(std::move(copy), deadline);
  }
  /// No more items; what was put drains.
  void close() noexcept { port().end(); }

 private:
  detail::InletPort<T>& port() noexcept { return static_cast<detail::InletPort<T>&>(*end_); }
  std::shared_ptr<detail::Endpoint> end_;
};

/// Reads a running pipeline. Destroying it before its end drops what is left, accounted.
template <class T>
class Outlet {
 public:
  explicit Outlet(std::shared_ptr<detail::Endpoint> end) : end_(std::move(end)) {}
  Outlet(Outlet&&) noexcept = default;
  Outlet& operator=(Outlet&&) = delete;
  Outlet(const Outlet&) = delete;
  ~Outlet() {
    if (end_ != nullptr) port().end();
  }

  /// Blocks   while there is nothing to read, until the deadline.
  /// Returns  an item (counted done); or empty (still so at the deadline); or closed: the end.
  [[nodiscard]] GetResult<T> get(Deadline deadline = {}) { return port().get(deadline); }

 private:
  detail::OutletPort<T>& port() noexcept { return static_cast<detail::OutletPort<T>&>(*end_); }
  std::shared_ptr<detail::Endpoint> end_;
};

}  // namespace sluice
