// compile_fail/portable_unique_ptr.cpp: a member that owns something elsewhere.
// SPDX-License-Identifier: MIT
// expect: sluice: this type cannot leave the memory of its process
// expect: Part<2, Hit, sluice::NotPortable<std::unique_ptr<int> ?> ?>
#include <sluice/codec.hpp>

#include <memory>

struct Hit {
  int id;
  std::unique_ptr<int> place;
};

int main() { sluice::require_portable<Hit>(); }
