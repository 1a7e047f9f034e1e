// compile_fail/portable_span.cpp: a member that looks at elements of somebody else.
// SPDX-License-Identifier: MIT
// expect: sluice: this type cannot leave the memory of its process
// expect: Part<1, Hit, sluice::NotPortable<std::span<const int> ?> ?>|Part<1, Hit, sluice::NotPortable<std::span<const int, 18446744073709551615> ?> ?>
#include <sluice/codec.hpp>

#include <span>

struct Hit {
  std::span<const int> places;
  int id;
};

int main() { sluice::require_portable<Hit>(); }
