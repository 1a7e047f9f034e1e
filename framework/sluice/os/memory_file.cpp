// sluice/os/memory_file.cpp
// SPDX-License-Identifier: MIT
#include <sluice/os/memory_file.hpp>

#include <sluice/os/file.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // since Linux 6.3; Debian 12's headers are older
#endif

namespace sluice::detail {
namespace {

constexpr int kTriesToSeal = 16;
constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

int make_memory(const char* name) noexcept {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const int number = memfd_create(name, kFlags | MFD_NOEXEC_SEAL);
  if (number >= 0 || errno != EINVAL) return number;
  return memfd_create(name, kFlags);  // an older kernel
}

// In pieces, so that a signal does not make the kernel give up a long one again and again.
void reserve(int number, std::size_t size, const std::string& purpose) {
  constexpr std::size_t kPiece = std::size_t{2} << 20;
  for (std::size_t at = 0; at < size; at += kPiece) {
    const auto length = static_cast<off_t>(std::min(kPiece, size - at));
    while (fallocate(number, 0, static_cast<off_t>(at), length) != 0) {
      if (errno != EINTR) {
        throw_os_error(errno, fmt::format("reserve {} bytes of memory for", size), purpose);
      }
    }
  }
}

}  // namespace

MemoryFile::MemoryFile(const std::string& purpose)
    : purpose_(purpose), descriptor_(make_memory(purpose.c_str())) {
  if (descriptor_.number() < 0) throw_os_error(errno, "make memory for", purpose);
}

MemoryFile::MemoryFile(const std::string& purpose, std::size_t size) : MemoryFile(purpose) {
  if (ftruncate(descriptor_.number(), static_cast<off_t>(size)) != 0) {
    throw_os_error(errno, fmt::format("reserve {} bytes of memory for", size), purpose);
  }
  reserve(descriptor_.number(), size, purpose);
}

MemoryFile::MemoryFile(Descriptor descriptor, std::string purpose) noexcept
    : purpose_(std::move(purpose)), descriptor_(std::move(descriptor)) {}

void MemoryFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(descriptor_.number(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      throw_os_error(errno, fmt::format("reserve {} bytes of memory for", bytes.size()), purpose_);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

// While somebody holds a page of it, which may be the system itself for a moment, no further writes can be ruled out. The
// system waits for a tenth of a second at most and then says that it is busy: so it is asked again.
void MemoryFile::seal(int seals) {
  for (int tries = kTriesToSeal; fcntl(descriptor_.number(), F_ADD_SEALS, seals) != 0;) {
    if (errno != EBUSY || --tries == 0) throw_os_error(errno, "seal the memory of", purpose_);
  }
}

void MemoryFile::seal_size() { seal(kSizeSeals); }
void MemoryFile::seal_size_and_new_writers() { seal(kSizeSeals | F_SEAL_FUTURE_WRITE); }
void MemoryFile::freeze() { seal(kSizeSeals | F_SEAL_WRITE); }

std::uint64_t MemoryFile::size_if_frozen() const noexcept { return size_if_sealed(F_SEAL_WRITE); }
std::uint64_t MemoryFile::size_if_fixed() const noexcept {
  return size_if_sealed(F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);  // either forbids holes, too
}

std::uint64_t MemoryFile::size_if_sealed(int one_of) const noexcept {
  constexpr int kNeeded = F_SEAL_SHRINK | F_SEAL_GROW;
  const int seals = fcntl(descriptor_.number(), F_GET_SEALS);
  if (seals < 0 || (seals & kNeeded) != kNeeded || (seals & one_of) == 0) return 0;
  // Huge pages may run out when they are touched, which is a signal.
  struct statfs system = {};
  if (fstatfs(descriptor_.number(), &system) != 0 || system.f_type != TMPFS_MAGIC) return 0;
  struct stat found = {};
  if (fstat(descriptor_.number(), &found) != 0 || found.st_size <= 0) return 0;
  constexpr blkcnt_t kBlock = 512;
  if (found.st_blocks < (found.st_size + kBlock - 1) / kBlock) return 0;
  return static_cast<std::uint64_t>(found.st_size);
}

std::uint64_t MemoryFile::size() const {
  struct stat found = {};
  if (fstat(descriptor_.number(), &found) != 0) {
    throw_os_error(errno, "look at the memory of", purpose_);
  }
  return static_cast<std::uint64_t>(found.st_size);
}

Descriptor MemoryFile::take_descriptor() && noexcept { return std::move(descriptor_); }

}  // namespace sluice::detail
