// tests/processes/mix_items.hpp: what goes through the random pipelines of mix_program, and what is done to it.
//
// All of it is a function of the item: what fails, how often, what comes out. So every run of a pipeline has the same
// outputs, whatever its stages run on.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/shared_bytes.hpp>
#include <sluice/sluice.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::testing_support {

/// A few bits of a and b, well mixed.
[[nodiscard]] std::uint64_t mixed(std::uint64_t a, std::uint64_t b) noexcept;

struct MixItem {
  std::uint64_t number = 0;  ///< of the source's item that it comes from
  std::uint64_t value = 0;   ///< of everything that was done to it
  std::uint32_t way = 0;     ///< the arms that it took
  std::uint32_t round = 0;   ///< how often it went through the loop
  std::string text{};
  SharedBytes block{};
};

/// For dead letters.
[[nodiscard]] std::string subject_of(const MixItem& item);
/// What a sink writes down of it: the way, the key, and a line with all that is in it.
[[nodiscard]] std::string line_of(const MixItem& item);

constexpr std::uint64_t kMixKeys = 7;
[[nodiscard]] inline std::uint64_t key_of(const MixItem& item) noexcept {
  return item.number % kMixKeys;
}
[[nodiscard]] inline bool goes_again(const MixItem& item) noexcept {
  return item.round < 1 + item.number % 3;
}

struct MixSource {
  using Out = MixItem;
  bool next(Emitter<MixItem>& out);
  std::uint64_t count = 0;
  bool large = false;  ///< some items are, in their text or in their block
  std::uint64_t at = 0;
};

/// A stage without state, of any kind.
struct MixStep {
  enum class Kind : unsigned char {
    change,
    filter,
    several,  ///< 0 to 2 outputs
    retried,  ///< some items fail, but no more than twice
    buried,   ///< some fail at every attempt
    turn,     ///< counts a round of the loop
    arm,      ///< notes the way
  };
  using Out = MixItem;

  void start(Context& given) { context = &given; }
  void process(const MixItem& item, Emitter<MixItem>& out) const;

  Kind kind = Kind::change;
  std::uint64_t salt = 0;  ///< differs by stage
  Context* context = nullptr;
};

struct MixUnpack {
  using Out = MixItem;
  void process(const std::vector<MixItem>& pack, Emitter<MixItem>& out) const {
    for (const MixItem& item : pack) out.emit(item);
  }
};

/// Which items are known to arrive in the order in which their source made them.
enum class MixOrder : unsigned char {
  all,      ///< of each way
  per_key,  ///< of each way and key
  none,
};

/// Writes "name|group|line" for each item, all at once at the end: in one group all that have an order.
struct MixSink {
  void process(const MixItem& item);
  void finish() const;
  std::string name{};
  MixOrder order = MixOrder::all;
  std::string lines{};
};

}  // namespace sluice::testing_support
