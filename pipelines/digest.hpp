// pipelines/digest.hpp: the fingerprint by which equal chunks are known.
// Layer: pipelines.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::samples {

/// 256 bits that two different contents never share in practice.
struct Digest {
  std::array<unsigned char, 32> bytes{};

  friend auto operator<=>(const Digest&, const Digest&) = default;

  /// In lower-case hexadecimal.
  [[nodiscard]] std::string text() const;
};

/// For hash tables: bits of a digest are as good as any hash.
struct DigestHash {
  [[nodiscard]] std::size_t operator()(const Digest& digest) const noexcept {
    std::uint64_t first = 0;
    std::memcpy(&first, digest.bytes.data(), sizeof first);
    return static_cast<std::size_t>(first);
  }
};

/// Computes digests: BLAKE2b (RFC 7693) of OpenSSL with 512 bits, of which the first 256 are kept;
/// this was the fastest packaged BLAKE2 of one thread (pipelines/README.md has the figures).
///
/// Threads  one at a time; each worker has its own.
class DigestMaker {
 public:
  /// Throws  std::runtime_error when OpenSSL is set up without BLAKE2 (a FIPS configuration).
  DigestMaker();
  DigestMaker(DigestMaker&&) noexcept;
  DigestMaker& operator=(DigestMaker&&) noexcept;
  ~DigestMaker();

  [[nodiscard]] Digest operator()(std::string_view bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One digest. Makes a DigestMaker for it: for many, keep one.
[[nodiscard]] Digest digest_of(std::string_view bytes);

}  // namespace sluice::samples
