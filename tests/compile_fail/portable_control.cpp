// compile_fail/portable_control.cpp: what the cases next to it get wrong, done right.
// SPDX-License-Identifier: MIT
// expect: compiles
#include <sluice/codec.hpp>
#include <sluice/shared_bytes.hpp>

#include <string>
#include <vector>

enum class Colour { red, green };
struct Hit {
  int id;
  std::string host;
  Colour colour;
  sluice::SharedBytes picture;
};
struct Page {
  std::string name;
  std::vector<Hit> hits;
};

int main() { sluice::require_portable<Page>(); }
