// compile_fail/control.cpp: what the cases next to it get wrong, done right.
// SPDX-License-Identifier: MIT
// expect: compiles
#include <sluice/sluice.hpp>

int main() {}
