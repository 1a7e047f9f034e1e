// compile_fail/portable_union.cpp: a union without a name.
// SPDX-License-Identifier: MIT
// expect: sluice: this type cannot leave the memory of its process
// expect: Part<2, Hit, sluice::NotPortable<sluice::Union> ?>
#include <sluice/codec.hpp>

struct Hit {
  int kind;
  union {
    int number;
    float real;
  };
};

int main() { sluice::require_portable<Hit>(); }
