// sluice/os/descriptor.hpp: an open file descriptor and who closes it.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

namespace sluice::detail {

/// Owns a descriptor, or only borrows it (standard input and output); closes what it owns.
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int number) noexcept : number_(number), owned_(true) {}
  [[nodiscard]] static Descriptor borrowed(int number) noexcept {
    Descriptor descriptor;
    descriptor.number_ = number;
    return descriptor;
  }

  Descriptor(Descriptor&& other) noexcept
      : number_(std::exchange(other.number_, kNone)), owned_(std::exchange(other.owned_, false)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, kNone);
      owned_ = std::exchange(other.owned_, false);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] bool valid() const noexcept { return number_ != kNone; }

  /// Closes an owned descriptor, whatever that says. For files that were written, close_written().
  void reset() noexcept;

  /// Gives the descriptor up without closing it.
  int release() noexcept {
    owned_ = false;
    return std::exchange(number_, kNone);
  }

  [[nodiscard]] bool owned() const noexcept { return owned_; }

 private:
  static constexpr int kNone = -1;

  int number_ = kNone;
  bool owned_ = false;
};

}  // namespace sluice::detail
