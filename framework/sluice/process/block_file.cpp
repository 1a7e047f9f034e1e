// sluice/process/block_file.cpp
// SPDX-License-Identifier: MIT
#include <sluice/process/block_file.hpp>

#include <sluice/os/this_process.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace sluice::detail {
namespace {

constexpr const char* kPurpose = "sluice: a large payload";
constexpr std::size_t kLeastCapacity = std::size_t{1} << 16;

std::array<std::atomic<std::uint64_t>, 5> counts{};
std::atomic<std::size_t> granted_in_all{0};

// The context of a payload in a file.
struct FiledBytes {
  std::shared_ptr<BlockFile> file{};
  std::size_t size = 0;
  std::shared_ptr<BlockOwner> owner{};
  std::uint32_t slot = 0;
  Mutex mutex{};
  SharedBytes copy{};  // under the mutex; once there, it stays

  static const std::byte* fetch(void* context) {
    auto& filed = *static_cast<FiledBytes*>(context);
    const MutexGuard guard(filed.mutex);
    if (filed.copy.empty()) {
      filed.copy = SharedBytes::copy_of({filed.file->bytes(), filed.size});
      count_block(BlockCount::fetched);
    }
    return filed.copy.data();
  }
  static void release(void* context, const std::byte*, std::size_t) noexcept {
    const std::unique_ptr<FiledBytes> filed(static_cast<FiledBytes*>(context));
    if (filed->owner != nullptr) filed->owner->given_back(filed->file, filed->slot);
  }
};

}  // namespace

std::uint64_t BlockFile::next_id() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::shared_ptr<BlockFile> BlockFile::make(std::size_t size) {
  MemoryFile file(kPurpose, size);
  MemoryMap map(file, size, MapAccess::read_and_write);
  file.seal_size_and_new_writers();
  auto made = std::make_shared<BlockFile>(std::move(file), size);
  made->map_ = std::move(map);
  return made;
}

std::shared_ptr<BlockFile> BlockFile::adopt(Descriptor descriptor) {
  MemoryFile file(std::move(descriptor), kPurpose);
  const std::uint64_t size = file.size_if_fixed();
  if (size == 0) return nullptr;
  return std::make_shared<BlockFile>(std::move(file), static_cast<std::size_t>(size));
}

const std::byte* BlockFile::bytes() {
  const MutexGuard guard(mutex_);
  if (map_.data() == nullptr) {
    map_ = MemoryMap(file_, size_, MapAccess::read);
    count_block(BlockCount::mapped);
  }
  return map_.data();
}

SharedBytes bytes_in_file(std::shared_ptr<BlockFile> file, std::size_t size,
                          std::shared_ptr<BlockOwner> owner, std::uint32_t slot) {
  auto filed = std::make_unique<FiledBytes>();
  filed->file = std::move(file);
  filed->size = size;
  filed->owner = std::move(owner);
  filed->slot = slot;
  return SharedBytes(size, FiledBytes::fetch, FiledBytes::release, filed.release());
}

PlaceInFile place_of(const SharedBytes& bytes) noexcept {
  const SharedBytes whole = bytes.whole();
  auto* filed = static_cast<FiledBytes*>(whole.context_of(FiledBytes::release));
  if (filed == nullptr) {
    filed = static_cast<FiledBytes*>(whole.twin().context_of(FiledBytes::release));
  }
  if (filed == nullptr) return {};
  return {.file = filed->file, .whole = filed->size, .offset = bytes.offset_in_whole()};
}

std::size_t block_capacity(std::size_t size) noexcept {
  if (size > kMostKeptBlock) return size;
  return std::max(kLeastCapacity, std::bit_ceil(size));
}

SharedBytes BlockPool::copy_of(std::span<const std::byte> bytes) {
  const std::size_t capacity = block_capacity(bytes.size());
  std::shared_ptr<BlockFile> file = take_idle(capacity);
  if (file == nullptr) {
    if (!may_make()) return {};
    try {
      file = BlockFile::make(capacity);
    } catch (...) {
      const MutexGuard guard(mutex_);
      --files_;
      throw;
    }
  }
  std::memcpy(file->room(), bytes.data(), bytes.size());
  count_block(BlockCount::written);
  return bytes_in_file(std::move(file), bytes.size(), shared_from_this(), 0);
}

// The one that was used last, of those that are not much too large.
std::shared_ptr<BlockFile> BlockPool::take_idle(std::size_t capacity) noexcept {
  const MutexGuard guard(mutex_);
  for (std::size_t i = idle_.size(); i-- > 0;) {
    if (idle_[i]->size() < capacity || idle_[i]->size() > 4 * capacity) continue;
    std::shared_ptr<BlockFile> found = std::move(idle_[i]);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    idle_bytes_ -= found->size();
    return found;
  }
  return nullptr;
}

// In the place of the one that was idle longest, if need be.
bool BlockPool::may_make() noexcept {
  std::shared_ptr<BlockFile> oldest;  // goes after the lock does
  const MutexGuard guard(mutex_);
  if (files_ < most_) {
    ++files_;
    return true;
  }
  if (idle_.empty()) return false;
  oldest = std::move(idle_.front());
  idle_.erase(idle_.begin());
  idle_bytes_ -= oldest->size();
  return true;
}

void BlockPool::given_back(const std::shared_ptr<BlockFile>& file, std::uint32_t) noexcept {
  const MutexGuard guard(mutex_);
  try {
    if (file->size() <= kMostKeptBlock && idle_bytes_ + file->size() <= kMostKeptBytes) {
      idle_.push_back(file);
      idle_bytes_ += file->size();
      return;
    }
  } catch (...) {  // no memory to remember it
  }
  --files_;
}

BlockAllowance::BlockAllowance(std::size_t wanted) noexcept {
  const std::size_t most = descriptor_limit() / 2;
  wanted = std::min(wanted, most / 8);
  std::size_t before = granted_in_all.load(std::memory_order_relaxed);
  do {
    granted_ = std::min(wanted, most - std::min(most, before));
  } while (
      !granted_in_all.compare_exchange_weak(before, before + granted_, std::memory_order_relaxed));
}

BlockAllowance::~BlockAllowance() { granted_in_all.fetch_sub(granted_, std::memory_order_relaxed); }

void count_block(BlockCount what) noexcept {
  counts[static_cast<std::size_t>(what)].fetch_add(1, std::memory_order_relaxed);
}

BlockCounts block_counts() noexcept {
  const auto count = [](BlockCount what) {
    return counts[static_cast<std::size_t>(what)].load(std::memory_order_relaxed);
  };
  return {.written = count(BlockCount::written),
          .received = count(BlockCount::received),
          .lent = count(BlockCount::lent),
          .fetched = count(BlockCount::fetched),
          .mapped = count(BlockCount::mapped)};
}

}  // namespace sluice::detail
