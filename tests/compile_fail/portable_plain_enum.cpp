// compile_fail/portable_plain_enum.cpp: an enum of which not every number is a value.
// SPDX-License-Identifier: MIT
// expect: sluice: this type cannot leave the memory of its process
// expect: Part<1, Hit, sluice::NotPortable<Colour> ?>
#include <sluice/codec.hpp>

enum Colour { red, green };
struct Hit {
  Colour colour;
};

int main() { sluice::require_portable<Hit>(); }
