// sluice/batch.hpp: gathers items into vectors, by number and by time.
// Layer: stage. API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/clocks.hpp>
#include <sluice/deadline.hpp>
#include <sluice/error.hpp>
#include <sluice/flow/bodies.hpp>
#include <sluice/flow/maker.hpp>
#include <sluice/stage.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace detail {

template <class T>
class BatchBody {
 public:
  static constexpr bool kReadsOnly = false;
  static constexpr bool kHoldsItems = true;
  using Out = std::vector<T>;
  BatchBody(std::size_t size, std::chrono::nanoseconds linger) : size_(size), linger_(linger) {}

  void process(T&& item, Emitter<Out>& out, Context& context) {
    if (open_.empty()) {
      open_.reserve(size_ < kReserve ? size_ : kReserve);
      due_ = linger_ == kNoLinger ? Deadline{} : Deadline::after(linger_, context.now());
    }
    open_.push_back(std::move(item));
    if (open_.size() == size_) flush(out);
  }
  void finish(Emitter<Out>& out) {
    if (!open_.empty()) flush(out);
  }

  [[nodiscard]] Deadline due() const noexcept { return open_.empty() ? Deadline{} : due_; }
  void on_time(Emitter<Out>& out, Context&) { flush(out); }

  static constexpr std::chrono::nanoseconds kNoLinger = std::chrono::nanoseconds::max();

 private:
  void flush(Emitter<Out>& out) { out.emit(std::exchange(open_, {})); }

  static constexpr std::size_t kReserve = 1024;

  std::size_t size_;
  std::chrono::nanoseconds linger_;
  Out open_;
  Deadline due_;
};

struct BatchDecl {
  using Wanted = SomethingElse;
  template <class In>
  static constexpr bool kAccepts = std::move_constructible<In>;
  template <class In>
  using Out = std::vector<In>;
  template <class In>
  [[nodiscard]] std::unique_ptr<StageMaker> maker() && {
    return make_maker<In, Out<In>>([size = size, linger = linger](std::size_t) {
      return [size, linger] { return BatchBody<In>(size, linger); };
    });
  }
  Declared base;
  std::size_t size;
  std::chrono::nanoseconds linger;
};

}  // namespace detail

/// Gathers `size` items into a std::vector; a batch that is `linger` old is passed on as it is, and
/// what is open when the input ends comes out last. Without `linger` only size and end count.
/// A batch whose key or route throws fails the run whatever `on_error` says: its items are counted.
/// Throws  UsageError for size 0 or a negative linger.
[[nodiscard]] inline detail::BatchDecl batch(
    std::string name, std::size_t size,
    std::chrono::nanoseconds linger = detail::BatchBody<int>::kNoLinger,
    StageOptions options = {}) {
  if (size == 0) throw UsageError("batch " + name + ": size is 0; give at least 1");
  if (linger.count() < 0) throw UsageError("batch " + name + ": the linger time is negative");
  return {
      {.name = std::move(name), .kind = "batch", .options = std::move(options), .gathers = true},
      size,
      linger};
}
/// Without a linger.
[[nodiscard]] inline detail::BatchDecl batch(std::string name, std::size_t size,
                                             StageOptions options) {
  return batch(std::move(name), size, detail::BatchBody<int>::kNoLinger, std::move(options));
}

}  // namespace sluice
