// support/allocations.cpp: operator new with a size in front of what it returns.
// SPDX-License-Identifier: MIT
#include <support/allocations.hpp>

#include <cstdlib>
#include <cstring>
#include <new>

namespace sluice::testing_support {
namespace {

struct Counts {
  bool is_on = false;
  std::int64_t live = 0;
  std::int64_t peak = 0;
  std::uint64_t count = 0;
  std::uint64_t failing = Allocations::kNever;
};

thread_local Counts counts;

// Returns  whether this allocation shall fail.
bool fails(std::size_t bytes) noexcept {
  if (!counts.is_on) return false;
  if (counts.count++ == counts.failing) return true;
  counts.live += static_cast<std::int64_t>(bytes);
  if (counts.live > counts.peak) counts.peak = counts.live;
  return false;
}

// In front of the memory: its size, in as many bytes as its alignment takes.
std::size_t room_in_front(std::size_t alignment) noexcept {
  return alignment < alignof(std::max_align_t) ? alignof(std::max_align_t) : alignment;
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (fails(bytes)) throw std::bad_alloc();
  const std::size_t front = room_in_front(alignment);
  if (bytes > PTRDIFF_MAX - 2 * front) throw std::bad_alloc();
  const std::size_t whole = (bytes + 2 * front - 1) / front * front;
  void* const base = std::aligned_alloc(front, whole);
  if (base == nullptr) throw std::bad_alloc();
  std::memcpy(base, &bytes, sizeof bytes);
  return static_cast<char*>(base) + front;
}

void release(void* memory, std::size_t alignment) noexcept {
  if (memory == nullptr) return;
  void* const base = static_cast<char*>(memory) - room_in_front(alignment);
  std::size_t bytes = 0;
  std::memcpy(&bytes, base, sizeof bytes);
  if (counts.is_on) counts.live -= static_cast<std::int64_t>(bytes);
  std::free(base);
}

}  // namespace

Allocations::Allocations(std::uint64_t failing) noexcept {
  counts = {.is_on = true, .failing = failing};
}
Allocations::~Allocations() { counts = {}; }
std::int64_t Allocations::live() noexcept { return counts.live; }
std::int64_t Allocations::peak() noexcept { return counts.peak; }
std::uint64_t Allocations::count() noexcept { return counts.count; }
bool Allocations::has_failed() noexcept { return counts.count > counts.failing; }

}  // namespace sluice::testing_support

using sluice::testing_support::allocate;
using sluice::testing_support::release;

// All forms: one that is left out would be the sanitizer's own where there is one, and its memory has no size in front.
namespace {

void* allocate_or_null(std::size_t bytes, std::size_t alignment) noexcept {
  try {
    return allocate(bytes, alignment);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
std::size_t number(std::align_val_t alignment) noexcept {
  return static_cast<std::size_t>(alignment);
}

}  // namespace

using std::align_val_t;
using std::nothrow_t;
using std::size_t;

void* operator new(size_t bytes) { return allocate(bytes, 1); }
void* operator new[](size_t bytes) { return allocate(bytes, 1); }
void* operator new(size_t bytes, const nothrow_t&) noexcept { return allocate_or_null(bytes, 1); }
void* operator new[](size_t bytes, const nothrow_t&) noexcept { return allocate_or_null(bytes, 1); }
void* operator new(size_t bytes, align_val_t at) { return allocate(bytes, number(at)); }
void* operator new[](size_t bytes, align_val_t at) { return allocate(bytes, number(at)); }
void* operator new(size_t bytes, align_val_t at, const nothrow_t&) noexcept {
  return allocate_or_null(bytes, number(at));
}
void* operator new[](size_t bytes, align_val_t at, const nothrow_t&) noexcept {
  return allocate_or_null(bytes, number(at));
}

void operator delete(void* memory) noexcept { release(memory, 1); }
void operator delete[](void* memory) noexcept { release(memory, 1); }
void operator delete(void* memory, size_t) noexcept { release(memory, 1); }
void operator delete[](void* memory, size_t) noexcept { release(memory, 1); }
void operator delete(void* memory, const nothrow_t&) noexcept { release(memory, 1); }
void operator delete[](void* memory, const nothrow_t&) noexcept { release(memory, 1); }
void operator delete(void* memory, align_val_t at) noexcept { release(memory, number(at)); }
void operator delete[](void* memory, align_val_t at) noexcept { release(memory, number(at)); }
void operator delete(void* memory, size_t, align_val_t at) noexcept { release(memory, number(at)); }
void operator delete[](void* memory, size_t, align_val_t at) noexcept {
  release(memory, number(at));
}
void operator delete(void* memory, align_val_t at, const nothrow_t&) noexcept {
  release(memory, number(at));
}
void operator delete[](void* memory, align_val_t at, const nothrow_t&) noexcept {
  release(memory, number(at));
}

// Rows of bytes grow by realloc; what they give back is not counted, since free() is everybody's.
extern "C" void* __real_realloc(void* memory, std::size_t bytes);
extern "C" void* __wrap_realloc(void* memory, std::size_t bytes);
void* __wrap_realloc(void* memory, std::size_t bytes) {
  using sluice::testing_support::counts;
  if (counts.is_on && counts.count++ == counts.failing) return nullptr;
  return __real_realloc(memory, bytes);
}
