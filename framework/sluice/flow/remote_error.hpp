// sluice/flow/remote_error.hpp: exceptions that were thrown in a worker process.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/flow/remote_notes.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace sluice {

/// An exception of a type of the user's, thrown in a worker process: its text, and its type's name.
class RemoteError : public std::runtime_error {
 public:
  RemoteError(std::string type, const std::string& text)
      : std::runtime_error(text), type_(std::move(type)) {}
  [[nodiscard]] const std::string& type() const noexcept { return type_; }

 private:
  std::string type_;
};

namespace detail {

/// Type and text of the exception being handled. Call inside a catch block only.
[[nodiscard]] FailedNote describe_current_exception();

/// Throws it again: those of <stdexcept> and std::bad_alloc as themselves, others as RemoteError.
[[noreturn]] void rethrow_remote(const FailedNote& failed);

}  // namespace detail
}  // namespace sluice
