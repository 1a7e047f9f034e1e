// sluice/start_method.cpp
// SPDX-License-Identifier: MIT
#include <sluice/start_method.hpp>

#include <atomic>

namespace sluice {
namespace {

constexpr StartMethod kMethods[] = {StartMethod::automatic, StartMethod::forkserver,
                                    StartMethod::spawn, StartMethod::fork};

std::atomic<StartMethod> chosen{StartMethod::automatic};

}  // namespace

void set_start_method(StartMethod method) noexcept {
  chosen.store(method, std::memory_order_relaxed);
}
StartMethod start_method() noexcept { return chosen.load(std::memory_order_relaxed); }

std::string_view name_of(StartMethod method) noexcept {
  switch (method) {
    case StartMethod::automatic:
      return "automatic";
    case StartMethod::forkserver:
      return "forkserver";
    case StartMethod::spawn:
      return "spawn";
    case StartMethod::fork:
      return "fork";
  }
  return "automatic";
}

std::optional<StartMethod> start_method_named(std::string_view name) noexcept {
  if (name == "auto") return StartMethod::automatic;
  for (const StartMethod method : kMethods) {
    if (name_of(method) == name) return method;
  }
  return std::nullopt;
}

}  // namespace sluice
