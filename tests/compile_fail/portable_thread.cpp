// compile_fail/portable_thread.cpp: a member that is a handle of a thread.
// SPDX-License-Identifier: MIT
// expect: sluice: this type cannot leave the memory of its process
// expect: Part<1, Hit, sluice::NotPortable<std::thread> ?>
#include <sluice/codec.hpp>

#include <thread>

struct Hit {
  std::thread thread;
  int id;
};

int main() { sluice::require_portable<Hit>(); }
