// compile_fail/portable_pointer.cpp: a member that is a pointer.
// SPDX-License-Identifier: MIT
// expect: sluice: this type cannot leave the memory of its process
// expect: Part<2, Hit, sluice::NotPortable<const char ?\*> ?>
#include <sluice/codec.hpp>

struct Hit {
  int id;
  const char* host;
};

int main() { sluice::require_portable<Hit>(); }
