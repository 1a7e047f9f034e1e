// sluice/os/mutex.hpp: a lock for headers that everybody includes.
//
// std::mutex would do, but <mutex> alone is 740 preprocessed lines of the umbrella's budget, and the type
// below it is known to every header of the standard library already.
// Layer: os. Not API.
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>

namespace sluice::detail {

/// Not recursive, without a time limit. Threads  lock, unlock: any.
class Mutex {
 public:
  Mutex() noexcept = default;
  ~Mutex() { ::pthread_mutex_destroy(&mutex_); }
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  /// Blocks until nobody else holds it.
  void lock() noexcept { ::pthread_mutex_lock(&mutex_); }
  void unlock() noexcept { ::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

/// Holds a Mutex for the length of a scope.
class MutexGuard {
 public:
  explicit MutexGuard(Mutex& mutex) noexcept : mutex_{&mutex} { mutex_->lock(); }
  ~MutexGuard() { mutex_->unlock(); }
  MutexGuard(const MutexGuard&) = delete;
  MutexGuard& operator=(const MutexGuard&) = delete;

 private:
  Mutex* mutex_;
};

}  // namespace sluice::detail
