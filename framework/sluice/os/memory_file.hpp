// sluice/os/memory_file.hpp: memory without a name, for several processes, that can be sealed.
//
// (1) No name: whatever dies, nothing stays behind.
// (2) All pages are there before the constructor returns, so that lack of memory is an error of a
//     call and no signal in the middle of a store.
// (3) A seal is for ever and for everybody. With `fixed_size`, a reader's mapping can't lose pages.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <sluice/os/descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sluice::detail {

class MemoryFile {
 public:
  /// Zeros. `purpose` is for messages and for the list of a process's mappings.
  /// Throws  std::system_error when there is no memory or no descriptor left.
  MemoryFile(const std::string& purpose, std::size_t size);
  /// An empty one, for append(). Throws  std::system_error when there is no descriptor left.
  explicit MemoryFile(const std::string& purpose);
  /// One that another process made; see size_if_frozen() before it is trusted.
  explicit MemoryFile(Descriptor descriptor, std::string purpose) noexcept;

  /// Writes all of it at the end. Throws  std::system_error when there is no memory.
  void append(std::span<const std::byte> bytes);

  /// Size and seals are fixed.
  void seal_size();
  /// The same, and nobody can write but through the mappings that exist now.
  void seal_size_and_new_writers();
  /// The same, and nobody writes any more. Fails while a writable mapping exists.
  void freeze();

  /// Returns  the size of a file that is frozen and has all its memory, so that no mapping of it can
  ///          change or fault, whoever made it; else 0.
  [[nodiscard]] std::uint64_t size_if_frozen() const noexcept;
  /// The same of a file that is frozen, or that nobody but its maker, by the mapping that he had, can
  /// write to: no mapping of it can fault, but its bytes may still change.
  [[nodiscard]] std::uint64_t size_if_fixed() const noexcept;
  [[nodiscard]] std::uint64_t size() const;

  [[nodiscard]] const Descriptor& descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] const std::string& purpose() const noexcept { return purpose_; }
  [[nodiscard]] Descriptor take_descriptor() && noexcept;

 private:
  void seal(int seals);
  [[nodiscard]] std::uint64_t size_if_sealed(int one_of) const noexcept;

  std::string purpose_;
  Descriptor descriptor_{};
};

}  // namespace sluice::detail
