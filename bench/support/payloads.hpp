// support/payloads.hpp: the items of the codec benches, from one that is copied as it is to one that had
// better not be copied.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/codec.hpp>
#include <sluice/shared_bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace sluice::bench {

/// 64 bytes without padding.
struct Raw {
  std::uint64_t words[8];
};
/// Members one by one: padding is not copied, the flag is checked.
struct Padded {
  bool known;
  double value;
  char letter;
  std::int32_t count;
};
struct Texts {
  std::uint64_t id;
  std::string host;
  std::string path;
};
using Doubles = std::vector<double>;

template <class T>
[[nodiscard]] T payload();
template <>
inline Raw payload<Raw>() {
  return {{1, 2, 3, 4, 5, 6, 7, 8}};
}
template <>
inline Padded payload<Padded>() {
  return {true, 0.5, 'q', 7};
}
template <>
inline Texts payload<Texts>() {
  return {7, "example.org", "/a/path/of/forty/characters/and/no/more"};
}
template <>
inline Doubles payload<Doubles>() {
  return Doubles(512, 0.25);
}
template <>
inline std::vector<Padded> payload<std::vector<Padded>>() {
  return std::vector<Padded>(256, payload<Padded>());
}
template <>
inline SharedBytes payload<SharedBytes>() {
  return SharedBytes::make(std::size_t{1} << 20,
                           [](std::span<std::byte> to) { std::memset(to.data(), 1, to.size()); });
}

/// Stands for a transport that carries blocks by reference: it keeps the last one.
class LastBlock final : public BlockSink, public BlockSource {
 public:
  bool take(const SharedBytes& block, BlockReference& to) override {
    block_ = block;
    to = {{1, 2, block.size()}};
    return true;
  }
  SharedBytes give(const BlockReference& reference, const Reader& from) override {
    if (reference.words[2] != block_.size()) from.fail("another block");
    return block_;
  }

 private:
  SharedBytes block_{};
};

}  // namespace sluice::bench
