// compile_fail/portable_nested.cpp: a pointer in a struct in a vector in a struct.
// SPDX-License-Identifier: MIT
// expect: sluice: this type cannot leave the memory of its process
// expect: Part<2, Page, sluice::Part<1, std::vector<Hit.*sluice::Part<2, Hit, sluice::NotPortable<void ?\*> ?> ?> ?>
#include <sluice/codec.hpp>

#include <string>
#include <vector>

struct Hit {
  int id;
  void* place;
};
struct Page {
  std::string name;
  std::vector<Hit> hits;
};

int main() { sluice::require_portable<Page>(); }
