// sluice/flow/remote_notes.hpp: what a worker process tells besides outputs, as portable values.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace sluice::detail {

/// Closes the transaction of an item whose function returned. One that says nothing is no bytes.
struct DoneNote {
  std::uint64_t filtered = 0;
  std::uint64_t retried = 0;     ///< failed attempts before, made in the process itself
  std::uint64_t bytes = 0;       ///< Context::add_bytes()
  std::uint64_t service_ns = 0;  ///< time in the function; 0: not measured for this item
  bool enough = false;           ///< Context::enough() was called

  friend bool operator==(const DoneNote&, const DoneNote&) = default;
};

/// Closes the transaction of an item whose function threw.
struct FailedNote {
  std::uint32_t attempt = 1;  ///< the one that failed last
  std::uint64_t retried = 0;  ///< attempts before it, made in the process itself
  std::string type{};         ///< of the exception, as compilers name it
  std::string text{};
};

/// Something that the function said through its Context.
struct SaidNote {
  enum class Kind : std::uint8_t { log, dead, stop, cancel, started };
  Kind kind = Kind::log;  ///< started: start() has returned; the first thing that a process says
  std::string subject{};
  std::string text{};
};

}  // namespace sluice::detail
