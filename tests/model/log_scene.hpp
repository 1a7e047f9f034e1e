// model/log_scene.hpp: the two ends of a pair of logs (process/log_ends.hpp) on the simulated machine.
//
// The rings are followed word by word: a word that is read and written without order is a data race.
// Bells order nothing, so that the logs get no help from them.
// SPDX-License-Identifier: MIT
#pragma once

#include <model/model_sync.hpp>

#include <model/explore.hpp>

#include <sluice/process/log_ends.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace sluice::model {

/// A ring of bytes of any size that is a multiple of 8, there twice.
class ModelRing {
 public:
  explicit ModelRing(std::size_t capacity) : bytes_(2 * capacity), words_(capacity / 8) {}

  [[nodiscard]] std::size_t capacity() const noexcept { return words_.size() * 8; }
  [[nodiscard]] std::byte* place(std::uint64_t position, std::size_t size) {
    for_each_word(position, size,
                  [](PlainHistory& word) { word.write(*Execution::current(), "a word of a log"); });
    return bytes_.data() + position % capacity();
  }
  void mirror(std::uint64_t position, std::size_t size) noexcept {
    for (std::uint64_t at = position % capacity(); size > 0; ++at, --size) {
      bytes_[(at + capacity()) % bytes_.size()] = bytes_[at];
    }
  }
  [[nodiscard]] const std::byte* read(std::uint64_t position, std::size_t size) {
    for_each_word(position, size,
                  [](PlainHistory& word) { word.read(*Execution::current(), "a word of a log"); });
    return bytes_.data() + position % capacity();
  }
  /// The number at an address that read() gave, read now.
  [[nodiscard]] std::uint64_t number(std::span<const std::byte> bytes) {
    const auto offset = static_cast<std::uint64_t>(bytes.data() - bytes_.data());
    return detail::value_at<std::uint64_t>(read(offset, sizeof(std::uint64_t)));
  }

 private:
  template <class Touch>
  void for_each_word(std::uint64_t position, std::size_t size, Touch touch) {
    for (std::uint64_t at = position / 8; at * 8 < position + size; ++at) {
      touch(words_[at % words_.size()]);
    }
  }

  std::vector<std::byte> bytes_;
  std::vector<PlainHistory> words_;
};

/// What the ends know of a ring.
class ModelArea {
 public:
  explicit ModelArea(ModelRing& ring) noexcept : ring_(&ring) {}
  [[nodiscard]] std::uint64_t capacity() const noexcept { return ring_->capacity(); }
  [[nodiscard]] std::byte* place(std::uint64_t position, std::size_t size) const {
    return ring_->place(position, size);
  }
  void wrote(std::uint64_t position, std::size_t size) const noexcept {
    ring_->mirror(position, size);
  }
  [[nodiscard]] detail::RecordHead head(std::uint64_t position) const {
    return detail::read_head(ring_->read(position, sizeof(detail::RecordHead)));
  }
  [[nodiscard]] const std::byte* at(std::uint64_t position, std::size_t size) const {
    return ring_->read(position, size);
  }
  void soon_read(std::uint64_t) const noexcept {}
  void soon_written(std::uint64_t) const noexcept {}

 private:
  ModelRing* ring_;
};

/// Remembers rings, as an event counter does. One sleeper. Orders nothing.
class ModelBell {
 public:
  void ring() {
    rings_.fetch_add(kOne, std::memory_order_relaxed);
    ModelSync::wake(rings_, 1);
  }
  bool wait() {
    for (;;) {
      // The last value, as the kernel sees it.
      const auto now =
          static_cast<std::uint32_t>(rings_.fetch_add(0, std::memory_order_relaxed) >> 32);
      if (now != heard_) {
        heard_ = now;
        return true;
      }
      ModelSync::sleep(rings_, heard_, Deadline::never());
    }
  }

 private:
  static constexpr std::uint64_t kOne = std::uint64_t{1} << 32;

  Atomic<std::uint64_t> rings_{0};
  std::uint32_t heard_ = 0;
};

using ModelParentEnd = detail::LogParentEnd<ModelSync, ModelArea, ModelBell>;
using ModelWorkerEnd = detail::LogWorkerEnd<ModelSync, ModelArea, ModelBell, ModelBell>;

/// Everything two ends share, and the ends.
struct LogScene {
  LogScene(std::size_t down_bytes, std::size_t up_bytes)
      : down(down_bytes),
        up(up_bytes),
        parent(parent_words, worker_words, ModelArea(down), ModelArea(up), worker_bell),
        worker(worker_words, parent_words, ModelArea(down), ModelArea(up), worker_bell, router_bell,
               0) {}

  ModelRing down;
  ModelRing up;
  detail::ParentWords<ModelSync> parent_words{};
  detail::WorkerWords<ModelSync> worker_words{};
  ModelBell worker_bell{};
  ModelBell router_bell{};
  ModelParentEnd parent;
  ModelWorkerEnd worker;
};

// log_test.cpp
void leases_and_records(Execution& run);
void answers_gathered(Execution& run);
void more_than_there_are(Execution& run);
void records_without_room(Execution& run);
void leases_without_room(Execution& run);
void stop_of_a_sleeper(Execution& run);

}  // namespace sluice::model
