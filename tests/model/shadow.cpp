// model/shadow.cpp
// SPDX-License-Identifier: MIT
#include <model/shadow.hpp>

#include <model/execution.hpp>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <string>

namespace sluice::model {

// ---- races -----------------------------------------------------------------------------------------

void PlainHistory::read(Execution& execution, const char* what) {
  const Step step = execution.tick();
  if (!execution.clock().knows(written_)) {
    execution.fail(std::string("data race: reads ") + what + " that another thread writes");
  }
  read_[step.thread] = step.count;
}

void PlainHistory::write(Execution& execution, const char* what) {
  const Step step = execution.tick();
  bool ordered = execution.clock().knows(written_);
  for (unsigned i = 0; i < kMaxThreads; ++i) {
    ordered = ordered && execution.clock().knows({i, read_[i]});
  }
  if (!ordered) {
    execution.fail(std::string("data race: writes ") + what + " that another thread uses");
  }
  written_ = step;
  read_ = {};
}

// ---- objects ---------------------------------------------------------------------------------------

Shadow::Object& Shadow::object_at(Execution& execution, const void* address) {
  const std::less<const char*> before;
  const auto* byte = static_cast<const char*>(address);
  for (const Block& block : blocks_) {
    const auto* begin = static_cast<const char*>(block.begin);
    if (block.freed && !before(byte, begin) && before(byte, begin + block.size)) {
      execution.fail("an item in freed memory is used");
    }
  }
  for (Object& object : objects_) {
    if (object.address == address) return object;
  }
  objects_.push_back({.address = address, .alive = false, .history = {}});
  return objects_.back();
}

Shadow::Object& Shadow::living(Execution& execution, const void* address, const char* what) {
  Object& object = object_at(execution, address);
  if (!object.alive) execution.fail(std::string("an item is ") + what + " that does not exist");
  return object;
}

void Shadow::made(Execution& execution, const void* object) {
  Object& place = object_at(execution, object);
  if (place.alive) execution.fail("an item is made on top of another one");
  place.history.write(execution, "an item's memory");
  place.alive = true;
  ++alive_;
}

void Shadow::destroyed(Execution& execution, const void* object) {
  Object& place = living(execution, object, "destroyed");
  place.history.write(execution, "an item");
  place.alive = false;
  --alive_;
}

void Shadow::read(Execution& execution, const void* object) {
  living(execution, object, "read").history.read(execution, "an item");
}

void Shadow::written(Execution& execution, const void* object) {
  living(execution, object, "written").history.write(execution, "an item");
}

// ---- memory ----------------------------------------------------------------------------------------

void Shadow::allocated(const void* block, std::size_t size) {
  blocks_.push_back({.begin = const_cast<void*>(block), .size = size, .freed = false});
}

bool Shadow::freed(void* block) {
  for (Block& known : blocks_) {
    if (known.begin == block && !known.freed) {
      known.freed = true;
      return true;
    }
  }
  return false;
}

void Shadow::free_quarantine() {
  for (const Block& block : blocks_) {
    if (block.freed) std::free(block.begin);
  }
  blocks_.clear();
  objects_.clear();
}

}  // namespace sluice::model

// ---- the program's own allocation of aligned memory ------------------------------------------------

void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  void* block = std::aligned_alloc(align, (size + align - 1) / align * align);
  if (block == nullptr) throw std::bad_alloc();
  if (auto* execution = sluice::model::Execution::current()) {
    std::memset(block, 0xdb, size);  // an item read before it was made is then a strange one
    execution->shadow().allocated(block, size);
  }
  return block;
}

void operator delete(void* block, std::align_val_t) noexcept {
  auto* execution = sluice::model::Execution::current();
  if (execution != nullptr && execution->shadow().freed(block)) return;
  std::free(block);
}

void operator delete(void* block, std::size_t, std::align_val_t alignment) noexcept {
  operator delete(block, alignment);
}
