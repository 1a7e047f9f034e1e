// sluice/flow/window_body.hpp: windows over all items of a worker, or over those of each of its keys.
//
// What a window keeps, its items or a fold of them, is the Gather's business; it makes the open windows.
// The origin of time windows is the moment at which the worker started, so the keys' windows end together.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/emitter.hpp>
#include <sluice/flow/callable.hpp>
#include <sluice/flow/key_table.hpp>
#include <sluice/flow/panes.hpp>
#include <sluice/flow/windows.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace sluice::detail {

/// Most windows that come out at once, so that a million keys don't have to lie in the overflow together.
inline constexpr std::size_t kWindowsAtOnce = 64;

/// Windows keep their items.
template <class T, class Span, bool kSliding>
class GatherItems {
 public:
  using Open = Windows<T, Span, kSliding>;
  explicit GatherItems(Span span) noexcept : span_(span) {}

  [[nodiscard]] Open open(Clock::time_point origin) const { return Open(span_, origin); }
  void begin_item() const noexcept {}
  [[nodiscard]] bool whole() const noexcept { return false; }  // only putting out can fail

 private:
  Span span_;
};

/// Windows keep a fold.
template <class T, class Span, class Fold, bool kSliding>
class GatherFold {
 public:
  using Open = Panes<T, Span, Fold, kSliding>;
  GatherFold(Span span, Fold fold)
      : span_(span), folding_(std::make_unique<Folding<Fold>>(Folding<Fold>{std::move(fold)})) {}

  [[nodiscard]] Open open(Clock::time_point origin) const { return Open(*folding_, span_, origin); }
  void begin_item() const noexcept { folding_->in_step = true; }
  [[nodiscard]] bool whole() const noexcept { return folding_->in_step; }

 private:
  Span span_;
  std::unique_ptr<Folding<Fold>> folding_;  // the windows point to it
};

template <class In, class Gather, bool kByTime>
class WindowBody {
 public:
  static constexpr bool kReadsOnly = false;
  static constexpr bool kHoldsItems = true;
  using Open = typename Gather::Open;
  using Out = typename Open::Out;
  explicit WindowBody(Gather gather) : gather_(std::move(gather)), windows_(gather_.open({})) {}

  void start(Context& context) { windows_ = gather_.open(context.now()); }
  void process(In&& item, Emitter<Out>& out, Context& context) {
    gather_.begin_item();
    windows_.add(std::move(item), time_of(context), emit_to(out));
  }
  [[nodiscard]] bool whole() const noexcept { return gather_.whole(); }
  [[nodiscard]] Deadline due() const noexcept { return windows_.due(); }
  void on_time(Emitter<Out>& out, Context&) { windows_.close_next(emit_to(out)); }
  bool finish(Emitter<Out>& out) {
    for (std::size_t i = 0; i < kWindowsAtOnce && windows_.open(); ++i) {
      windows_.close_next(emit_to(out));
    }
    return windows_.open();
  }

 private:
  static Clock::time_point time_of(Context& context) {
    if constexpr (kByTime) return context.now();
    return {};
  }
  static auto emit_to(Emitter<Out>& out) {
    return [&out](Out&& window) { out.emit(std::move(window)); };
  }

  Gather gather_;
  Open windows_;
};

template <class In, class KeyOf, class Gather, bool kByTime>
class KeyedWindowBody {
 public:
  static constexpr bool kReadsOnly = false;
  static constexpr bool kHoldsItems = true;
  using Key = std::remove_cvref_t<std::invoke_result_t<const KeyOf&, const In&>>;
  using Open = typename Gather::Open;
  using Out = std::pair<Key, typename Open::Out>;
  KeyedWindowBody(std::shared_ptr<const KeyOf> key_of, Gather gather)
      : key_of_(std::move(key_of)), gather_(std::move(gather)) {}

  void start(Context& context) { origin_ = context.now(); }
  void process(In&& item, Emitter<Out>& out, Context& context) {
    gather_.begin_item();
    const std::size_t known = keys_.size();
    Entry& entry = keys_.entry_of(Key((*key_of_)(std::as_const(item))),
                                  [this] { return gather_.open(origin_); });
    try {
      entry.state.add(std::move(item), time_of(context), emit_to(out, entry));
    } catch (...) {
      if (keys_.size() > known) keys_.drop_last();  // a key that only a failed item had
      throw;
    }
    note_due(entry.state.due());
  }
  [[nodiscard]] bool whole() const noexcept { return gather_.whole(); }
  [[nodiscard]] Deadline due() const noexcept { return due_; }
  // A part of the keys at a time; nothing is taken in between, because due_ stays as it is until all
  // have been looked at.
  void on_time(Emitter<Out>& out, Context& context) {
    const Clock::time_point now = context.now();
    if (looked_at_ == 0) next_due_ = {};
    for (std::size_t room = kWindowsAtOnce; room > 0 && looked_at_ < keys_.size();) {
      Entry& entry = keys_.entry(looked_at_);
      if (!entry.state.due().passed(now)) {
        if (entry.state.due() < next_due_) next_due_ = entry.state.due();
        ++looked_at_;
        continue;
      }
      entry.state.close_next(emit_to(out, entry));
      --room;
    }
    if (looked_at_ < keys_.size()) return;
    looked_at_ = 0;
    due_ = std::exchange(next_due_, {});
    if (due_.is_never()) keys_.clear();  // no key has an open window
  }
  bool finish(Emitter<Out>& out) {
    for (std::size_t i = 0; i < kWindowsAtOnce && finished_ < keys_.size();) {
      Entry& entry = keys_.entry(finished_);
      if (entry.state.open()) {
        entry.state.close_next(emit_to(out, entry));
        ++i;
      } else {
        ++finished_;
      }
    }
    return finished_ < keys_.size();
  }

 private:
  using Entry = typename KeyTable<Key, Open>::Entry;

  static Clock::time_point time_of(Context& context) {
    if constexpr (kByTime) return context.now();
    return {};
  }
  static auto emit_to(Emitter<Out>& out, const Entry& entry) {
    return [&out, &entry](auto&& window) { out.emit(Out(entry.key, std::move(window))); };
  }
  void note_due(const Deadline& due) noexcept {
    if (due < due_) due_ = due;
    if (due < next_due_) next_due_ = due;
  }

  std::shared_ptr<const KeyOf> key_of_;
  Gather gather_;
  Clock::time_point origin_{};
  KeyTable<Key, Open> keys_;
  Deadline due_;       // no key's window ends before
  Deadline next_due_;  // the same of the keys that on_time() has looked at
  std::size_t looked_at_ = 0;
  std::size_t finished_ = 0;
};

}  // namespace sluice::detail
