// compile_fail/portable_private_members.cpp: a class that hides what it holds.
// SPDX-License-Identifier: MIT
// expect: sluice: this type cannot leave the memory of its process
// expect: RequirePortable<sluice::NotPortable<Money> ?>
#include <sluice/codec.hpp>

class Money {
 public:
  long cents() const { return cents_; }

 private:
  long cents_ = 0;
};

int main() { sluice::require_portable<Money>(); }
