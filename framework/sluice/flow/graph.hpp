// sluice/flow/graph.hpp: what a pipeline is: stages, connections, and the faults found so far.
//
// Values only: nothing here runs, opens a file or makes a queue.
// Layer: flow. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/base/type_name.hpp>
#include <sluice/flow/copyable.hpp>
#include <sluice/flow/maker.hpp>
#include <sluice/flow/overflow.hpp>
#include <sluice/flow/selector.hpp>
#include <sluice/options.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::detail {

enum class StageRole : unsigned char {
  source,     ///< no input
  transform,  ///< input and output
  sink,       ///< no output
  inlet,      ///< fed by application code: no worker
  outlet,     ///< read by application code: no worker
};

struct StageDef {
  std::string name{};
  std::string kind{};  ///< as the user wrote it: map, filter, sink, ...
  StageRole role = StageRole::transform;
  StageOptions options{};
  bool many = true;
  std::string many_reason{};
  bool gathers = false;   ///< an output holds what several items brought
  bool finishes = false;  ///< it may emit when its input has ended
  bool feedback = false;  ///< passes on what comes back from further down
  bool stores = false;    ///< takes items also while its outputs wait for room
  TypeKey in{};
  TypeKey out{};
  std::shared_ptr<StageMaker> maker{};
};

/// An output of one stage joined to the input of another.
struct Connection {
  std::size_t from = 0;
  std::size_t to = 0;
  std::shared_ptr<const Selector> selector{};
  std::string adaptors{};  ///< as shown on the edge, e.g. "route 0, key_by"
  bool keyed = false;
  Overflow overflow = Overflow::block;
};

/// An end that must be connected: a stage's output, or one arm of a route.
struct OpenEnd {
  std::size_t stage = 0;
  std::string what{};  ///< empty: stands for a stage that does not exist, which is a fault already
  bool used = false;
};

/// One place a stream's items come from.
struct Origin {
  std::size_t stage = 0;
  std::size_t end = 0;
  std::shared_ptr<const Selector> selector{};
  std::string adaptors{};
  std::shared_ptr<const FullPolicy> policy{};  ///< null: nothing was said, so it blocks
};

/// What connecting needs to know of a stream's items.
struct ItemType {
  TypeKey key{};
  bool copyable = true;
};
template <class T>
[[nodiscard]] constexpr ItemType item_type() noexcept {
  return {type_key<T>(), Copyable<T>};
}

struct Graph {
  std::string name{};
  std::string prefix{};  ///< of the names of stages that are added, e.g. "walk/"
  std::vector<StageDef> stages{};
  std::vector<Connection> connections{};
  std::vector<OpenEnd> ends{};
  std::vector<std::string> faults{};  ///< found while building

  /// Adds a stage; its name gets the prefix.
  [[nodiscard]] std::size_t add(StageDef def);
  [[nodiscard]] std::size_t add_end(std::size_t stage, std::string what);
  /// A stage's output, not yet connected.
  [[nodiscard]] Origin output_of(std::size_t stage);
  /// Takes an end for one consumer.
  void use(const Origin& origin, const ItemType& item);
  /// Joins outputs to the input of a stage; by key where `key` is given.
  void connect(const std::vector<Origin>& origins, std::size_t to, const ItemType& item,
               const std::shared_ptr<const Selector>& key);
  /// One arm of a route: the same origins, seen through its selector.
  [[nodiscard]] std::vector<Origin> arm_of(std::vector<Origin> origins, std::size_t arm,
                                           const std::shared_ptr<const Selector>& selector);
  /// The same origins with a policy for a full edge; a fault where they have one already.
  [[nodiscard]] std::vector<Origin> with_policy(std::vector<Origin> origins,
                                                const std::shared_ptr<const FullPolicy>& policy);
  /// The same origins, those with a store seen behind its stage: one for all that share a policy. The stage
  /// is named after the consumer.
  [[nodiscard]] std::vector<Origin> behind_stores(const std::vector<Origin>& origins,
                                                  const std::string& consumer,
                                                  const ItemType& item);
  /// Index of the stage with this name, or stages.size().
  [[nodiscard]] std::size_t find(const std::string& stage) const;
  /// The stages that come from `stage` and lead back to it, itself included; empty when none does.
  [[nodiscard]] std::vector<std::size_t> loop_of(std::size_t stage) const;
  /// All faults, those of building first.
  [[nodiscard]] std::vector<std::string> check() const;
};

/// Puts "name/" before the names of all stages that are added during its life.
class NameScope {
 public:
  /// Throws UsageError for a name that is empty or has a slash.
  NameScope(Graph& graph, std::string_view name);
  ~NameScope();
  NameScope(const NameScope&) = delete;
  NameScope& operator=(const NameScope&) = delete;

 private:
  Graph* graph_;
  std::size_t outer_;  // length of the prefix before
};

}  // namespace sluice::detail
