// compile_fail/portable_reference.cpp: a member that is a reference.
// SPDX-License-Identifier: MIT
// expect: sluice: this type cannot leave the memory of its process
// expect: Part<2, Hit, sluice::NotPortable<const int ?&> ?>
#include <sluice/codec.hpp>

struct Hit {
  int id;
  const int& place;
};

int main() { sluice::require_portable<Hit>(); }
