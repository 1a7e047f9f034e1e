// foreign/main.cpp: a program of somebody else.
// prints: linked with sluice 0.1.0
#include <sluice/base/config.hpp>

#include <cstdio>

int main() { std::printf("linked with sluice %s\n", sluice::version()); }
