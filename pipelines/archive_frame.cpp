// pipelines/archive_frame.cpp
// SPDX-License-Identifier: MIT
#include <archive_frame.hpp>

#include <archive_format.hpp>

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <xxhash.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <new>
#include <stdexcept>
#include <utility>

namespace sluice::samples {
namespace {

// Whatever zstd makes of a frame, a reader takes it.
static_assert(ZSTD_COMPRESSBOUND(kMostFrameBytes) <= kMostStoredFrameBytes);

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

std::size_t checked(std::size_t result) {
  if (ZSTD_isError(result) == 0) return result;
  if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) throw std::bad_alloc();
  throw std::runtime_error(fmt::format("zstd can't compress: {}", ZSTD_getErrorName(result)));
}

}  // namespace

std::uint64_t checksum_of(std::string_view bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

// ---- FrameCompressor ----------------------------------------------------------------------------

struct FrameCompressor::State {
  std::unique_ptr<ZSTD_CCtx, FreeCompressor> context{ZSTD_createCCtx()};
};

FrameCompressor::FrameCompressor(int level) : state_(std::make_unique<State>()) {
  if (level < kLeastLevel || level > kMostLevel) {
    throw UsageError(
        fmt::format("compression level is {}; give {} to {}", level, kLeastLevel, kMostLevel));
  }
  ZSTD_CCtx* const context = state_->context.get();
  if (context == nullptr) throw std::bad_alloc();
  checked(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level));
  checked(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1));
  checked(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0));  // the index has one
}
FrameCompressor::FrameCompressor(FrameCompressor&&) noexcept = default;
FrameCompressor& FrameCompressor::operator=(FrameCompressor&&) noexcept = default;
FrameCompressor::~FrameCompressor() = default;

StoredFrame FrameCompressor::compress(const RawFrame& frame, ByteBuffer memory) {
  StoredFrame stored{.bytes = std::move(memory)};
  compress(frame.bytes.view(), stored.bytes);
  stored.checksum = checksum_of(stored.bytes.view());
  stored.chunks = frame.chunks;
  return stored;
}

void FrameCompressor::compress(std::string_view raw, ByteBuffer& to) {
  to.clear();
  to.resize(ZSTD_compressBound(raw.size()));
  const std::size_t size =
      checked(ZSTD_compress2(state_->context.get(), to.data(), to.size(), raw.data(), raw.size()));
  to.resize(size);
}

// ---- FrameDecompressor --------------------------------------------------------------------------

struct FrameDecompressor::State {
  std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context{ZSTD_createDCtx()};
};

FrameDecompressor::FrameDecompressor() : state_(std::make_unique<State>()) {
  if (state_->context == nullptr) throw std::bad_alloc();
}
FrameDecompressor::FrameDecompressor(FrameDecompressor&&) noexcept = default;
FrameDecompressor& FrameDecompressor::operator=(FrameDecompressor&&) noexcept = default;
FrameDecompressor::~FrameDecompressor() = default;

// One call with all of the output in place: zstd then needs no window, whatever size the frame
// declares.
std::string FrameDecompressor::decompress(std::string_view stored, std::size_t raw_bytes,
                                          ByteBuffer& to) {
  to.clear();
  const unsigned long long declared = ZSTD_getFrameContentSize(stored.data(), stored.size());
  if (declared == ZSTD_CONTENTSIZE_ERROR) return "it is no frame of zstd";
  if (declared != raw_bytes)
    return fmt::format("it does not declare {} bytes of content", raw_bytes);
  if (ZSTD_findFrameCompressedSize(stored.data(), stored.size()) != stored.size()) {
    return "it does not end where it should";
  }
  to.resize(raw_bytes);
  const std::size_t size = ZSTD_decompressDCtx(state_->context.get(), to.data(), to.size(),
                                               stored.data(), stored.size());
  if (ZSTD_isError(size) == 0 && size == raw_bytes) return {};
  to.clear();
  if (ZSTD_isError(size) == 0) return "its content is shorter than it declares";
  return fmt::format("zstd refuses it ({})", ZSTD_getErrorName(size));
}

}  // namespace sluice::samples
