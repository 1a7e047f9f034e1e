// compile_fail/portable_mutex.cpp: a member that is a lock.
// SPDX-License-Identifier: MIT
// expect: sluice: this type cannot leave the memory of its process
// expect: Part<1, Hit, sluice::NotPortable<std::mutex> ?>
#include <sluice/codec.hpp>

#include <mutex>

struct Hit {
  std::mutex mutex;
  int id;
};

int main() { sluice::require_portable<Hit>(); }
