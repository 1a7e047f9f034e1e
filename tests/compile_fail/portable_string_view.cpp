// compile_fail/portable_string_view.cpp: a member that looks at characters of somebody else.
// SPDX-License-Identifier: MIT
// expect: sluice: this type cannot leave the memory of its process
// expect: Part<2, Hit, sluice::NotPortable<std::basic_string_view<char> ?> ?>
#include <sluice/codec.hpp>

#include <string_view>

struct Hit {
  int id;
  std::string_view host;
};

int main() { sluice::require_portable<Hit>(); }
