// sluice/flow/remote_error.cpp
// SPDX-License-Identifier: MIT
#include <sluice/flow/remote_error.hpp>

#include <sluice/base/display_name.hpp>
#include <sluice/error.hpp>
#include <sluice/os/exception_type.hpp>

#include <new>
#include <typeinfo>
#include <utility>

namespace sluice::detail {
namespace {

template <class... Known>
void rethrow_known(const FailedNote& failed) {
  const auto rethrow = [&]<class E>(std::in_place_type_t<E>) {
    if (failed.type == typeid(E).name()) throw E(failed.text);
  };
  (rethrow(std::in_place_type<Known>), ...);
}

}  // namespace

FailedNote describe_current_exception() {
  return {.type = current_exception_type(), .text = current_exception_text()};
}

void rethrow_remote(const FailedNote& failed) {
  rethrow_known<std::runtime_error, std::invalid_argument, std::out_of_range, std::length_error,
                std::domain_error, std::logic_error, std::range_error, std::overflow_error,
                std::underflow_error, UsageError, ClosedOutput>(failed);
  if (failed.type == typeid(std::bad_alloc).name()) throw std::bad_alloc();
  throw RemoteError(display_name(demangled(failed.type)), failed.text);
}

}  // namespace sluice::detail
