// sluice/flow/spill_packer.cpp: the only source of the framework that knows zstd.
// SPDX-License-Identifier: MIT
#include <sluice/flow/spill_packer.hpp>

#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <new>
#include <stdexcept>

namespace sluice::detail {
namespace {

// The fastest of the levels whose search pays for text and numbers alike.
constexpr int kLevel = 1;

template <class Context>
Context* made(Context* context) {
  if (context == nullptr) throw std::bad_alloc();
  return context;
}

struct Free {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

}  // namespace

struct SpillPacker::Contexts {
  std::unique_ptr<ZSTD_CCtx, Free> pack{made(ZSTD_createCCtx())};
  std::unique_ptr<ZSTD_DCtx, Free> unpack{made(ZSTD_createDCtx())};
};

SpillPacker::SpillPacker() noexcept = default;
SpillPacker::~SpillPacker() = default;

std::span<const std::byte> SpillPacker::pack(std::span<const std::byte> bytes) {
  if (contexts_ == nullptr) contexts_ = std::make_unique<Contexts>();
  packed_.resize(bytes.size() - bytes.size() / 8);
  const std::size_t size = ZSTD_compressCCtx(contexts_->pack.get(), packed_.data(), packed_.size(),
                                             bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(size) == 0) return packed_.view().first(size);
  if (ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) throw std::bad_alloc();
  return bytes;  // it would not have become small enough
}

void SpillPacker::unpack(std::span<const std::byte> packed, std::span<std::byte> to) {
  if (contexts_ == nullptr) contexts_ = std::make_unique<Contexts>();
  const std::size_t size = ZSTD_decompressDCtx(contexts_->unpack.get(), to.data(), to.size(),
                                               packed.data(), packed.size());
  if (size == to.size()) return;
  if (ZSTD_isError(size) != 0 && ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) {
    throw std::bad_alloc();
  }
  throw std::runtime_error(fmt::format(
      "cannot unpack a block of {} bytes in a temporary file: {}; it was changed by somebody else",
      packed.size(), ZSTD_isError(size) != 0 ? ZSTD_getErrorName(size) : "wrong size"));
}

}  // namespace sluice::detail
