// compile_fail/portable_function.cpp: a member that is code with captures.
// SPDX-License-Identifier: MIT
// expect: sluice: this type cannot leave the memory of its process
// expect: Part<1, Hit, sluice::NotPortable<std::function<void \(\)> ?> ?>|Part<1, Hit, sluice::NotPortable<std::function<void\(\)> ?> ?>
#include <sluice/codec.hpp>

#include <functional>

struct Hit {
  std::function<void()> call;
  int id;
};

int main() { sluice::require_portable<Hit>(); }
