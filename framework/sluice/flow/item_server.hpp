// sluice/flow/item_server.hpp: the worker process's end of a stage: bytes of an item in, bytes of outputs out.
//
// Has the user's object, an emitter and a context like any worker; outputs stay in a port that stands alone
// until the callback has returned, so a throw leaves nothing of half an item.
// Threads  the worker process's only one.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec.hpp>
#include <sluice/flow/output_side.hpp>
#include <sluice/flow/stage_step.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace sluice::detail {

class ItemServer {
 public:
  /// Takes an encoded output.
  class Outputs {
   public:
    virtual void put(std::span<const std::byte> bytes) = 0;
    /// To encode the next output with; nullptr: all of it is copied.
    [[nodiscard]] virtual BlockSink* blocks() = 0;

   protected:
    ~Outputs() = default;
  };

  ItemServer() = default;
  ItemServer(const ItemServer&) = delete;
  ItemServer& operator=(const ItemServer&) = delete;
  virtual ~ItemServer() = default;

  /// Calls the object's start(), where it has one. Throws what that throws.
  virtual void start() = 0;
  /// Decodes an item and calls the function. Throws what that throws, and DecodeError; its outputs are then
  /// forgotten.
  virtual void process(std::span<const std::byte> item, BlockSource* blocks) = 0;
  /// Hands over the outputs of the last item. Throws what encoding or `to` throws; they are then forgotten.
  virtual void deliver(Outputs& to) = 0;
};

template <class Out>
inline constexpr bool kPortableOutput = portable<Out>;
template <>
inline constexpr bool kPortableOutput<NoOutput> = true;

template <class In, class Out, class Body>
class BodyServer final : public ItemServer {
 public:
  BodyServer(WorkerState& worker, Body body)
      : context_(worker), out_({.worker = &worker}, context_), body_(std::move(body)) {
    if constexpr (!std::is_same_v<Out, NoOutput>) out_.port().stand_alone();
  }

  void start() override {
    if constexpr (BodyWithStart<Body>) body_.start(context_);
  }

  void process(std::span<const std::byte> item, BlockSource* blocks) override {
    try {
      body_.process(decode<In>(item, blocks), out_.emitter(), context_);
    } catch (...) {
      out_.discard();
      throw;
    }
  }

  void deliver(Outputs& to) override {
    if constexpr (!std::is_same_v<Out, NoOutput>) {
      try {
        out_.port().take_staged([&](const Out& output) {
          encoded_.clear();
          encode(output, encoded_, to.blocks());
          to.put(encoded_.view());
        });
      } catch (...) {
        out_.discard();
        throw;
      }
    }
  }

 private:
  Context context_;
  OutputSide<Out> out_;
  Body body_;
  Bytes encoded_;
};

}  // namespace sluice::detail
